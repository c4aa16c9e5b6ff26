// Main: the page comes up, and everything that can be chosen is chosen in one place.

const net = decode(JSON.parse(document.getElementById('data').textContent));
const map = L.map('map', {
  zoomControl: false, attributionControl: false, zoomSnap: 0.25, zoomDelta: 0.5, wheelPxPerZoomLevel: 110, minZoom: 3,
  maxZoom: 19, renderer: L.canvas(),
});
const layers = new Layers(net, map, choose);
const highlight = new Highlight(net, map, layers);
const labels = new Labels(net, map);
const cards = new Cards(net, document.getElementById('card'), choose, clear);
const panel = new Panel(net, document.getElementById('panel'), layers, choose);

/** Everything that has a place. */
function extent() {
  const bounds = L.latLngBounds([]);
  net.sites.forEach((site) => bounds.extend(site.at));
  net.endpoints.forEach((endpoint) => bounds.extend(endpoint.at));
  net.segments.forEach((segment) => segment.lines[0].forEach((point) => bounds.extend(point)));
  if (!bounds.isValid()) bounds.extend([0, 0]);
  return bounds.pad(0.02);
}

/** Room that the panel and the card take from the map, in pixels. */
function margins() {
  const narrow = map.getSize().x < 720;
  const card = document.getElementById('card');
  return narrow
    ? { paddingTopLeft: [16, 116], paddingBottomRight: [16, card.hidden ? 24 : map.getSize().y * 0.48] }
    : { paddingTopLeft: [344, 24], paddingBottomRight: [card.hidden ? 24 : 384, 32] };
}

/** Choose a thing: its card, its highlight, and what its loss takes down. `go` pans there. */
function choose(thing, go = false) {
  highlight.clear();
  const loss = cards.thing(thing);
  if (loss) highlight.event(loss.event, loss.counted);
  if (thing.type === 'application') related(thing.flows);
  else if (thing.type === 'demand') related([thing]);
  else if (thing.type === 'endpoint') related(thing.flows);
  if (loss) highlight.wound(thing);
  else highlight.thing(thing, net.colours.ink);
  if (map.getSize().x < 720) panel.fold(false);
  if (go) pan(thing);
  history.replaceState(null, '', `#${encodeURIComponent(thing.key)}`);
}

/** Trunks and ends of some demands. */
function related(flows) {
  highlight.back();
  highlight.trunks([...new Set(flows.map((flow) => flow.trunk).filter(Boolean))]);
  new Set(flows.flatMap((flow) => [flow.ingress, flow.egress])).forEach((endpoint) => highlight.dot(endpoint));
}

function pan(thing) {
  const bounds = L.latLngBounds([]);
  const add = (point) => bounds.extend(point);
  if (thing.lines) thing.lines.flat().forEach(add);
  else if (thing.ring) thing.ring.forEach(add);
  else if (thing.sites) thing.sites.forEach((site) => add(site.at));
  else if (thing.place) add(thing.place.at);
  else if (thing.type === 'switch') { if (thing.site) add(thing.site.at); }
  else if (thing.at) add(thing.at);
  const flows = thing.type === 'demand' ? [thing] : thing.type === 'application' ? thing.flows : [];
  flows.forEach((flow) => {
    add(flow.ingress.at);
    add(flow.egress.at);
    if (flow.trunk) flow.trunk.links.forEach((link) => link.lines.flat().forEach(add));
  });
  if (!bounds.isValid()) return;
  map.fitBounds(bounds, { ...margins(), maxZoom: Math.max(map.getZoom(), layers.fitZoom + 2.5), animate: false });
}

function clear() {
  highlight.clear();
  cards.hide();
  history.replaceState(null, '', location.pathname + location.search);
}

function showCut() {
  highlight.clear();
  const counted = cards.cut(net.cut.what, net.cut.event);
  highlight.event(net.cut.event, counted);
  net.cut.what.map(named).filter(Boolean).forEach((thing) => highlight.wound(thing));
  map.fitBounds(extent(), { ...margins(), animate: false });
}

/** The thing that the product calls so. */
function named(name) {
  const found = { building: 'site', node: 'switch' };
  const colon = name.indexOf(':');
  const kind = name.slice(0, colon);
  return net.byKey.get(`link:${name}`) || net.byKey.get(`${found[kind] || kind}:${name.slice(colon + 1)}`);
}

function start() {
  document.body.classList.toggle('deep', net.areas.length > 0);
  panel.build();
  if (map.getSize().x < 720) panel.fold(false);
  map.fitBounds(extent(), { ...margins(), animate: false });
  layers.start();
  labels.fitZoom = map.getZoom();
  labels.place();
  L.control.zoom({ position: 'bottomleft' }).addTo(map);
  if (net.placed) L.control.scale({ imperial: false, position: 'bottomleft', maxWidth: 140 }).addTo(map);
  const north = L.control({ position: 'bottomleft' });
  north.onAdd = () => h('div', { className: 'north', 'aria-label': 'North is up' }, compass());
  if (net.placed) north.addTo(map);
  map.on('click', clear);
  hovering();
  document.addEventListener('keydown', (event) => { if (event.key === 'Escape') clear(); });
  const wanted = net.byKey.get(decodeURIComponent(location.hash.slice(1)))
    || net.byKey.get(`application:${net.chosen}`) || net.byKey.get(`demand:${net.chosen}`);
  if (wanted) choose(wanted, true);
  else if (net.cut) showCut();
}

function compass() {
  const svg = node('svg', { width: 26, height: 38, viewBox: '0 0 26 38' });
  svg.append(node('path', { d: 'M13 12 L19 34 L13 29 Z', fill: net.colours.ink }));
  svg.append(node('path', { d: 'M13 12 L7 34 L13 29 Z', fill: '#fff', stroke: net.colours.ink, 'stroke-width': 1 }));
  const letter = node('text', { x: 13, y: 9, 'text-anchor': 'middle', 'font-size': 11, 'font-weight': 600, fill: net.colours.ink });
  letter.textContent = 'N';
  svg.append(letter);
  return svg;
}

/** A small name at the pointer, for whatever is under it. */
function hovering() {
  const tip = L.tooltip({ className: 'tip', offset: [10, 0], direction: 'right', opacity: 1 });
  for (const { name } of layers.present) {
    if (name === 'areas') continue;
    const group = layers.groups[name] || (layers.groups[name] = L.layerGroup(layers.make[name]()));
    group.eachLayer((layer) => {
      layer.on('mouseover', (event) => tip.setLatLng(event.latlng).setContent(h('span', {}, layer.thing.name || layer.thing.id)).addTo(map));
      layer.on('mousemove', (event) => tip.setLatLng(event.latlng));
      layer.on('mouseout', () => tip.remove());
    });
  }
}

// For whoever looks at the page from outside: tests, and the curious with a console.
window.sdnctlMap = { net, map, layers, named, choose, eventOf: (thing) => eventOf(net, thing), tally: (event) => tally(net, event) };

document.fonts.ready.then(start);
