// Data: the rows of drawing/encode.py as objects that know each other.

const MICRO = 1e6;

/** Points [lat, lon] of a coded line. */
function decodeLine(numbers) {
  const points = [];
  let x = 0;
  let y = 0;
  for (let i = 0; i < numbers.length; i += 2) {
    x += numbers[i];
    y += numbers[i + 1];
    points.push([y / MICRO, x / MICRO]);
  }
  return points;
}

function decode(raw) {
  const word = (index) => raw.words[index];
  const at = (x, y) => [y / MICRO, x / MICRO];
  const rates = (pairs) => {
    const found = {};
    for (let i = 0; i < pairs.length; i += 2) found[raw.classes[pairs[i]]] = pairs[i + 1];
    return found;
  };
  const net = {
    name: raw.name,
    state: raw.state,
    placed: raw.placed,
    sources: raw.sources,
    style: raw.style,
    colours: raw.style.colours,
    classes: raw.classes,
    things: raw.things,
    chosen: raw.chosen,
  };

  net.areas = raw.areas.map(([name, rings, spots]) => ({ name, rings: rings.map(decodeLine), spots: decodeLine(spots) }));
  net.zones = raw.zones.map(([id, kind, name, ring]) => ({ type: 'zone', id, kind, name, ring: decodeLine(ring) }));
  net.switches = raw.switches.map(([id, role]) => ({ type: 'switch', id, role }));
  net.sites = raw.sites.map(([id, name, kind, x, y, area, feeder, switches, guessed]) => ({
    type: 'site', id, name, kind, at: at(x, y), area, feeder, guessed,
    switches: switches.map((index) => net.switches[index]), endpoints: [],
  }));
  net.sites.forEach((site) => site.switches.forEach((one) => { one.site = site; }));
  net.places = raw.places.map(([id, kind, x, y, status, closures]) => ({
    type: 'chamber', id, kind: word(kind), at: at(x, y), status: word(status), closures,
  }));
  net.segments = raw.segments.map(([id, kind, line, length, status, owner, ducts]) => ({
    type: 'segment', id, kind: word(kind), lines: [decodeLine(line)], length, status: word(status), owner: word(owner),
    ducts, cables: [], links: [],
  }));

  const shape = (own, segments, line) => {
    own.segments = segments.map((index) => net.segments[index]);
    own.lines = line.length ? [decodeLine(line)] : own.segments.map((segment) => segment.lines[0]);
    return own;
  };
  net.cables = raw.cables.map(([id, kind, a, b, strands, lit, sheath, status, segments, line]) => shape({
    type: 'cable', id, kind: word(kind), a, b, strands, lit, sheath, status: word(status), links: [],
  }, segments, line));
  net.links = raw.links.map(
    ([id, a, b, length, delay, capacity, margin, overload, there, back, segments, cables, line, state]) => shape({
      type: 'link', id, a, b, length, delay, capacity, margin, overload, there: rates(there), back: rates(back),
      cables: cables.map((index) => net.cables[index]), state: word(state), trunks: [],
    }, segments, line),
  );
  net.cables.forEach((cable) => cable.segments.forEach((segment) => segment.cables.push(cable)));
  net.links.forEach((link) => {
    link.segments.forEach((segment) => segment.links.push(link));
    link.cables.forEach((cable) => cable.links.push(link));
    link.load = Math.max(total(link.there), total(link.back)) / (link.capacity || Infinity);
  });

  net.endpoints = raw.endpoints.map(([id, kind, site, x, y, port, vlan, addresses, tags, area]) => ({
    type: 'endpoint', id, kind: word(kind), site: net.sites[site] || null, at: at(x, y), port, vlan, addresses, tags,
    area: word(area), flows: [], applications: new Set(),
  }));
  net.endpoints.forEach((one) => one.site && one.site.endpoints.push(one));
  net.applications = raw.applications.map(([name, tenant, serviceClass, service, levels]) => ({
    type: 'application', id: name, tenant, serviceClass, service, levels, flows: [],
  }));

  const flows = (numbers, trunk) => {
    const found = [];
    for (let i = 0; i < numbers.length; i += 4) {
      const flow = {
        type: 'demand', application: net.applications[numbers[i]], ingress: net.endpoints[numbers[i + 1]],
        egress: net.endpoints[numbers[i + 2]], cir: numbers[i + 3], trunk,
      };
      flow.id = `${flow.application.id}/${flow.ingress.id}>${flow.egress.id}`;
      flow.application.flows.push(flow);
      for (const end of [flow.ingress, flow.egress]) {
        end.flows.push(flow);
        end.applications.add(flow.application);
      }
      found.push(flow);
    }
    return found;
  };
  net.trunks = raw.trunks.map(([key, label, grade, links, standby, rows]) => {
    const trunk = {
      key, label, grade: word(grade), links: links.map((index) => net.links[index]),
      standby: standby.map((index) => net.links[index]),
    };
    trunk.links.forEach((link) => link.trunks.push(trunk));
    trunk.flows = flows(rows, trunk);
    return trunk;
  });
  net.local = flows(raw.local, null);

  const cores = raw.cores.map(([links, switches, ...fates]) => {
    const [repaired, standby, lost, severed] = fates.map((trunks) => trunks.map((index) => net.trunks[index]));
    return {
      links: links.map((index) => net.links[index]), switches: switches.map((index) => net.switches[index]),
      repaired, standby, lost, severed,
    };
  });
  const event = ([core, dark]) => ({ ...cores[core], dark: dark.map((index) => net.endpoints[index]) });
  net.events = raw.events.map(event);
  net.cut = raw.cut ? { what: raw.cut.what, event: event(raw.cut.event) } : null;
  return index(net);
}

/** Everything that can be chosen, by `type:id`. */
function index(net) {
  net.byKey = new Map();
  const put = (thing) => {
    thing.key = `${thing.type}:${thing.id}`;
    net.byKey.set(thing.key, thing);
  };
  const lists = [
    net.zones, net.switches, net.sites, net.places, net.segments, net.cables, net.links, net.endpoints,
    net.applications, ...net.applications.map((one) => one.flows),
  ];
  lists.forEach((list) => list.forEach(put));
  const placeOf = new Map([...net.places, ...net.sites].map((place) => [place.id, place]));
  net.places.forEach((place) => place.closures.forEach((id) => put({ type: 'closure', id, place })));
  const ducts = new Map();
  net.segments.forEach((segment) => segment.ducts.forEach((id) => {
    if (!ducts.has(id)) ducts.set(id, { type: 'duct', id, segments: [], lines: [] });
    ducts.get(id).segments.push(segment);
    ducts.get(id).lines.push(segment.lines[0]);
  }));
  ducts.forEach(put);
  const feeders = new Map();
  net.sites.filter((site) => site.feeder).forEach((site) => {
    if (!feeders.has(site.feeder)) feeders.set(site.feeder, { type: 'feeder', id: site.feeder, sites: [] });
    feeders.get(site.feeder).sites.push(site);
  });
  feeders.forEach(put);
  net.placeOf = placeOf;
  return net;
}

/** The name under which the product cuts a thing: `show srlgs`, `lab cut` and `--cut` use the same. */
function thingName(thing) {
  if (thing.type === 'link') return thing.id;
  if (thing.type === 'switch') return `node:${thing.id}`;
  if (thing.type === 'site') return `building:${thing.id}`;
  if (thing.type === 'closure') return `chamber:${thing.place.id}`;
  return `${thing.type}:${thing.id}`;
}

/** What cutting a thing does, or null where nothing that is lit depends on it. */
function eventOf(net, thing) {
  const number = net.things[thingName(thing)];
  return number === undefined ? null : net.events[number];
}

const FATES = ['repaired', 'standby', 'lost', 'severed'];

/**
 * Demands of an event by fate, over everything and by application. A demand is counted once: cut off where its
 * own end is dark, else as its trunk fares.
 */
function tally(net, event) {
  const dark = new Set(event.dark);
  const all = { demands: 0, repaired: 0, standby: 0, lost: 0, severed: 0 };
  const rows = new Map();
  const endpoints = new Map();
  const rank = { repaired: 0, standby: 1, lost: 2, severed: 3 };
  const count = (flow, fate) => {
    if (!rows.has(flow.application)) rows.set(flow.application, { demands: 0, repaired: 0, standby: 0, lost: 0, severed: 0 });
    for (const row of [all, rows.get(flow.application)]) {
      row.demands += 1;
      row[fate] += 1;
    }
    for (const end of [flow.ingress, flow.egress]) {
      if (!endpoints.has(end) || rank[endpoints.get(end)] < rank[fate]) endpoints.set(end, fate);
    }
  };
  const seen = new Set();
  for (const end of event.dark) {
    for (const flow of end.flows) {
      if (!seen.has(flow)) count(flow, 'severed');
      seen.add(flow);
    }
  }
  for (const fate of FATES) {
    for (const trunk of event[fate]) {
      for (const flow of trunk.flows) {
        if (!dark.has(flow.ingress) && !dark.has(flow.egress)) count(flow, fate);
      }
    }
  }
  const sorted = [...rows].sort(([a], [b]) => (a.id < b.id ? -1 : 1));
  return { all, rows: sorted, endpoints };
}

function total(load) {
  return Object.values(load).reduce((sum, rate) => sum + rate, 0);
}

// ── how values look ───────────────────────────────────────────────────────────────────────────────

function metres(value) {
  if (value >= 10000) return `${(value / 1000).toFixed(1)} km`;
  return value >= 1000 ? `${(value / 1000).toFixed(2)} km` : `${Math.round(value)} m`;
}

function bitrate(value) {
  for (const [unit, size] of [['Gbit/s', 1e9], ['Mbit/s', 1e6], ['kbit/s', 1e3]]) {
    if (value >= size) return `${Number((value / size).toPrecision(3))} ${unit}`;
  }
  return `${value} bit/s`;
}

function percent(share) {
  return share > 0 && share < 0.01 ? 'below 1 %' : `${Math.round(share * 100)} %`;
}

function plural(count, one, many = `${one}s`) {
  return `${count.toLocaleString('en').replace(/,/g, '\u00a0')} ${count === 1 ? one : many}`;
}

/** The colour of a value on a scale of [bound, colour, text]. */
function scaled(steps, value) {
  return (steps.find(([bound]) => value <= bound) || steps[steps.length - 1])[1];
}
