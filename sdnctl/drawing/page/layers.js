// Layers: everything drawn on one canvas, so that thousands of things stay fluid, in an order that reads well.

const SITE_FORMS = {
  datacentre: { form: 'square', radius: 9, priority: 0 },
  pop: { form: 'square', radius: 6.5, priority: 1 },
  office: { form: 'diamond', radius: 5.5, priority: 2 },
  cabinet: { form: 'square', radius: 3.6, priority: 3 },
  customer: { form: 'circle', radius: 3.6, priority: 4 },
};

/** Names, and order of drawing from the bottom up. */
const LAYERS = [
  ['areas', 'Areas'],
  ['zones', 'Hazard zones'],
  ['segments', 'Routes'],
  ['cables', 'Cables by fill'],
  ['links', 'Links by load'],
  ['chambers', 'Chambers and poles'],
  ['closures', 'Closures'],
  ['endpoints', 'Endpoints'],
  ['sites', 'Sites'],
];
const AT_FIRST = new Set(['areas', 'zones', 'segments', 'links', 'chambers', 'endpoints', 'sites']);

class Layers {
  constructor(net, map, choose) {
    this.net = net;
    this.map = map;
    this.choose = choose;
    this.groups = {};
    this.shown = new Set(AT_FIRST);
    map.createPane('areas').style.zIndex = 250;
    map.getPane('areas').style.pointerEvents = 'none';
    this.base = map.createPane('base');
    this.base.style.zIndex = 400;
    this.renderer = L.canvas({ pane: 'base', padding: 0.2, tolerance: 4 });
    this.areaRenderer = L.canvas({ pane: 'areas', padding: 0.3 });
    this.make = {
      areas: () => this.areas(), zones: () => this.zones(), segments: () => this.segments(),
      cables: () => this.cables(), links: () => this.links(), chambers: () => this.chambers(),
      closures: () => this.closures(), endpoints: () => this.endpoints(), sites: () => this.sites(),
    };
  }

  /** Layers of which there is something to show. */
  get present() {
    const { net } = this;
    const counts = {
      areas: net.areas.length, zones: net.zones.length, segments: net.segments.length, cables: net.cables.length,
      links: net.links.length, chambers: net.places.length,
      closures: net.places.filter((place) => place.closures.length).length, endpoints: net.endpoints.length,
      sites: net.sites.length,
    };
    return LAYERS.filter(([name]) => counts[name]).map(([name, title]) => ({ name, title, count: counts[name] }));
  }

  start() {
    this.fitZoom = this.map.getZoom();
    const lengths = this.net.segments.map((segment) => segment.length).sort((a, b) => a - b);
    this.median = lengths.length ? lengths[Math.floor(lengths.length / 2)] : 0;
    this.refresh();
    this.map.on('zoomend', () => this.refresh());
  }

  toggle(name, on) {
    this.shown[on ? 'add' : 'delete'](name);
    this.refresh();
  }

  /** Whether small plant has room at this zoom. */
  get close() {
    const perPixel = (40075017 * Math.cos((this.map.getCenter().lat * Math.PI) / 180)) / 2 ** (this.map.getZoom() + 8);
    return this.median / perPixel > 9;
  }

  get endpointRadius() {
    const few = this.net.endpoints.length <= 300;
    const more = Math.max(0, this.map.getZoom() - this.fitZoom);
    return few ? Math.min(7, 4.6 + 0.6 * more) : Math.min(6.5, 2 + 0.75 * more);
  }

  /** Links are thinner where there are many, until one looks closer. */
  get thickness() {
    const more = Math.max(0, this.map.getZoom() - this.fitZoom);
    return this.net.links.length > 60 ? Math.min(1.3, 0.65 + 0.15 * more) : 1;
  }

  /** Sites are smaller where there are many, and on a small screen, until one looks closer. */
  get siteScale() {
    const more = Math.max(0, this.map.getZoom() - this.fitZoom);
    const least = this.map.getSize().x < 720 ? 0.6 : 0.8;
    return this.net.sites.length > 40 ? Math.min(1, least + 0.15 * more) : 1;
  }

  visible(name) {
    return this.shown.has(name) && (this.close || (name !== 'chambers' && name !== 'closures'));
  }

  /** Show what is switched on and has room, in order; sizes follow the zoom. */
  refresh() {
    let above = false;
    for (const { name } of this.present) {
      const group = this.groups[name];
      if (!this.visible(name)) {
        if (group && this.map.hasLayer(group)) group.remove();
        continue;
      }
      if (!group || !this.map.hasLayer(group)) {
        this.groups[name] = group || L.layerGroup(this.make[name]());
        this.groups[name].addTo(this.map);
        above = true;
      } else if (above && name !== 'areas') {
        group.eachLayer((layer) => layer.bringToFront());
      }
    }
    if (this.groups.links && this.thick !== this.thickness) {
      this.thick = this.thickness;
      this.groups.links.eachLayer((layer) => layer.setStyle({ weight: linkWeight(layer.thing) * this.thick }));
    }
    if (this.groups.sites && this.scale !== this.siteScale) {
      this.scale = this.siteScale;
      this.groups.sites.eachLayer((layer) => layer.setRadius(siteForm(layer.thing).radius * this.scale));
    }
    const radius = this.endpointRadius;
    if (this.groups.endpoints && this.radius !== radius) {
      this.groups.endpoints.eachLayer((layer) => layer.setRadius(radius));
      this.radius = radius;
    }
  }

  /** A drawn thing that is chosen by clicking, and says its name when pointed at. */
  live(layer, thing) {
    layer.thing = thing;
    layer.on('click', (event) => {
      L.DomEvent.stop(event);
      this.choose(thing);
    });
    return layer;
  }

  line(thing, options) {
    return this.live(L.polyline(thing.lines, {
      renderer: this.renderer, smoothFactor: 0.8, lineCap: 'round', lineJoin: 'round', ...options,
    }), thing);
  }

  areas() {
    const { area_fill: fillColor, area_line: color } = this.net.colours;
    return this.net.areas.map((area) => L.polygon(area.rings.map((ring) => [ring]), {
      renderer: this.areaRenderer, pane: 'areas', interactive: false, color, weight: 1, fillColor, fillOpacity: 1,
    }));
  }

  zones() {
    const { flood, flood_line: floodLine, hazard, hazard_line: hazardLine } = this.net.colours;
    return this.net.zones.map((zone) => this.live(L.polygon(zone.ring, {
      renderer: this.renderer, color: zone.kind === 'flood' ? floodLine : hazardLine, weight: 1, dashArray: '2 3',
      fillColor: zone.kind === 'flood' ? flood : hazard, fillOpacity: 0.5,
    }), zone));
  }

  segments() {
    const { plant, not_in_service: idle } = this.net.colours;
    return this.net.segments.map((segment) => this.line(segment, {
      color: segment.status === 'in-service' ? plant : idle,
      weight: segment.kind === 'bridge' ? 3.2 : 1.4,
      dashArray: segment.status === 'in-service' ? (this.net.style.dashes[segment.kind] || []).join(' ') : '1 4',
    }));
  }

  cables() {
    const ranked = [...this.net.cables].sort((a, b) => a.lit / a.strands - b.lit / b.strands);
    return ranked.map((cable) => this.line(cable, {
      color: scaled(this.net.style.fill, cable.lit / cable.strands), weight: 1.2 + Math.log2(cable.strands / 6) * 0.45,
      dashArray: cable.status === 'in-service' ? null : '2 5',
    }));
  }

  links() {
    this.thick = this.thickness;
    const ranked = [...this.net.links].sort((a, b) => b.capacity - a.capacity || (a.id < b.id ? -1 : 1));
    return ranked.map((link) => this.line(link, {
      color: link.state ? this.net.colours.alarm : scaled(this.net.style.load, link.load),
      weight: linkWeight(link) * this.thick, opacity: 0.92,
      dashArray: { down: '5 5', pinned: '1 5' }[link.state] || null,
    }));
  }

  chambers() {
    const { place, paper, not_in_service: idle } = this.net.colours;
    return this.net.places.map((one) => this.live(shape(one.at, {
      renderer: this.renderer, radius: one.kind === 'wall-box' ? 1.8 : 2.4,
      form: { pole: 'triangle', 'wall-box': 'square' }[one.kind] || 'circle',
      color: one.status === 'in-service' ? place : idle, weight: 1.1, fillColor: paper, fillOpacity: 1,
    }), one));
  }

  closures() {
    const { ink } = this.net.colours;
    return this.net.places.filter((place) => place.closures.length).map((place) => this.live(shape(place.at, {
      renderer: this.renderer, radius: 2.8, form: 'diamond', color: '#fff', weight: 0.8, fillColor: ink, fillOpacity: 0.8,
    }), place));
  }

  endpoints() {
    const { marks } = this.net.style;
    this.radius = this.endpointRadius;
    return this.net.endpoints.map((one) => this.live(shape(one.at, {
      renderer: this.renderer, radius: this.radius, form: marks[one.kind][1], fillColor: marks[one.kind][0],
      fillOpacity: 0.92, color: '#fff', weight: 0.8,
    }), one));
  }

  sites() {
    const { ink } = this.net.colours;
    this.scale = this.siteScale;
    const ranked = [...this.net.sites].sort((a, b) => siteForm(b).priority - siteForm(a).priority);
    return ranked.map((site) => this.live(shape(site.at, {
      renderer: this.renderer, radius: siteForm(site).radius * this.scale, form: siteForm(site).form, fillColor: ink,
      fillOpacity: site.guessed ? 0.45 : 1, color: '#fff', weight: 1.6,
    }), site));
  }
}

function siteForm(site) {
  return SITE_FORMS[site.kind] || SITE_FORMS.pop;
}

function linkWeight(link) {
  if (link.capacity >= 40e9) return 5;
  return link.capacity >= 5e9 ? 3.4 : 2.2;
}
