"""What a network folder promises, worked out from its files and its graph alone: who may talk to whom, who
survives what, and which promises nobody could keep.

Nothing here uses the product's resolver, router, verifier or probes. Pairs and frames come from the files as
plain data; survival and possibility are questions to networkx about the graph without what fails together.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network
from itertools import combinations
from typing import Any

from any_network_files import Files, applications, rows
from compile_networks import HOST, arp, ethernet, ipv4, ipv6, solicitation

Spot = tuple[str, int]  # switch and port


@dataclass(frozen=True)
class End:
    """An endpoint as its row says it."""

    id: str
    spot: Spot
    kind: str
    site: str
    vlan: int | None
    mac: int | None
    prefixes: tuple[IPv4Network | IPv6Network, ...]
    tags: frozenset[str]


@dataclass(frozen=True)
class Pair:
    """One direction that an application declares, and how it is to be protected."""

    application: str
    line: bool
    ingress: End
    egress: End
    grade: str
    avoid: frozenset[str]

    @property
    def demand(self) -> str:
        return f"{self.application}/{self.ingress.id}>{self.egress.id}"


# ── who may talk to whom ─────────────────────────────────────────────────────────────────────────


def ends_of(files: Files) -> dict[str, End]:
    """Endpoints in service, by id."""
    found = {}
    for row in rows(files, "endpoints"):
        if row.get("status", "in-service") != "in-service":
            continue
        vlan, mac = row.get("vlan"), row.get("mac")
        found[row["id"]] = End(
            row["id"],
            (row["device"], int(row["port"])),
            row["kind"],
            row["site"],
            None if vlan is None else int(vlan),
            None if mac is None else int(str(mac).replace(":", "").replace("-", ""), 16),
            tuple(ip_network(text) for text in str(row.get("prefixes", "")).replace(";", " ").split()),
            frozenset(str(row.get("tags", "")).split(";")) - {""},
        )
    return found


def pairs_of(files: Files) -> list[Pair]:
    """Every directed pair that any application declares."""
    ends = ends_of(files)
    areas = {row["id"]: row.get("area", "") for row in rows(files, "sites")}
    found = []
    for said in applications(files):
        line = said["service"] == "line"
        for a, b, own in _said_pairs(said, ends, areas):
            if a.spot != b.spot:  # what comes in by a port never leaves by it
                promised = {**said.get("guarantees", {}), **own.get("guarantees", {})}
                grade, avoid = promised.get("protection", "none"), frozenset(promised.get("avoid", ()))
                for one, two in ((a, b), (b, a)):
                    found.append(Pair(said["application"], line, one, two, grade, avoid))
    return found


def _said_pairs(
    said: Mapping[str, Any], ends: Mapping[str, End], areas: Mapping[str, str]
) -> Iterator[tuple[End, End, Mapping[str, Any]]]:
    """Both ends of each pair, and what stands for it beside the application's own terms."""
    if said["service"] == "line":
        for circuit in said["circuits"]:
            if circuit["a"] in ends and circuit["b"] in ends:
                yield ends[circuit["a"]], ends[circuit["b"]], circuit
        return
    terms = [(own, {end.id for end in _selected(own["select"], ends, areas)}) for own in said.get("terms", ())]

    def own(*served: End) -> Mapping[str, Any]:
        """What entries of `terms` that fit say: of each guarantee the first word counts."""
        said: dict[str, Any] = {}
        for one, who in terms:
            if not who.isdisjoint(end.id for end in served):
                said = {**one.get("guarantees", {}), **said}
        return {"guarantees": said}

    for group in said.get("groups") or [said]:
        if said["service"] == "mesh":
            for a, b in combinations(_selected(group["members"], ends, areas), 2):
                yield a, b, own(a, b)
            continue
        leaves = _selected(group["leaves"], ends, areas)
        for root in _selected(group["roots"], ends, areas):
            yield from ((leaf, root, own(leaf)) for leaf in leaves if leaf.id != root.id)


def _selected(selector: Mapping[str, Any], ends: Mapping[str, End], areas: Mapping[str, str]) -> list[End]:
    parts = [selector, selector.get("select", {})]
    return [end for end in ends.values() if all(_fits(end, part, areas[end.site]) for part in parts)]


def _fits(end: End, said: Mapping[str, Any], area: str) -> bool:
    def many(key: str) -> set[str]:
        value = said.get(key, ())
        return {value} if isinstance(value, str) else set(map(str, value))

    return (
        (not many("ids") or end.id in many("ids"))
        and (not many("kind") or end.kind in many("kind"))
        and (not many("site") or end.site in many("site"))
        and (not many("area") or area in many("area"))
        and many("tags") <= end.tags
    )


# ── frames ───────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Question:
    """A frame into a port; `expected` is what has to come out: (switch, port, octets) of every copy."""

    what: str
    spot: Spot
    frame: bytes
    expected: tuple[tuple[str, int, bytes], ...]


@dataclass(frozen=True)
class _Frame:
    """A frame before its tag: sender, addresses, and how it is built."""

    vlan: int | None
    mac: int
    source: IPv4Address | IPv6Address | None
    target: IPv4Address | IPv6Address | None
    ethertype: int
    payload: bytes

    def octets(self, vlan: int | None) -> bytes:
        return ethernet([] if vlan is None else [vlan], self.ethertype, self.payload, self.mac)


class Declared:
    """The declared pairs of one network, asked what becomes of frames."""

    def __init__(self, files: Files) -> None:
        self.pairs = pairs_of(files)
        self.ends = ends_of(files)
        self._at: dict[Spot, list[Pair]] = {}
        for pair in self.pairs:
            self._at.setdefault(pair.ingress.spot, []).append(pair)

    def positive(self, rng: random.Random, pair: Pair) -> Question | None:
        """A frame that the pair must carry; None for a pair whose ends have no address family in common."""
        frame = self._frame(rng, pair.ingress, None if pair.line else pair.egress)
        return None if frame is None else self._question(f"{pair.demand}", pair.ingress.spot, frame)

    def ask(self, rng: random.Random, a: End, b: End, vlan: int | None) -> Question | None:
        """What becomes of a frame from one end to another under this tag, whether anybody declared it or not."""
        frame = self._frame(rng, a, b)
        if frame is None:
            return None
        tag = "untagged" if vlan is None else f"VLAN {vlan}"
        return self._question(f"{a.id}>{b.id} {tag}", a.spot, _Frame(vlan, *_rest(frame)))

    def negative(self, rng: random.Random) -> Question | None:
        """A frame between two random endpoints, or one with a wrong tag, sender or address; mostly nobody's."""
        a, b = rng.sample(sorted(self.ends.values(), key=lambda end: end.id), 2)
        mood = rng.choice(("stranger", "stranger", "tag", "sender", "source"))
        frame = self._frame(rng, a, b)
        if frame is None:
            return None
        if mood == "tag":
            bare = frame.ethertype != 0x8100  # else its inner tag would be the outer one
            tag = None if bare and rng.random() < 0.5 else rng.randint(1, 4094)
            frame = _Frame(tag, *_rest(frame))
        elif mood == "sender":
            frame = _Frame(frame.vlan, frame.mac ^ 1 << rng.randrange(40), *_rest(frame)[1:])
        elif mood == "source":
            c = rng.choice(sorted(self.ends.values(), key=lambda end: end.id))
            other = self._frame(rng, c, b)
            if other is None:
                return None
            frame = _Frame(frame.vlan, frame.mac, *_rest(other)[1:])
        return self._question(f"{mood} {a.id}>{b.id}", a.spot, frame)

    def _frame(self, rng: random.Random, a: End, b: End | None) -> _Frame | None:
        """From an address of a to one of b (any protocol to anybody where a whole port or VLAN is carried)."""
        mac = HOST if a.mac is None else a.mac
        if b is None or not a.prefixes or not b.prefixes:
            ethertype = rng.choice((0x88CC, 0x8863, 0x0800))
            payload = (
                ipv4(IPv4Address("192.0.2.1"), IPv4Address("192.0.2.2")) if ethertype == 0x0800 else bytes(46)
            )
            inner = [rng.randint(1, 4094) for _ in range(rng.randrange(2))] if a.vlan is not None else []
            if inner:
                payload = inner[0].to_bytes(2, "big") + ethertype.to_bytes(2, "big") + payload
                ethertype = 0x8100
            return _Frame(a.vlan, mac, None, None, ethertype, payload)
        both = [(p, q) for p in a.prefixes for q in b.prefixes if p.version == q.version]
        if not both:
            return None
        p, q = rng.choice(both)
        source, target = _address(rng, p), _address(rng, q)
        if isinstance(source, IPv4Address) and isinstance(target, IPv4Address):
            if rng.random() < 0.5:
                return _Frame(a.vlan, mac, source, target, 0x0800, ipv4(source, target))
            return _Frame(a.vlan, mac, source, target, 0x0806, arp(source, target))
        assert isinstance(source, IPv6Address)
        assert isinstance(target, IPv6Address)
        build = ipv6 if rng.random() < 0.5 else solicitation
        return _Frame(a.vlan, mac, source, target, 0x86DD, build(source, target))

    def _question(self, what: str, spot: Spot, frame: _Frame) -> Question:
        expected = [
            (*pair.egress.spot, frame.octets(self._leaving(pair, frame)))
            for pair in self._at.get(spot, ())
            if self._carries(pair, frame)
        ]
        return Question(what, spot, frame.octets(frame.vlan), tuple(sorted(expected)))

    @staticmethod
    def _leaving(pair: Pair, frame: _Frame) -> int | None:
        whole = pair.line and pair.ingress.vlan is None
        return frame.vlan if whole else pair.egress.vlan

    @staticmethod
    def _carries(pair: Pair, frame: _Frame) -> bool:
        end = pair.ingress
        if pair.line:
            return end.vlan is None or frame.vlan == end.vlan
        if frame.source is None or frame.target is None or frame.vlan != end.vlan:
            return False
        return (
            (end.mac is None or frame.mac == end.mac)
            and any(frame.source in prefix for prefix in end.prefixes)
            and any(frame.target in prefix for prefix in pair.egress.prefixes)
        )


def _rest(frame: _Frame) -> tuple[Any, ...]:
    return frame.mac, frame.source, frame.target, frame.ethertype, frame.payload


def _address(rng: random.Random, prefix: IPv4Network | IPv6Network) -> IPv4Address | IPv6Address:
    return prefix[rng.randrange(min(prefix.num_addresses, 1 << 20))]


def questions(declared: Declared, rng: random.Random, pairs: Iterable[Pair], negatives: int) -> Iterator[Question]:
    """One frame for each of these pairs, and this many that are mostly nobody's."""
    for pair in pairs:
        question = declared.positive(rng, pair)
        if question is not None:
            assert question.expected, question.what
            yield question
    for _ in range(negatives):
        question = declared.negative(rng)
        if question is not None:
            yield question
