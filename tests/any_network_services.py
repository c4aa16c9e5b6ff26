"""Random services for a drawn city: endpoints, classes, tenants and applications of every kind.

Grades are asked for at random; whether the plant can give them is found out by compiling. `City.files` is what
counts; `Services.weaken` asks for less where something was refused.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from other_city import City

WEAKER = {"disjoint": "local", "node": "local", "local": "none"}
"""What is asked for instead of a grade that was refused; nothing stands below `none`: it cannot be refused."""
SHAPES = ("tree", "line", "mesh", "grouped", "tree", "line", "tree")
DSCPS = ("EF", "CS6", "CS3", "AF41", "AF31", "AF21", "AF11", "CS2", "DF", "LE", 44)


@dataclass
class Services:
    """All services of one city."""

    city: City
    services: list[dict[str, Any]] = field(default_factory=list)
    endpoints: list[dict[str, Any]] = field(default_factory=list)
    means: dict[tuple[str, str], list[str]] = field(default_factory=dict)  # application and selector → endpoints
    grades: dict[str, dict[str, str]] = field(default_factory=dict)  # application → endpoint → weakened grade

    def draw(self, applications: int = 7, leaves: int = 6, shapes: Sequence[str] = SHAPES) -> City:
        """Give the city about this many applications, of about this many leaves; returns the city."""
        rng = self.city.rng
        self._frame(rng)
        for number in range(applications):
            shape = shapes[number % len(shapes)]
            make = {"tree": self._tree, "line": self._line, "mesh": self._mesh, "grouped": self._grouped}[shape]
            make(rng, number, max(2, leaves + rng.randint(-2, 2)))
        self.city.connect(self.endpoints)
        self._write()
        return self.city

    def weaken(self, refused: Iterable[str]) -> None:
        """Ask less for these demands (``application/ingress>egress``): without `avoid`, then a weaker grade."""
        pairs: dict[str, set[frozenset[str]]] = {}
        for demand in refused:
            application, _, ends = demand.partition("/")
            pairs.setdefault(application, set()).add(frozenset(ends.split(">")))
        for said in self.services:
            if said["application"] in pairs:
                self._weaken(said, pairs[said["application"]])
        self._write()

    # ── what all share ───────────────────────────────────────────────────────────────────────────

    def _frame(self, rng: random.Random) -> None:
        names = self.city.names
        count = rng.randint(3, 9)
        self.classes = [
            {
                "id": names("class"),
                "tc": rng.randrange(8),
                "queue": rng.randrange(8),
                "dscp": rng.choice(DSCPS),
                "protected": rng.random() < 0.3,
            }
            for _ in range(count)
        ]
        self.tenants = [{"id": names("tenant"), "quota": "900 Gbit/s"} for _ in range(rng.randint(2, 4))]

    def _write(self) -> None:
        files = self.city.files
        for name in [name for name in files if name.startswith("intents/")]:
            del files[name]
        files["intents/classes.yaml"] = {"classes": self.classes}
        files["intents/tenants.yaml"] = {"tenants": self.tenants}
        for said in self.services:
            files[f"intents/{said['application']}.yaml"] = said

    def _said(self, rng: random.Random, service: str) -> dict[str, Any]:
        up, down = (f"{rate} kbit/s" for rate in rng.choice(((64, 64), (4000, 200), (500, 9000))))
        said: dict[str, Any] = {
            "application": self.city.names("service"),
            "tenant": rng.choice(self.tenants)["id"],
            "class": rng.choice(self.classes)["id"],
            "service": service,
            "bandwidth": {"up": up, "down": down} if service != "mesh" and rng.random() < 0.7 else up,
            "guarantees": {
                "latency": "50 ms",
                "protection": rng.choice(("none", "local", "local", "node", "node")),
            },
            "owner": self.city.names("owner"),
        }
        if rng.random() < 0.4:
            said["excess"] = "100 kbit/s" if service == "mesh" else {"up": "100 kbit/s", "down": "50 kbit/s"}
        return said

    # ── endpoints ────────────────────────────────────────────────────────────────────────────────

    def _free_port(self, rng: random.Random, switch: str) -> int:
        used = self.city.used_ports[switch]
        port = rng.choice([number for number in range(60, 400) if number not in used])
        used.add(port)
        return port

    def _endpoint(self, rng: random.Random, kind: str, tags: Iterable[str] = (), **more: Any) -> dict[str, Any]:
        switch = rng.choice(sorted(self.city.switches))
        row: dict[str, Any] = {
            "id": self.city.names("end"),
            "site": self.city.switches[switch],
            "device": switch,
            "port": self._free_port(rng, switch),
            "kind": kind,
            **more,
        }
        if tags:
            row["tags"] = ";".join(tags)
        self.endpoints.append(row)
        return row

    def _member(
        self, rng: random.Random, kind: str, number: int, place: int, tags: Iterable[str], *, shares: bool
    ) -> dict[str, Any]:
        """An endpoint with addresses of its own; sometimes behind a port that another already uses."""
        size = rng.choice((27, 29, 32))
        prefixes = [f"10.{number}.{place}.{32 * rng.randrange(8)}/{size}"]
        if number % 2 == 0:
            prefixes.append(f"2001:db8:{number:x}:{place:x}::/64")
        more: dict[str, Any] = {"prefixes": ";".join(prefixes)}
        if rng.random() < 0.5:
            more["vlan"] = rng.randint(1, 4094)
        if rng.random() < 0.6:
            more["mac"] = "02:" + ":".join(f"{rng.randrange(256):02x}" for _ in range(5))
        row = self._endpoint(rng, kind, tags, **more)
        own = f"10.{number}."
        near = [one for one in self.endpoints[:-1] if one["device"] == row["device"] and "prefixes" in one]
        near = [one for one in near if one["kind"] == kind or not one["prefixes"].startswith(own)]
        if near and shares and rng.random() < 0.5:
            row["port"] = near[-1]["port"]
        return row

    # ── services ─────────────────────────────────────────────────────────────────────────────────

    def _select(
        self,
        rng: random.Random,
        said: dict[str, Any],
        side: str,
        number: int,
        place: int,
        count: int,
        *,
        group: dict[str, Any] | None = None,
    ) -> None:
        """New endpoints, and a selector that means them and nobody else; a stranger of the kind is beside them.

        Leaves may be several behind one port. That is not for endpoints that talk to each other: what comes in
        by a port never leaves by it.
        """
        kind, mood = self.city.names("sort"), rng.choice(("kind", "tags", "ids", "site", "select"))
        tags = [self.city.names("tag"), self.city.names("tag")] if mood in ("tags", "select") else []
        shares = side == "leaves"
        ends = [self._member(rng, kind, number, place + index, tags, shares=shares) for index in range(count)]
        ids = [str(end["id"]) for end in ends]
        selector: dict[str, Any] = {"kind": kind}
        if mood != "kind":
            sites = sorted({str(end["site"]) for end in ends})
            stranger = self._member(rng, kind, number, place + count, tags[:1], shares=False)
            if mood == "site" and stranger["site"] not in sites:
                selector = {"kind": [kind], "site": sites}
            elif mood == "tags":
                selector = {"kind": kind, "tags": tags}
            elif mood == "select":
                selector = {"select": {"kind": kind, "tags": tags[1]}}
            else:
                selector = {"ids": ids}
        (said if group is None else group)[side] = selector
        self.means[said["application"], str(selector)] = ids

    def _tree(self, rng: random.Random, number: int, count: int) -> None:
        said = self._said(rng, "tree")
        self._select(rng, said, "roots", number, 0, rng.choice((1, 1, 2)))
        self._select(rng, said, "leaves", number, 20, count)
        self.services.append(said)

    def _mesh(self, rng: random.Random, number: int, count: int) -> None:
        said = self._said(rng, "mesh")
        self._select(rng, said, "members", number, 0, count)
        self.services.append(said)

    def _grouped(self, rng: random.Random, number: int, count: int) -> None:
        """Groups of one application that never meet: closed trees, or closed meshes."""
        service = rng.choice(("tree", "mesh"))
        said = self._said(rng, service)
        said["groups"] = [{}, {}]
        for index, group in enumerate(said["groups"]):
            for offset, side in enumerate(("roots", "leaves") if service == "tree" else ("members",)):
                size = 1 if side == "roots" else max(2, count // 2)
                self._select(rng, said, side, number, 60 * index + 20 * offset, size, group=group)
        self.services.append(said)

    def _line(self, rng: random.Random, number: int, count: int) -> None:
        said = self._said(rng, "line")
        said["circuits"] = []
        if rng.random() < 0.3:
            said["guarantees"]["isolation"] = "exclusive"
        for _ in range(max(2, count // 2)):
            tagged = rng.random() < 0.5
            ends = []
            for _ in "ab":
                more: dict[str, Any] = {"vlan": rng.randint(1, 4094)} if tagged else {}
                ends.append(self._endpoint(rng, "customer", **more))
            circuit: dict[str, Any] = {"id": self.city.names("circuit"), "a": ends[0]["id"], "b": ends[1]["id"]}
            mood = rng.random()
            if mood < 0.4:
                circuit["guarantees"] = {"protection": "disjoint"}
            elif mood < 0.6:
                lit = sorted(name for name, link in self.city.links.items() if link.lit)
                link = rng.choice(lit)
                risk = rng.choice(sorted(self.city.links[link].risks))
                circuit["guarantees"] = {"avoid": [rng.choice((link, risk))]}
            if rng.random() < 0.3:
                circuit["mtu"] = "1400 B"
            said["circuits"].append(circuit)
        self.services.append(said)

    # ── less ─────────────────────────────────────────────────────────────────────────────────────

    def _weaken(self, said: dict[str, Any], pairs: set[frozenset[str]]) -> None:
        if said["service"] == "line":
            for circuit in said["circuits"]:
                if {circuit["a"], circuit["b"]} in pairs:
                    self._weaken_circuit(said, circuit)
            return
        grades = self.grades.setdefault(said["application"], {})
        served = self._served(said)
        weak = sorted({min(pair & served) for pair in pairs})
        for end in weak:
            grades[end] = WEAKER[grades.get(end, said["guarantees"]["protection"])]
        said["terms"] = [
            {"select": {"ids": ids}, "guarantees": {"protection": grade}}
            for grade in sorted(set(grades.values()))
            if (ids := [end for end, given in sorted(grades.items()) if given == grade])
        ]

    def _served(self, said: dict[str, Any]) -> set[str]:
        """Endpoints that may have terms of their own: leaves and members."""
        found: set[str] = set()
        for group in said.get("groups", [said]):
            for side in ("leaves", "members"):
                found.update(self.means.get((said["application"], str(group.get(side))), ()))
        return found

    @staticmethod
    def _weaken_circuit(said: dict[str, Any], circuit: dict[str, Any]) -> None:
        own = circuit.setdefault("guarantees", {})
        if own.pop("avoid", None) is None:
            own["protection"] = WEAKER[own.get("protection", said["guarantees"]["protection"])]
