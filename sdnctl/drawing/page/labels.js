// Labels: names that do not run over each other; what matters most is placed first.

class Labels {
  constructor(net, map) {
    this.net = net;
    this.map = map;
    this.pane = map.createPane('names');
    this.pane.style.zIndex = 620;
    this.pane.style.pointerEvents = 'none';
    this.ruler = document.createElement('canvas').getContext('2d');
    this.widths = new Map();
    map.on('zoomend moveend resize', () => this.place());
    map.on('zoomstart', () => { this.pane.style.opacity = 0; });
  }

  /** Names of sites, the main ones first; then of areas. */
  candidates(zoomed) {
    const found = [];
    for (const site of this.net.sites) {
      const { priority, radius } = siteForm(site);
      // Where areas are named, the office of each would only say the name again.
      if (priority <= 1 || zoomed >= (priority === 2 && !this.net.areas.length ? 0 : 1.5)) {
        found.push({
          text: site.name || site.id, at: [site.at], kind: priority <= 1 ? 'main' : 'minor', size: priority <= 1 ? 13 : 12,
          spacing: 0, offset: radius + 4, priority,
        });
      }
    }
    found.sort((a, b) => a.priority - b.priority || (a.text < b.text ? -1 : 1));
    return found.concat(this.net.areas.map((area) => ({
      text: area.name, at: area.spots, kind: 'area', size: 13, spacing: 1.4, offset: null,
    })));
  }

  /** Boxes of the symbols of sites of some priorities. */
  symbols(wanted) {
    return this.net.sites.filter((site) => wanted(siteForm(site).priority)).map((site) => this.box(site.at, siteForm(site).radius + 1));
  }

  box(at, r) {
    const p = this.map.latLngToContainerPoint(at);
    return [p.x - r, p.y - r, p.x + r, p.y + r];
  }

  place() {
    const { map, pane } = this;
    pane.style.opacity = 1;
    pane.replaceChildren();
    const size = map.getSize();
    const taken = this.symbols((priority) => priority <= 1);
    if (this.net.endpoints.length <= 300) this.net.endpoints.forEach((one) => taken.push(this.box(one.at, 5)));
    const seen = this.room(size);
    let rest = true; // the main sites' names heed the main sites only
    for (const label of this.candidates(map.getZoom() - this.fitZoom)) {
      if (rest && label.kind !== 'main') {
        taken.push(...this.symbols((priority) => priority > 1));
        rest = false;
      }
      const wide = this.width(label);
      const boxes = label.at.flatMap((at) => this.spots(label, map.latLngToContainerPoint(at), wide, label.size + 3));
      const box = boxes.find((spot) => inside(spot, seen) && !taken.some((other) => meet(spot, other)));
      if (!box) continue;
      taken.push(box);
      const at = map.containerPointToLayerPoint([box[0], box[1]]);
      const made = h('span', { className: `name ${label.kind}` }, label.text);
      made.style.transform = `translate(${Math.round(at.x)}px, ${Math.round(at.y)}px)`;
      pane.append(made);
    }
  }

  /** The part of the map that nothing covers. */
  room(size) {
    return size.x < 720 ? [2, 100, size.x - 2, size.y - 2] : [322, 2, size.x - 2, size.y - 2];
  }

  spots(label, p, wide, high) {
    if (label.offset === null) {
      return [0, -18, 18].map((dy) => [p.x - wide / 2, p.y - high / 2 + dy, p.x + wide / 2, p.y + high / 2 + dy]);
    }
    const o = label.offset;
    return [
      [p.x + o, p.y - high / 2], [p.x - o - wide, p.y - high / 2],
      [p.x - wide / 2, p.y - o - high], [p.x - wide / 2, p.y + o],
      [p.x + o * 0.7, p.y - o - high * 0.7], [p.x + o * 0.7, p.y + o * 0.4],
      [p.x - o * 0.7 - wide, p.y - o - high * 0.7], [p.x - o * 0.7 - wide, p.y + o * 0.4],
      [p.x + o + 12, p.y - high / 2], [p.x - o - wide - 12, p.y - high / 2],
      [p.x - wide / 2, p.y - o - high - 9], [p.x - wide / 2, p.y + o + 9],
    ].map(([x, y]) => [x, y, x + wide, y + high]);
  }

  width(label) {
    const key = `${label.kind}/${label.text}`;
    if (!this.widths.has(key)) {
      const style = { area: 'italic 500', main: '600', minor: '400' }[label.kind];
      this.ruler.font = `${style} ${label.size}px 'Barlow Semi Condensed', sans-serif`;
      this.widths.set(key, this.ruler.measureText(label.text).width + label.spacing * label.text.length + 3);
    }
    return this.widths.get(key);
  }
}

function meet(a, b) {
  return a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3];
}

function inside(a, b) {
  return a[0] >= b[0] && a[1] >= b[1] && a[2] <= b[2] && a[3] <= b[3];
}
