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

  candidates(zoomed) {
    const found = this.net.areas.map((area) => ({
      text: area.name, at: middle(area.rings), kind: 'area', size: 13, spacing: 1.4, offset: null,
    }));
    const sites = [...this.net.sites].sort((a, b) => siteForm(a).priority - siteForm(b).priority || (a.id < b.id ? -1 : 1));
    for (const site of sites) {
      const { priority, radius } = siteForm(site);
      if (priority <= 1 || zoomed >= (priority === 2 ? 0 : 1.5)) {
        found.push({
          text: site.name || site.id, at: site.at, kind: priority <= 1 ? 'main' : 'minor', size: priority <= 1 ? 13 : 12,
          spacing: 0, offset: radius + 4,
        });
      }
    }
    return found.sort((a, b) => (a.kind === 'area') - (b.kind === 'area'));
  }

  place() {
    const { map, pane } = this;
    pane.style.opacity = 1;
    pane.replaceChildren();
    const size = map.getSize();
    const taken = this.net.sites.map((site) => {
      const p = map.latLngToContainerPoint(site.at);
      const r = siteForm(site).radius + 1;
      return [p.x - r, p.y - r, p.x + r, p.y + r];
    });
    if (this.net.endpoints.length <= 300) {
      const r = 5;
      this.net.endpoints.forEach((one) => {
        const p = map.latLngToContainerPoint(one.at);
        taken.push([p.x - r, p.y - r, p.x + r, p.y + r]);
      });
    }
    const seen = this.room(size);
    const zoomed = map.getZoom() - this.fitZoom;
    for (const label of this.candidates(zoomed)) {
      const p = map.latLngToContainerPoint(label.at);
      if (p.x < -50 || p.y < -20 || p.x > size.x + 50 || p.y > size.y + 20) continue;
      const wide = this.width(label);
      const high = label.size + 3;
      const box = this.spots(label, p, wide, high).find((spot) => inside(spot, seen) && !taken.some((other) => meet(spot, other)));
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
      return [0, -18, 18, -36, 36].map((dy) => [p.x - wide / 2, p.y - high / 2 + dy, p.x + wide / 2, p.y + high / 2 + dy]);
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

/** The middle of the biggest ring's corners, weighted as an area. */
function middle(rings) {
  let best = rings[0][0];
  let most = -1;
  for (const ring of rings) {
    let [area, x, y] = [0, 0, 0];
    ring.forEach(([lat, lon], index) => {
      const [lat2, lon2] = ring[(index + 1) % ring.length];
      const cross = lon * lat2 - lon2 * lat;
      area += cross;
      x += (lon + lon2) * cross;
      y += (lat + lat2) * cross;
    });
    if (Math.abs(area) > most && area !== 0) {
      most = Math.abs(area);
      best = [y / (3 * area), x / (3 * area)];
    }
  }
  return best;
}
