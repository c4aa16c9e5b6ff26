// Highlight: what is chosen stands out on a canvas of its own, and everything else steps back.

class Highlight {
  constructor(net, map, layers) {
    this.net = net;
    this.map = map;
    this.layers = layers;
    const pane = map.createPane('highlight');
    pane.style.zIndex = 450;
    pane.style.pointerEvents = 'none';
    this.renderer = L.canvas({ pane: 'highlight', padding: 0.2 });
    this.group = L.layerGroup().addTo(map);
  }

  clear() {
    this.group.clearLayers();
    this.layers.base.classList.remove('back');
  }

  back() {
    this.layers.base.classList.add('back');
  }

  stroke(lines, color, weight, dashArray = null, casing = true) {
    const options = { renderer: this.renderer, interactive: false, lineCap: dashArray ? 'butt' : 'round', smoothFactor: 0.8 };
    if (casing) this.group.addLayer(L.polyline(lines, { ...options, color: '#fff', weight: weight + 3, opacity: 0.9 }));
    this.group.addLayer(L.polyline(lines, { ...options, color, weight, dashArray }));
  }

  ring(at, color, radius, fill = null) {
    this.group.addLayer(shape(at, {
      renderer: this.renderer, interactive: false, radius, color, weight: 2.2, fillColor: fill || '#fff', fillOpacity: fill ? 1 : 0.4,
    }));
  }

  dot(endpoint, color = null) {
    const mark = this.net.style.marks[endpoint.kind];
    this.group.addLayer(shape(endpoint.at, {
      renderer: this.renderer, interactive: false, radius: Math.max(3.4, this.layers.endpointRadius + 0.6), form: mark[1],
      fillColor: color || mark[0], fillOpacity: 1, color: '#fff', weight: 1,
    }));
  }

  site(site) {
    const { form, radius } = siteForm(site);
    this.group.addLayer(shape(site.at, {
      renderer: this.renderer, interactive: false, radius: radius * this.layers.siteScale, form, fillColor: this.net.colours.ink, fillOpacity: 1,
      color: '#fff', weight: 1.6,
    }));
  }

  /** The chosen thing itself. */
  thing(thing, color = this.net.colours.ink) {
    if (thing.lines) this.stroke(thing.lines, color, 5);
    else if (thing.ring) this.group.addLayer(L.polygon(thing.ring, { renderer: this.renderer, interactive: false, color, weight: 2.5, fill: false }));
    else if (thing.sites) thing.sites.forEach((site) => this.ring(site.at, color, 13));
    else if (thing.place) this.ring(thing.place.at, color, 8);
    else if (thing.type === 'switch') { if (thing.site) this.ring(thing.site.at, color, 13); }
    else if (thing.at) this.ring(thing.at, color, thing.type === 'site' ? 13 : 8);
  }

  /** What is cut: its place in red, with a cross where the digger stands. */
  wound(thing) {
    this.thing(thing, this.net.colours.alarm);
    if (thing.type !== 'segment' && !thing.at && !thing.place) return;
    const line = thing.lines ? thing.lines[0] : null;
    const at = thing.at || (thing.place ? thing.place.at : halfway(line));
    for (const [colour, weight] of [['#fff', 6], [this.net.colours.ink, 2.6]]) {
      this.group.addLayer(new Cross(at, { renderer: this.renderer, interactive: false, radius: 9, color: colour, weight }));
    }
  }

  /** The glass under some trunks, standbys dashed, and the sites where they turn. */
  trunks(trunks) {
    const { path, standby } = this.net.colours;
    const links = new Map();
    trunks.forEach((trunk) => trunk.links.forEach((link) => links.set(link, (links.get(link) || 0) + 1)));
    const spare = new Set(trunks.flatMap((trunk) => trunk.standby).filter((link) => !links.has(link)));
    spare.forEach((link) => this.stroke(link.lines, standby, 2.6, '7 5'));
    links.forEach((_count, link) => this.stroke(link.lines, path, linkWeight(link) * this.layers.thickness + 1));
    this.ends([...links.keys(), ...spare]);
  }

  ends(links) {
    const names = new Set(links.flatMap((link) => [link.a, link.b].map((port) => port.replace(/:[^:]*$/, ''))));
    names.forEach((name) => {
      const found = this.net.byKey.get(`switch:${name}`);
      if (found && found.site) this.site(found.site);
    });
  }

  /** What a cut takes down: links, switches, and endpoints in the colour of their worst demand. */
  event(event, counted) {
    const { alarm, lost, saved, standby } = this.net.colours;
    this.back();
    event.links.forEach((link) => this.stroke(link.lines, alarm, linkWeight(link) * this.layers.thickness + 0.8, '8 5'));
    this.ends(event.links);
    const colours = { repaired: saved, standby, lost, severed: alarm };
    const order = [...counted.endpoints].sort((a, b) => FATES.indexOf(a[1]) - FATES.indexOf(b[1]));
    order.forEach(([endpoint, fate]) => this.dot(endpoint, colours[fate]));
    event.dark.forEach((endpoint) => this.dot(endpoint, alarm));
    new Set(event.switches.map((one) => one.site).filter(Boolean)).forEach((site) => this.ring(site.at, alarm, 12));
  }
}

/** Halfway along a line. */
function halfway(line) {
  const lengths = line.slice(1).map((point, index) => L.latLng(point).distanceTo(line[index]));
  let left = lengths.reduce((sum, one) => sum + one, 0) / 2;
  for (const [index, one] of lengths.entries()) {
    if (left <= one && one > 0) {
      const share = left / one;
      const [a, b] = [line[index], line[index + 1]];
      return [a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share];
    }
    left -= one;
  }
  return line[0];
}
