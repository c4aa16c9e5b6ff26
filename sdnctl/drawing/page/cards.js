// Cards: what is known of a chosen thing, and what its loss takes down.

const TYPE_NAMES = {
  zone: 'Hazard zone', switch: 'Switch', site: 'Site', chamber: 'Chamber', segment: 'Route segment', cable: 'Cable',
  link: 'Link', endpoint: 'Endpoint', application: 'Application', demand: 'Demand', closure: 'Closure', duct: 'Duct',
  feeder: 'Power feeder',
};
const FATE_TEXTS = {
  repaired: ['repaired by the switches', 'saved'],
  standby: ['on standby paths', 'standby'],
  lost: ['lost until rerouted', 'lost'],
  severed: ['cut off', 'alarm'],
};
const CUTTABLE = new Set(['segment', 'chamber', 'cable', 'link', 'site', 'switch', 'zone', 'closure', 'duct', 'feeder']);
const MANY = 40;

class Cards {
  constructor(net, card, choose, close) {
    this.net = net;
    this.card = card;
    this.choose = choose;
    this.close = close;
  }

  hide() {
    this.card.hidden = true;
    this.card.replaceChildren();
  }

  show(type, title, body) {
    this.card.replaceChildren(
      h('button', { className: 'close', 'aria-label': 'Close', onclick: () => this.close() }, '×'),
      h('div', { className: 'kind' }, type),
      h('h2', {}, title),
      ...body.filter(Boolean),
    );
    this.card.hidden = false;
    this.card.scrollTop = 0;
  }

  /** A thing's card; returns the tally of its loss where it has one. */
  thing(thing) {
    const event = CUTTABLE.has(thing.type) ? eventOf(this.net, thing) : null;
    const counted = event && tally(this.net, event);
    const facts = this[thing.type](thing);
    this.show(TYPE_NAMES[thing.type], thing.name || thing.id, [
      thing.name && thing.name !== thing.id ? h('div', { className: 'id' }, thing.id) : null,
      ...facts.head,
      CUTTABLE.has(thing.type) ? this.loss(event, counted) : null,
      ...(facts.body || []),
    ]);
    return event && { event, counted };
  }

  /** The card of what was asked for with --cut. */
  cut(what, event) {
    const counted = tally(this.net, event);
    this.show('Cut', what.map((name) => name.replace(/^(segment|duct|chamber|cable|building|zone|feeder|node):/, '$1 ')).join(' + '), [
      this.loss(event, counted),
    ]);
    return counted;
  }

  // ── parts ───────────────────────────────────────────────────────────────────────────────────────

  facts(...rows) {
    const shown = rows.filter(([, value]) => value !== null && value !== undefined && value !== '');
    return h('dl', {}, shown.map(([name, value]) => [h('dt', {}, name), h('dd', {}, value)]));
  }

  chip(thing, text = thing.name || thing.id) {
    return h('button', { className: 'chip', onclick: () => this.choose(thing, true) }, text);
  }

  chips(title, things) {
    if (!things.length) return null;
    const list = h('div', { className: 'chips' }, things.slice(0, MANY).map((thing) => this.chip(thing)));
    if (things.length > MANY) {
      list.append(h('button', {
        className: 'chip more',
        onclick: () => list.replaceChildren(...things.map((thing) => this.chip(thing))),
      }, `${things.length - MANY} more`));
    }
    return h('div', { className: 'block' }, h('h3', {}, `${title} `, h('small', {}, String(things.length))), list);
  }

  /** What cutting it takes down: counts by fate, then by application. */
  loss(event, counted) {
    if (!event || !(event.links.length || event.switches.length || event.dark.length)) {
      return h('div', { className: 'loss quiet', 'data-event': 'none' }, h('h3', {}, 'If this is cut'), h('p', {}, 'No lit link and no customer line depends on it.'));
    }
    const { all } = counted;
    const tiles = FATES.map((fate) => h('div', { className: `tile ${FATE_TEXTS[fate][1]}${all[fate] ? '' : ' none'}` },
      h('b', { 'data-count': fate }, String(all[fate])), h('span', {}, FATE_TEXTS[fate][0])));
    const what = [
      event.links.length && h('b', { 'data-count': 'links' }, plural(event.links.length, 'link')),
      event.switches.length && h('b', { 'data-count': 'switches' }, plural(event.switches.length, 'switch', 'switches')),
      event.dark.length && h('b', { 'data-count': 'dark' }, plural(event.dark.length, 'endpoint')),
    ].filter(Boolean);
    const sentence = what.flatMap((part, index) => [index ? (index === what.length - 1 ? ' and ' : ', ') : '', part]);
    return h('div', { className: 'loss', 'data-event': 'cut' },
      h('h3', {}, 'If this is cut'),
      h('p', {}, ...sentence, event.links.length + event.switches.length + event.dark.length === 1 ? ' goes dark; ' : ' go dark; ',
        h('b', { 'data-count': 'demands' }, plural(all.demands, 'demand')), ' ran there.'),
      h('div', { className: 'tiles' }, tiles),
      counted.rows.length ? h('table', {},
        h('thead', {}, h('tr', {}, h('th', {}, 'Application'), h('th', {}, ''), FATES.map((fate) => h('th', { title: FATE_TEXTS[fate][0] }, h('i', { className: FATE_TEXTS[fate][1] }))))),
        h('tbody', {}, counted.rows.map(([application, row]) => h('tr', { 'data-application': application.id },
          h('td', {}, this.chip(application)), h('td', {}, bar(row)),
          FATES.map((fate) => h('td', { className: row[fate] ? '' : 'zero' }, String(row[fate]))))))) : null,
      this.chips('Links down', event.links),
      this.chips('Endpoints without line', event.dark));
  }

  load(load, title) {
    const sum = total(load);
    const rows = this.net.classes.filter((name) => load[name]);
    if (!rows.length) return [h('dt', {}, title), h('dd', {}, 'nothing')];
    return [h('dt', {}, title), h('dd', {}, bitrate(sum), h('div', { className: 'classes' },
      rows.map((name) => h('span', {}, `${name} ${bitrate(load[name])}`))))];
  }

  // ── kinds ───────────────────────────────────────────────────────────────────────────────────────

  segment(one) {
    return {
      head: [this.facts(
        ['Kind', this.net.style.segments[one.kind] || one.kind], ['Length', metres(one.length)], ['State', one.status],
        ['Owner', one.owner],
      )],
      body: [this.chips('Links', one.links), this.chips('Cables', one.cables),
        this.chips('Ducts', one.ducts.map((id) => this.net.byKey.get(`duct:${id}`)))],
    };
  }

  duct(one) {
    return { head: [this.facts(['Length', metres(one.segments.reduce((sum, part) => sum + part.length, 0))])], body: [this.chips('Segments', one.segments)] };
  }

  cable(one) {
    const segments = one.segments.length ? plural(one.segments.length, 'segment') : 'not known';
    return {
      head: [this.facts(
        ['Type', one.kind], ['Ends', `${one.a} – ${one.b}`], ['Sheath', metres(one.sheath)], ['Route', segments],
        ['Strands lit', `${one.lit} of ${one.strands} (${percent(one.lit / one.strands)})`], ['State', one.status],
      )],
      body: [this.chips('Links on it', one.links)],
    };
  }

  link(one) {
    const margin = one.margin === null ? null : `${one.margin.toFixed(1)} dB`;
    const state = { down: 'down', pinned: 'kept free of traffic: the controller saw it fail' }[one.state] || 'up';
    return {
      head: [
        this.facts(
          ['Ends', `${one.a} – ${one.b}`], ['State', state], ['Length', metres(one.length)], ['Delay', `${one.delay.toFixed(0)} µs`],
          ['Capacity', bitrate(one.capacity)], ['Optical margin', margin],
          ['Room to overload', one.overload === null ? null : `${one.overload.toFixed(1)} dB`], ['Load', percent(one.load)],
        ),
        h('dl', {}, this.load(one.there, `from ${one.a}`), this.load(one.back, `from ${one.b}`)),
      ],
      body: [this.chips('Cables', one.cables), this.chips('Segments', one.segments)],
    };
  }

  site(one) {
    const text = { datacentre: 'Datacentre', pop: 'Point of presence', office: 'Office', cabinet: 'Cabinet', customer: 'Customer' };
    const feeder = one.feeder && this.net.byKey.get(`feeder:${one.feeder}`);
    return {
      head: [this.facts(['Kind', text[one.kind] || one.kind], ['Area', one.area], ['Power feeder', feeder && this.chip(feeder)],
        ['Position', one.guessed ? 'not recorded: drawn near its neighbours' : null])],
      body: [this.chips('Switches', one.switches), this.chips('Endpoints', one.endpoints)],
    };
  }

  switch(one) {
    const links = this.net.links.filter((link) => [link.a, link.b].some((port) => port.startsWith(`${one.id}:`)));
    return { head: [this.facts(['Role', one.role], ['Site', one.site && this.chip(one.site)])], body: [this.chips('Links', links)] };
  }

  feeder(one) {
    return { head: [], body: [this.chips('Sites on it', one.sites)] };
  }

  chamber(one) {
    const segments = this.net.segments.filter((segment) => [segment.lines[0][0], segment.lines[0][segment.lines[0].length - 1]]
      .some(([lat, lon]) => Math.abs(lat - one.at[0]) < 2e-6 && Math.abs(lon - one.at[1]) < 2e-6));
    return {
      head: [this.facts(['Kind', one.kind], ['State', one.status])],
      body: [this.chips('Closures', one.closures.map((id) => this.net.byKey.get(`closure:${id}`))), this.chips('Segments', segments)],
    };
  }

  closure(one) {
    return { head: [this.facts(['Stands in', this.chip(one.place)])] };
  }

  zone(one) {
    return { head: [this.facts(['Kind', one.kind])] };
  }

  endpoint(one) {
    return {
      head: [
        this.facts(['Kind', one.kind], ['Site', one.site && this.chip(one.site)], ['Area', one.area], ['Port', one.port],
          ['VLAN', one.vlan || null], ['Addresses', one.addresses], ['Tags', one.tags]),
        ...[...one.applications].map((application) => this.proofs(application)),
      ],
      body: [this.chips('Demands', one.flows)],
    };
  }

  proofs(application) {
    const marks = Object.entries(application.levels).filter(([, verdict]) => verdict);
    return h('div', { className: 'proof' }, this.chip(application), h('span', {}, application.serviceClass),
      marks.length ? marks.map(([level, verdict]) => h('span', { className: `verdict ${verdict}` }, `${level} ${verdict}`)) : h('span', { className: 'verdict' }, 'not verified yet'));
  }

  application(one) {
    const ends = new Set(one.flows.flatMap((flow) => [flow.ingress, flow.egress]));
    const rate = one.flows.reduce((sum, flow) => sum + flow.cir, 0);
    return {
      head: [
        this.facts(['Tenant', one.tenant], ['Class', one.serviceClass], ['Service', one.service], ['Endpoints', String(ends.size)],
          ['Demands', String(one.flows.length)], ['Committed', bitrate(rate)]),
        this.proofs(one),
      ],
      body: [this.chips('Demands', one.flows)],
    };
  }

  demand(one) {
    const trunk = one.trunk;
    const path = trunk ? trunk.links : [];
    return {
      head: [this.facts(
        ['From', this.chip(one.ingress)], ['To', this.chip(one.egress)], ['Application', this.chip(one.application)],
        ['Committed', bitrate(one.cir)], ['Protection', trunk && trunk.grade], ['Label', trunk && String(trunk.label)],
        ['Length', trunk && metres(path.reduce((sum, link) => sum + link.length, 0))],
        ['Delay', trunk && `${path.reduce((sum, link) => sum + link.delay, 0).toFixed(0)} µs`],
        ['Path', trunk ? null : 'both ends are on one switch'],
      )],
      body: [this.chips('Path', path), trunk ? this.chips('Standby', trunk.standby) : null],
    };
  }
}

/** How an application fares, as one bar. */
function bar(row) {
  const made = h('div', { className: 'bar' });
  FATES.filter((fate) => row[fate]).forEach((fate) => {
    const part = h('i', { className: FATE_TEXTS[fate][1] });
    part.style.flexGrow = row[fate];
    made.append(part);
  });
  return made;
}
