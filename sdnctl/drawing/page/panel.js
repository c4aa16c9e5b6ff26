// Panel: title, search, and the legend, which is also the switch of every layer.

const SHOWN_RESULTS = 24;
const SHOWN_KINDS = 16;

class Panel {
  constructor(net, panel, layers, choose) {
    this.net = net;
    this.panel = panel;
    this.layers = layers;
    this.choose = choose;
    this.entries = this.searchable();
  }

  build() {
    const { net } = this;
    const kilometres = net.segments.reduce((sum, one) => sum + one.length, 0);
    const sheath = net.cables.reduce((sum, one) => sum + one.sheath, 0);
    const figures = [
      [sheath ? metres(sheath).replace(/ (k?m)$/, '\u00a0$1') : null, 'of cable'],
      [kilometres ? metres(kilometres).replace(/ (k?m)$/, '\u00a0$1') : null, 'of routes'],
      [net.switches.length, 'switches'], [net.links.length, 'links'], [net.endpoints.length, 'endpoints'],
    ].filter(([value]) => value);
    this.panel.replaceChildren(
      h('header', {},
        h('h1', {}, net.name),
        h('p', { className: 'state' }, net.state),
        h('div', { className: 'figures' }, figures.map(([value, text]) => h('div', {}, h('b', {}, typeof value === 'number' ? value.toLocaleString('en').replace(/,/g, '\u00a0') : value), h('span', {}, text))))),
      this.search(),
      h('div', { className: 'scroll' },
        this.legend(),
        this.services(),
        h('p', { className: 'hint' }, 'Choose a route, chamber, cable, link or site to see what its loss takes down.'),
        net.placed ? null : h('p', { className: 'hint' }, 'The folder gives no positions: sites are laid out by their links, distances mean nothing.'),
        net.sources.length ? h('details', { className: 'sources' }, h('summary', {}, 'Sources'), h('ul', {}, net.sources.map((text) => h('li', {}, text)))) : null),
      h('button', { className: 'fold', 'aria-expanded': 'true', 'aria-label': 'Show or hide layers', onclick: () => this.fold() }, 'Layers'),
    );
  }

  fold(open = this.panel.classList.contains('folded')) {
    this.panel.classList.toggle('folded', !open);
    this.panel.querySelector('.fold').setAttribute('aria-expanded', String(open));
  }

  // ── legend ──────────────────────────────────────────────────────────────────────────────────────

  legend() {
    const { net } = this;
    const { colours, style } = net;
    const scale = (steps) => h('div', { className: 'scale' }, steps.map(([, colour, text]) => {
      const box = h('i', {});
      box.style.background = colour;
      return h('span', {}, box, text);
    }));
    const kinds = (items) => h('div', { className: 'keys' }, items.map(([mark, text]) => h('span', {}, mark, text)));
    const used = new Set(net.segments.map((one) => one.kind));
    const counts = new Map();
    net.endpoints.forEach((one) => counts.set(one.kind, (counts.get(one.kind) || 0) + 1));
    const zoneKinds = [...new Set(net.zones.map((zone) => zone.kind))];
    const siteKinds = Object.keys(SITE_FORMS).filter((kind) => net.sites.some((site) => site.kind === kind));
    const states = new Set(net.links.map((link) => link.state));
    const details = {
      segments: () => kinds([
        ...Object.entries(style.segments).filter(([kind]) => used.has(kind)).map(([kind, text]) => [strokeSwatch(colours.plant, kind === 'bridge' ? 4 : 2, style.dashes[kind]), text]),
        ...(net.segments.some((one) => one.status !== 'in-service') ? [[strokeSwatch(colours.not_in_service, 2, [1, 4]), 'Not in service']] : []),
      ]),
      zones: () => kinds(zoneKinds.map((kind) => [swatch('square', kind === 'flood' ? colours.flood : colours.hazard, 14, kind === 'flood' ? colours.flood_line : colours.hazard_line), capital(kind)])),
      cables: () => scale(style.fill),
      links: () => [scale(style.load), kinds([
        ...(states.has('down') ? [[strokeSwatch(colours.alarm, 3, [5, 4]), 'Down']] : []),
        ...(states.has('pinned') ? [[strokeSwatch(colours.alarm, 3, [1, 4]), 'Kept free by the controller']] : []),
      ])],
      endpoints: () => {
        const all = Object.entries(style.marks).filter(([kind]) => counts.has(kind)).map(([kind, [colour, form]]) => [swatch(form, colour), capital(kind)]);
        if (all.length <= SHOWN_KINDS) return kinds(all);
        const rest = h('details', { className: 'rest' }, h('summary', {}, `${all.length - SHOWN_KINDS} kinds more`), kinds(all.slice(SHOWN_KINDS)));
        return [kinds(all.slice(0, SHOWN_KINDS)), rest];
      },
      sites: () => kinds(siteKinds.map((kind) => [swatch(SITE_FORMS[kind].form, colours.ink, 9 + SITE_FORMS[kind].radius), { datacentre: 'Datacentre', pop: 'Point of presence', office: 'Office', cabinet: 'Cabinet', customer: 'Customer' }[kind]])),
    };
    return h('section', { className: 'layers' }, [...this.layers.present].reverse().map(({ name, title, count }) => {
      const box = h('input', { type: 'checkbox', id: `layer-${name}`, onchange: () => this.layers.toggle(name, box.checked) });
      box.checked = this.layers.shown.has(name);
      return h('div', { className: 'layer' },
        h('label', { for: `layer-${name}` }, box, h('span', {}, title), h('small', {}, count.toLocaleString('en').replace(/,/g, '\u00a0'))),
        details[name] ? details[name]() : null);
    }));
  }

  services() {
    if (!this.net.applications.length) return null;
    return h('section', { className: 'services' }, h('h3', {}, 'Applications'), this.net.applications.map((one) => h('button', {
      className: 'service', 'data-application': one.id, onclick: () => this.choose(one, true),
    }, h('span', {}, one.id), h('small', {}, `${one.serviceClass} · ${plural(one.flows.length, 'demand')}`), dots(one.levels))));
  }

  // ── search ──────────────────────────────────────────────────────────────────────────────────────

  searchable() {
    const found = [];
    for (const thing of this.net.byKey.values()) {
      const text = [thing.id, thing.name, thing.type === 'endpoint' ? `${thing.addresses} ${thing.tags}` : ''].filter(Boolean).join(' ').toLowerCase();
      found.push({ thing, id: thing.id.toLowerCase(), text });
    }
    return found;
  }

  /** Things whose id or name holds all words: ids that begin so first, demands last. */
  find(query) {
    const words = query.toLowerCase().split(/\s+/).filter(Boolean);
    if (!words.length) return [];
    const rank = ({ thing, id }) => (id === words[0] ? 0 : id.startsWith(words[0]) ? 1 : 2) + (thing.type === 'demand' ? 3 : 0);
    return this.entries.filter((entry) => words.every((word) => entry.text.includes(word)))
      .map((entry) => [rank(entry), entry]).sort((a, b) => a[0] - b[0] || (a[1].id < b[1].id ? -1 : 1)).map(([, entry]) => entry.thing);
  }

  search() {
    const results = h('ul', { className: 'results', id: 'results', hidden: true });
    const pick = (thing) => {
      input.value = thing.id;
      results.hidden = true;
      input.blur();
      this.choose(thing, true);
    };
    const input = h('input', {
      type: 'search', id: 'search', placeholder: 'Search any name or address', autocomplete: 'off', spellcheck: 'false', 'aria-controls': 'results',
      oninput: () => {
        const found = this.find(input.value);
        results.hidden = !input.value.trim();
        results.replaceChildren(...found.slice(0, SHOWN_RESULTS).map((thing) => h('li', {},
          h('button', { onmousedown: (event) => event.preventDefault(), onclick: () => pick(thing) }, h('span', {}, thing.name || thing.id), h('small', {}, thing.name && thing.name !== thing.id ? `${TYPE_NAMES[thing.type]} · ${thing.id}` : TYPE_NAMES[thing.type])))));
        if (!found.length) results.append(h('li', { className: 'none' }, 'Nothing has that name'));
        else if (found.length > SHOWN_RESULTS) results.append(h('li', { className: 'none' }, `${found.length - SHOWN_RESULTS} more`));
      },
      onkeydown: (event) => {
        if (event.key === 'Enter') {
          const [first] = this.find(input.value);
          if (first) pick(first);
        } else if (event.key === 'Escape') {
          input.value = '';
          results.hidden = true;
        }
      },
      onblur: () => { results.hidden = true; },
      onfocus: () => { results.hidden = !input.value.trim() || !results.children.length; },
    });
    return h('div', { className: 'search' }, input, results);
  }
}

function dots(levels) {
  return h('span', { className: 'dots' }, Object.entries(levels).filter(([, verdict]) => verdict)
    .map(([level, verdict]) => h('i', { className: `dot ${verdict}`, title: `${level} ${verdict}` })));
}

function capital(text) {
  const words = text.replace(/-/g, ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}
