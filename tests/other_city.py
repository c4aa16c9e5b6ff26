"""Another city: a complete network folder at depth 3 from a Topology Zoo graph and a seed.

Nothing in it comes from the reference network: another place on the globe, another graph, other works, optics,
classes, tenants and services, and words without meaning for ids. Every seed draws another one; the same seed
draws the same. Usage by hand: ``python tests/other_city.py GRAPH SEED FOLDER``.

What is drawn is also known: `City.links` says which link passes what, and which glass stays dark.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import networkx as nx
from any_network_drops import DROP, Drops
from any_network_files import Files, write_files
from any_network_map import Map
from any_network_plant import OWNER, Drawn, Glass, Names

SPLICE, POSITION = 0.2, 0.5
"""Greatest loss of a splice and of a frame's position, dB (grade B of IEC 61753-1): to choose optics by."""


@dataclass(frozen=True)
class Optics:
    """A kind of transceiver as the files say it, and what the drawing needs to know: budget and least loss, dB."""

    row: dict[str, Any]
    per_km: tuple[float, float]
    allowed: float
    needed: float


@dataclass
class City:
    """A drawn city: its files, and what is true of them. `connect` lays glass to customers and makes the files."""

    drawing: Drawing
    files: Files
    links: dict[str, Drawn]
    switches: dict[str, str]  # switch → site
    used_ports: dict[str, set[int]]
    names: Names
    rng: random.Random

    def connect(self, endpoints: list[dict[str, Any]]) -> None:
        """Lay glass to the customers of some ports, and write down everything that was drawn."""
        self.drawing.connect(endpoints)
        self.files |= self.drawing.files()
        self.files["inventory/endpoints.csv"] = endpoints

    def write(self, folder: Path) -> Path:
        return write_files(folder, self.files)


def draw_city(graph: str, seed: int) -> City:
    """The plant of a city; `any_network_services.settle` gives it services."""
    return Drawing(graph, seed).city()


class Drawing:
    """Everything between the map and the files: switches, optics, lit and dark links, lines to customers."""

    def __init__(self, graph: str, seed: int) -> None:
        self.map = Map(graph, seed)
        self.rng, self.names, self.plant = self.map.rng, self.map.names, self.map.plant
        self.site, self.glass, self.cable_types = self.map.site, self.map.glass, self.map.cable_types
        self.links: dict[str, Drawn] = {}
        self.ports: dict[str, list[dict[str, Any]]] = {}
        self.used: dict[str, set[int]] = {}
        self.of_site: dict[str, list[str]] = {}  # site → its switches
        self.optics = self._optics()
        self.hazards: list[dict[str, Any]] = []

    def city(self) -> City:
        self._switches()
        self._light()
        self._patched_through()
        self._dark_glass()
        self._declared()
        self._hazards()
        switches = {switch: site for site, group in self.of_site.items() for switch in group}
        return City(self, {}, self.links, switches, self.used, self.names, self.rng)

    # ── switches and light ───────────────────────────────────────────────────────────────────────

    def _switches(self) -> None:
        """One switch a site, two at the busiest, joined within the building."""
        busiest = max(self.site, key=lambda node: (self.map.degree(node), node))
        for node, site in self.site.items():
            self.of_site[site] = [self.names("switch") for _ in range(2 if node == busiest else 1)]
            for switch in self.of_site[site]:
                self.ports[switch] = []
                self.used[switch] = set()
        one, two = self.of_site[self.site[busiest]]
        here = self.site[busiest]
        lanes = []
        for _ in range(2):
            name = self.names("passive")
            self.plant.passives.append(
                {"id": name, "kind": "attenuator", "site": here, "loss": {"min": "1 dB", "max": "2 dB"}}
            )
            lanes.append(name)
        name = self.names("link")
        self._port(one, "near", name, tx=f"{lanes[0]}/in", rx=f"{lanes[1]}/out")
        self._port(two, "near", name, tx=f"{lanes[1]}/in", rx=f"{lanes[0]}/out")
        self.links[name] = Drawn(name, one, two, risks={f"building:{here}"})

    def _port(self, switch: str, optics: str, link: str, **ends: str) -> None:
        number = self.rng.choice([port for port in range(1, 60) if port not in self.used[switch]])
        self.used[switch].add(number)
        row: dict[str, Any] = {"port": number, "transceiver": self.optics[optics].row["id"]}
        self.ports[switch].append(row | ({"link": link} if link else {}) | ends)

    def _switch_at(self, site: str, number: int) -> str:
        group = self.of_site[site]
        return group[number % len(group)]

    def _light(self) -> None:
        """A link over every edge, with optics that its loss allows; now and then on a single strand."""
        for number in self.glass:
            glass = self.glass[number]
            (a, start), (b, end) = glass.ends.items()
            one, two = self._switch_at(a, number), self._switch_at(b, number)
            kind = self._choose(glass, bidi=self.rng.random() < 0.15)
            self._join(self._name(one, two), one, two, (a, start, b, end), kind, glass)

    def _name(self, one: str, two: str) -> str:
        """Explicit, or the usual one where that is still free."""
        a, b = sorted((one, two))
        usual = f"{a}--{b}"
        return usual if self.rng.random() < 0.5 and usual not in self.links else self.names("link")

    def _losses(self, glass: Glass, kind: str, positions: int = 2) -> tuple[float, float]:
        low, high = self.optics[kind].per_km
        metres = glass.metres / 1000
        return low * metres, high * metres + SPLICE * glass.splices + POSITION * positions

    def _choose(self, glass: Glass, *, bidi: bool = False, positions: int = 2) -> str:
        for kind in ("up" if bidi else "near", "near", "far"):
            if self._losses(glass, kind, positions)[1] + 0.3 <= self.optics[kind].allowed:
                return kind
        raise AssertionError(f"{glass.metres} m are too far for this city's optics")

    def _join(
        self,
        name: str,
        one: str,
        two: str,
        spots: tuple[str, int, str, int],
        kind: str,
        glass: Glass,
        lit: bool = True,
    ) -> None:
        """Patch two ports on the strands at these positions; an attenuator where the receiver needs it."""
        a, start, b, end = spots
        usual = "--".join(sorted((one, two)))
        said = "" if name == usual else name
        frame_a, frame_b = self.plant.frame(a).odf, self.plant.frame(b).odf
        if kind == "up":
            self._port(one, "up", said, bidi=f"{frame_a}:{start}")
            self._port(two, "down", said, bidi=f"{frame_b}:{end}")
        else:
            needs = self.optics[kind].needed > self._losses(glass, kind)[0] - 0.3
            rx_a = self._receiver(a, f"{frame_a}:{start + 1}", kind) if needs else f"{frame_a}:{start + 1}"
            rx_b = self._receiver(b, f"{frame_b}:{end}", kind) if needs else f"{frame_b}:{end}"
            self._port(one, kind, said, tx=f"{frame_a}:{start}", rx=rx_a)
            self._port(two, kind, said, tx=f"{frame_b}:{end + 1}", rx=rx_b)
        self.links[name] = Drawn(name, one, two, lit, set(glass.risks))

    def _receiver(self, site: str, position: str, kind: str) -> str:
        """An attenuator between a position and a receiver that the glass alone would blind."""
        name, least = self.names("passive"), self.optics[kind].needed
        loss = {"min": f"{least:.1f} dB", "max": f"{least + 0.5:.1f} dB"}
        self.plant.passives.append({"id": name, "kind": "attenuator", "site": site, "loss": loss})
        self.plant.jumpers.append({"a": position, "b": f"{name}/in"})
        return f"{name}/out"

    def _patched_through(self) -> None:
        """An express link over two edges: its light passes the frame of the site between without a switch."""
        for via in sorted(self.site, key=lambda node: (-self.map.degree(node), node)):
            edges = [
                number for number in self.map.edges_of(via) if self.map.edges.count(self.map.edges[number]) == 1
            ]
            for first, second in combinations(edges, 2):
                if self._express(self.site[via], self.glass[first], self.glass[second]):
                    return

    def _express(self, via: str, first: Glass, second: Glass) -> bool:
        both = Glass({}, first.risks | second.risks, first.metres + second.metres, first.splices + second.splices)
        if self._losses(both, "far", 4)[1] + 0.3 > self.optics["far"].allowed:
            return False
        a, b = (next(site for site in glass.ends if site != via) for glass in (first, second))
        odf = self.plant.frame(via).odf
        for strand in (4, 5):
            self.plant.jumpers.append(
                {"a": f"{odf}:{first.ends[via] + strand}", "b": f"{odf}:{second.ends[via] + strand}"}
            )
        kind = self._choose(both, positions=4)
        one, two = self.of_site[a][0], self.of_site[b][-1]
        spots = a, first.ends[a] + 4, b, second.ends[b] + 4
        self._join(self.names("link"), one, two, spots, kind, both)
        return True

    # ── what looks like a way and is none ────────────────────────────────────────────────────────

    def _dark_glass(self) -> None:
        number = self.rng.choice(sorted(self.glass))
        glass = self.glass[number]
        (a, start), (b, end) = glass.ends.items()
        frames = [self.plant.frame(site).odf for site in (a, b)]
        name = self.names("link")
        one, two = self._switch_at(a, number), self._switch_at(b, number)
        self._port(one, "far", name, tx=f"{frames[0]}:{start + 8}", rx=f"{frames[0]}:{start + 9}")
        self._port(two, "far", name, tx=f"{frames[1]}:{end + 8}", rx=f"{frames[1]}:{end + 9}")  # not crossed
        self.links[name] = Drawn(name, one, two, lit=False)
        self._planned()

    def _planned(self) -> None:
        """A second way for a site on a spur or ring, which is not built yet."""
        a, b = self.rng.sample(sorted(self.site), 2)
        left, right = self.site[a], self.site[b]
        places = [left, *self.plant.chambers_between(left, right, 2_000), right]
        cable = self.plant.lay(places, self.cable_types[0]["id"], status="planned")
        start, end = (self.plant.frame(site).terminate(cable["id"], 1) for site in (left, right))
        glass = Glass({left: start, right: end}, set(), self.plant.sheath(cable), 0)
        self._join(
            self.names("link"), self.of_site[left][0], self.of_site[right][0], (left, start, right, end), "far",
            glass, lit=False,
        )  # fmt: skip

    def _declared(self) -> None:
        """A rented link of which only the length is known, a risk it shares, and a link that is out for works."""
        one, two = self.rng.sample(sorted(self.ports), 2)
        ends, rented, risk = [], self.names("link"), self.names("risk")
        for switch in (one, two):
            number = next(port for port in range(400, 500) if port not in self.used[switch])
            self.used[switch].add(number)
            ends.append(f"{switch}:{number}")
        lit = sorted(name for name, link in self.links.items() if link.lit)
        beside = self.rng.choice(lit)
        out = self.rng.choice([name for name in lit if name != beside and self._whole_without(name)])
        link = {"id": rented, "a": ends[0], "b": ends[1], "length": "31 km", "capacity": "2 Gbit/s"}
        link["mtu"] = "2000 B"
        risks = [{"id": risk, "links": [rented, beside], "metres": "80 m", "note": "told by the other operator"}]
        self.topology = {
            "topology/links.yaml": {"links": [link], "srlgs": risks},
            "topology/maintenance.yaml": {"out_of_service": [{"link": out, "reason": "splicing"}]},
        }
        sites = [site for site, group in self.of_site.items() if {one, two} & set(group)]
        risks_of_it = {f"declared:{risk}", *(f"building:{site}" for site in sites)}
        self.links[rented] = Drawn(rented, one, two, risks=risks_of_it)
        self.links[beside].risks.add(f"declared:{risk}")
        self.links[out].lit = False

    def _whole_without(self, name: str) -> bool:
        """Whether every switch still reaches every other without this link."""
        graph: nx.Graph[str] = nx.Graph()
        graph.add_nodes_from(self.ports)
        graph.add_edges_from((link.a, link.b) for link in self.links.values() if link.lit and link.name != name)
        return bool(nx.is_connected(graph))

    def _hazards(self) -> None:
        """Low ground round some chambers, and round one site."""
        spots = [name for name, place in self.plant.places.items() if place.kind != "site"]
        for centre, size in ((self.rng.choice(spots), 250), (self.rng.choice(sorted(self.site.values())), 180)):
            x, y = self.plant.places[centre].xy
            corners = [(x - size, y - size), (x + size, y - size), (x + size, y + size), (x - size, y + size)]
            polygon = [self.plant.position(corner) for corner in corners]
            self.hazards.append({"id": self.names("zone"), "kind": "flood", "polygon": polygon})

    def connect(self, endpoints: list[dict[str, Any]]) -> None:
        """An access line to the wall box of every other port that has endpoints; others are in the same room."""
        drop: dict[str, Any] = {"id": self.names("kind"), **DROP}
        trunk = max(self.cable_types, key=lambda row: int(row["strands"]))["id"]
        self.cable_types.append(drop)
        drops = Drops(self.plant, self.rng, drop["id"], trunk)
        behind: dict[tuple[str, int], list[dict[str, Any]]] = {}
        for row in endpoints:
            behind.setdefault((row["device"], row["port"]), []).append(row)
        for (switch, port), group in behind.items():
            if self.rng.random() < 0.5:
                single = self.rng.random() < 0.3
                terminal, ends = drops.lead(group[0]["site"], strands=1 if single else 2)
                optics = self.optics["up" if single else "near"].row["id"]
                lanes = {"bidi": ends[0]} if single else {"tx": ends[0], "rx": ends[1]}
                self.ports[switch].append({"port": port, "transceiver": optics, **lanes})
                for row in group:
                    row["terminal"] = terminal

    # ── kinds ────────────────────────────────────────────────────────────────────────────────────

    def _optics(self) -> dict[str, Optics]:
        def row(**said: Any) -> dict[str, Any]:
            return {"id": self.names("optics"), **said}

        rate = self.rng.choice(("10 Gbit/s", "25 Gbit/s"))
        near = row(
            rate=rate, wavelength="1310 nm", tx_min="-8 dBm", tx_max="0 dBm", rx_min="-14 dBm",
            rx_basis="min_average_rx", rx_max="0 dBm",
        )  # fmt: skip
        far = row(
            rate=rate, wavelength="1550 nm", tx_min="-1 dBm", tx_max="2 dBm", rx_min="-19 dBm",
            rx_basis="sensitivity", rx_max="-1 dBm", penalty="2 dB",
        )  # fmt: skip
        single = {"tx_min": "-7 dBm", "tx_max": "0 dBm", "rx_min": "-17 dBm", "rx_basis": "min_average_rx"}
        up = row(rate="1 Gbit/s", wavelength="1310 nm", rx_wavelength="1550 nm", rx_max="0 dBm", **single)
        down = row(rate="1 Gbit/s", wavelength="1550 nm", rx_wavelength="1310 nm", rx_max="0 dBm", **single)
        return {
            "near": Optics(near, (0.342, 0.35), 6.0, 0.0),
            "far": Optics(far, (0.21, 0.25), 16.0, 3.0),
            "up": Optics(up, (0.21, 0.35), 10.0, 0.0),
            "down": Optics(down, (0.21, 0.35), 10.0, 0.0),
        }

    # ── files ────────────────────────────────────────────────────────────────────────────────────

    def _site_rows(self) -> Iterator[dict[str, Any]]:
        feeders: list[str] = []
        areas = [f"Quarter {self.names('area')}" for _ in range(4)]
        for site in self.site.values():
            row = {"id": site, "position": self.plant.position(self.plant.places[site].xy)}
            row["area"] = self.rng.choice(areas)
            if self.rng.random() < 0.8:
                old = feeders and self.rng.random() < 0.12
                feeder = self.rng.choice(feeders) if old else self.names("feeder")
                feeders.append(feeder)
                row["feeder"] = feeder
            yield row

    def _switch_rows(self) -> Iterator[dict[str, Any]]:
        dpids = self.rng.sample(range(1, 1 << 24), len(self.ports))
        for dpid, (switch, ports) in zip(dpids, self.ports.items(), strict=True):
            site = next(site for site, group in self.of_site.items() if switch in group)
            mtu = self.rng.choice(("1600 B", "2000 B", "9000 B"))
            yield {"id": switch, "dpid": dpid, "site": site, "mtu": mtu, "ports": ports}

    def files(self) -> Files:
        """The files of plant and equipment."""
        plant = self.plant
        return {
            **self.topology,
            "network.yaml": {"name": self.names("city"), "lead_in": "150 m"},
            "inventory/sites.yaml": {"defaults": OWNER, "sites": list(self._site_rows())},
            "inventory/chambers.csv": plant.chamber_rows(),
            "inventory/segments.geojson": plant.features(),
            "inventory/ducts.yaml": {"defaults": OWNER, "ducts": list(plant.ducts.values())},
            "inventory/cable-types.yaml": {"cable_types": self.cable_types},
            "inventory/cables.yaml": {"defaults": OWNER, "cables": plant.cables},
            "inventory/closures.yaml": {"defaults": OWNER, "closures": plant.closures},
            "inventory/odfs.yaml": {"defaults": OWNER, "odfs": plant.odf_rows()},
            "inventory/passives.yaml": {"defaults": OWNER, "passives": plant.passives},
            "inventory/hazards.yaml": {"hazards": self.hazards},
            "inventory/transceivers.yaml": {"transceivers": [kind.row for kind in self.optics.values()]},
            "inventory/equipment.yaml": {
                "defaults": OWNER,
                "switches": list(self._switch_rows()),
                "jumpers": plant.jumpers,
            },
        }


if __name__ == "__main__":
    city = draw_city(sys.argv[1], int(sys.argv[2]))
    city.connect([])
    city.write(Path(sys.argv[3]))
