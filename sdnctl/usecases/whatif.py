"""What if this is cut: from the digger to the services, and back to the tube that is spliced first.

    events ─Cutter→ wounds in cables ─Uses→ links and lines down ─Judge→ what becomes of every demand

The plant's part is an index (`inventory.cuts`, `inventory.uses`), the services' part the arithmetic of
`compiler.fate`: nothing is traced or routed again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property

from sdnctl.compiler.fate import path_now
from sdnctl.compiler.ir import Compiled, Trunk
from sdnctl.drawing.scene import Event as Outcome
from sdnctl.errors import Diagnostic, Diagnostics, InputError
from sdnctl.intents.demand import Demand
from sdnctl.inventory.access import AccessLine
from sdnctl.inventory.cuts import Cutter, Damage, Event, find_events, known_names
from sdnctl.inventory.finding import no_such
from sdnctl.inventory.links import OpticalLink, optical_links
from sdnctl.inventory.modes import MODES
from sdnctl.inventory.naming import link_names
from sdnctl.inventory.places import sheath_span
from sdnctl.inventory.plant import Cable, Duct, Plant, Point, Segment
from sdnctl.inventory.uses import Met, Uses
from sdnctl.topology.graph import PortRef
from sdnctl.usecases.consequences import Judge
from sdnctl.usecases.restoring import Broken, Key, Restoration, dark_tubes, tubes_in_order, tubes_of_users
from sdnctl.usecases.whatif_answer import FATES, Answer, CableHit, Rescue, ServiceHit, Tube


class Whatif:
    """Answers for one plant and what is compiled on it; its tables are made once, so keep it for many questions.

    `owners`: application → who answers for it.
    """

    def __init__(
        self,
        plant: Plant,
        compiled: Compiled,
        lines: Sequence[AccessLine] = (),
        owners: Mapping[str, str] | None = None,
    ) -> None:
        self.plant, self.compiled = plant, compiled
        self.owners = owners or {}
        self.cutter = Cutter(plant)
        self.judge = Judge(compiled)
        self.optical = optical_links(plant)[0]
        self.uses = Uses(plant, self.optical, lines)
        self._named = dict(enumerate(link_names(plant, self.optical)))
        self.demands = {demand.id: demand for demand in compiled.demands}

    # ── tables ───────────────────────────────────────────────────────────────────────────────────

    @cached_property
    def _link_of(self) -> Mapping[int, str]:
        """User → the link of the topology that it lights, where it lights one."""
        at = self.compiled.topology.link_at
        found: dict[int, str] = {}
        for number, user in enumerate(self.uses.users):
            link = at.get(PortRef(user.a.switch, user.a.port)) if isinstance(user, OpticalLink) else None
            if link is not None:
                found[number] = link.id
        return found

    @cached_property
    def _declared(self) -> frozenset[str]:
        """Links without strands in the plant: what they run through is known by their shared risks only."""
        return frozenset(self.compiled.topology.links).difference(self._link_of.values())

    @cached_property
    def _trunks_of(self) -> Mapping[str, Sequence[Trunk]]:
        """Demand → trunks that carry it."""
        table: dict[str, list[Trunk]] = defaultdict(list)
        for trunk in self.compiled.trunks:
            for demand in trunk.demands:
                table[demand].append(trunk)
        return table

    @cached_property
    def _at_endpoint(self) -> Mapping[str, Sequence[Demand]]:
        table: dict[str, list[Demand]] = defaultdict(list)
        for demand in self.compiled.demands:
            for end in dict.fromkeys((demand.ingress.id, demand.egress.id)):
                table[end].append(demand)
        return table

    # ── the question ─────────────────────────────────────────────────────────────────────────────

    def ask(
        self,
        cut: Sequence[str] = (),
        hazards: Sequence[str] = (),
        polygons: Mapping[str, Sequence[Sequence[Point]]] | None = None,
        block: Sequence[str] = (),
    ) -> Answer:
        """What these things together take away; raises InputError naming everything that is not there.

        `cut` names things of the plant (see `inventory.cuts`), links, switches (``node:NAME``) or declared risks;
        `block` ducts that are blocked, which hurts nothing that lies in them.
        """
        events, links, nodes = self._understand(cut, hazards, block)
        outlines = [ring for rings in (polygons or {}).values() for ring in rings]
        damage = self.cutter.cut(events, outlines)
        met = self.uses.met(damage.spots, damage.dead, damage.broken)
        links |= {self._link_of[number] for number in met.users if number in self._link_of}
        links |= self._declared_links(damage)
        nodes |= {node.id for node in self.compiled.topology.nodes.values() if node.site in damage.dead}
        lines = [user for number in sorted(met.users) if isinstance(user := self.uses.users[number], AccessLine)]
        dark = frozenset(end for line in lines for end in line.endpoints)
        outcome = self.judge.event(frozenset(links), frozenset(nodes), dark)
        fates = dict(self._fates(outcome))
        blocked = {
            name.partition(":")[2] or name: self._lying_in(name.partition(":")[2] or name) for name in block
        }
        return Answer(
            what=(
                *cut,
                *(f"zone:{name}" for name in hazards),
                *(polygons or {}),
                *(f"blocked {one}" for one in block),
            ),
            points=damage.points,
            hit={kind: tuple(sorted(names)) for kind, names in sorted(damage.hit.items()) if names},
            cables=tuple(self._cables(damage, met)),
            links=outcome.links,
            unused=tuple(
                self._name(number)
                for number in sorted(met.users)
                if isinstance(user := self.uses.users[number], OpticalLink) and number not in self._link_of
            ),
            lines=tuple(line.address for line in lines),
            outcome=outcome,
            trunks={
                "repaired": outcome.repaired,
                "standby": outcome.standby,
                "lost": outcome.lost,
                "severed": outcome.severed,
            },
            services=self._services(fates),
            rescues=tuple(self._rescues(outcome)),
            tubes=self._tubes(met, outcome, fates),
            besides=(
                *(f"switch {name}" for name in outcome.switches),
                *(f"passive {name}" for name in sorted(damage.broken)),
            ),
            dark_tubes=dark_tubes(self.plant, damage, met),
            owners=self._owners_of(damage),
            modes={name: _mode(self.plant.segments[name]) for name in sorted(damage.hit.get("segment", ()))},
            blocked=blocked,
        )

    def _understand(
        self, cut: Sequence[str], hazards: Sequence[str], block: Sequence[str]
    ) -> tuple[tuple[Event, ...], set[str], set[str]]:
        """Events in the plant, links and switches that are meant."""
        topology, names, out = self.compiled.topology, known_names(self.plant), Diagnostics()
        links, nodes, texts = set[str](), set[str](), list[str]()
        for text in cut:
            kind, _, rest = text.partition(":")
            if text in topology.links:
                links.add(text)
            elif kind == "node" and rest in topology.nodes:
                nodes.add(rest)
            elif kind == "node":
                out.items.append(no_such("switch", rest, topology.nodes))
            elif text in topology.srlgs and rest not in names.get("site" if kind == "building" else kind, ()):
                links |= topology.srlgs[text].links  # a declared risk: the plant has nothing of that name
                nodes |= topology.srlgs[text].nodes
            else:
                texts.append(text)
        events: list[Event] = []
        for wanted in (*texts, *(f"zone:{name.removeprefix('zone:')}" for name in hazards)):
            try:
                events += find_events(self.plant, (wanted,))
            except InputError as error:
                out.extend(self._or_links(error, wanted))
        for name in block:
            if name.removeprefix("duct:") not in self.plant.ducts:
                out.items.append(no_such("duct", name.removeprefix("duct:"), self.plant.ducts))
        out.raise_if_errors(InputError)
        return tuple(events), links, nodes

    def _or_links(self, error: InputError, text: str) -> Iterator[Diagnostic]:
        """The same diagnostics; a bare name may also have been meant for a link."""
        for item in error.diagnostics:
            if item.code == "no-such-thing" and ":" not in text:
                known = [name for table in known_names(self.plant).values() for name in table]
                item = no_such("thing in the plant, and no link,", text, [*known, *self.compiled.topology.links])
            yield item

    def _declared_links(self, damage: Damage) -> set[str]:
        """Links that are hit without a strand in the plant, by the shared risks that they were given."""
        if not self._declared:
            return set()
        prefix = {"site": "building"}
        names = {f"{prefix.get(kind, kind)}:{name}" for kind, found in damage.hit.items() for name in found}
        names |= {f"cable:{cable}" for cable in damage.wounds}
        srlgs = self.compiled.topology.srlgs
        return {link for name in names if name in srlgs for link in srlgs[name].links & self._declared}

    def _lying_in(self, duct: str) -> tuple[str, ...]:
        return tuple(sorted({cable for cable, _ in self.cutter.where.cables_in_duct(duct)}))

    # ── the glass ────────────────────────────────────────────────────────────────────────────────

    def _cables(self, damage: Damage, met: Met) -> Iterator[CableHit]:
        for key in sorted(damage.wounds):
            cable, wounds = self.plant.cables[key], damage.wounds[key]
            stretches = {
                (wound.mark, wound.mark) if wound.mark is not None else sheath_span(cable, wound.at // 2)
                for wound in wounds
            }
            yield CableHit(
                key,
                cable.life.owner,
                cable.life.manager,
                damage.strands(key).bit_count(),
                self.plant.cable_types[cable.type].strands,
                len({run.strand for run in met.runs.get(key, ())}),
                _joined(stretches),
                tuple(dict.fromkeys(wound.cause for wound in wounds)),
            )

    def _owners_of(self, damage: Damage) -> dict[str, tuple[str, ...]]:
        """Owner, manager or user → what of theirs is hit."""
        found: dict[str, set[str]] = defaultdict(set)
        tables: Mapping[str, Mapping[str, Cable | Duct | Segment]] = {
            "cable": self.plant.cables,
            "duct": self.plant.ducts,
            "segment": self.plant.segments,
        }
        for kind, table in tables.items():
            for name in damage.wounds if kind == "cable" else damage.hit.get(kind, ()):
                life = table[name].life
                for who in {life.owner, life.manager, life.user} - {""}:
                    found[who].add(f"{kind}:{name}")
        return {who: tuple(sorted(found[who])) for who in sorted(found)}

    # ── services ─────────────────────────────────────────────────────────────────────────────────

    def _fates(self, outcome: Outcome) -> Iterator[tuple[str, str]]:
        """Demand → fate, for every demand that is hit."""
        dark = set(outcome.dark)
        gone = {demand.id for end in dark for demand in self._at_endpoint.get(end, ())}
        by_key = {trunk.key: trunk for trunk in self.compiled.trunks}
        named = {
            "repaired": outcome.repaired,
            "standby": outcome.standby,
            "lost": outcome.lost,
            "cut off": outcome.severed,
        }
        for fate, trunks in named.items():
            for key in trunks:
                yield from ((demand, fate) for demand in by_key[key].demands if demand not in gone)
        yield from ((demand, "cut off") for demand in sorted(gone))

    def _services(self, fates: Mapping[str, str]) -> tuple[ServiceHit, ...]:
        """Applications in the order in which they are told: without service first, then by the ladder."""
        found: dict[str, dict[str, int]] = {}
        for demand, fate in fates.items():
            counts = found.setdefault(self.demands[demand].application, dict.fromkeys(FATES, 0))
            counts[fate] += 1
        sample = {demand.application: demand for demand in self.compiled.demands}
        hits = [
            ServiceHit(
                name,
                sample[name].service_class,
                self.compiled.classes[sample[name].service_class].rank,
                sample[name].tenant,
                self.owners.get(name, ""),
                sum(counts.values()),
                counts,
            )
            for name, counts in found.items()
        ]
        urgency = {"cut off": 0, "lost": 0, "standby": 1, "repaired": 2}
        return tuple(
            sorted(hits, key=lambda one: (urgency[one.worst], one.rank, -one.without_service, one.application))
        )

    def _rescues(self, outcome: Outcome) -> Iterator[Rescue]:
        """Bypasses and standby paths that carry what survives, the busiest first."""
        links, nodes = frozenset(outcome.links), frozenset(outcome.switches)
        by_key = {trunk.key: trunk for trunk in self.compiled.trunks}
        found: dict[tuple[str, str, tuple[str, ...], int | None], list[Trunk]] = defaultdict(list)
        for key in outcome.repaired:
            for bypass in self.judge.fates.bypasses(by_key[key], links, nodes) or ():
                found["bypass", bypass.link, bypass.path.nodes, bypass.label].append(by_key[key])
        for key in outcome.standby:
            trunk = by_key[key]
            now = path_now(trunk)
            spare = trunk.path if now is trunk.standby or trunk.standby is None else trunk.standby
            label = trunk.label if spare is trunk.path else trunk.standby_label
            found["standby", key, spare.nodes, label].append(trunk)
        rescues = [
            Rescue(
                how,
                link,
                path,
                label,
                sum(len(trunk.demands) for trunk in trunks),
                tuple(sorted({self.demands[one].application for trunk in trunks for one in trunk.demands})),
            )
            for (how, link, path, label), trunks in found.items()
        ]
        yield from sorted(rescues, key=lambda one: (-one.demands, one.how, one.link, one.path))

    def _tubes(self, met: Met, outcome: Outcome, fates: Mapping[str, str]) -> tuple[Tube, ...]:
        """Tubes with light in the order of splicing."""
        tubes = tubes_of_users(self.plant, met)
        links = dict.fromkeys(outcome.links, frozenset[Key]())
        ends = dict.fromkeys(outcome.dark, frozenset[Key]())
        for number, hit in tubes.items():
            user = self.uses.users[number]
            if isinstance(user, AccessLine):
                ends |= {end: ends[end] | hit for end in user.endpoints}
            elif number in self._link_of:
                links[self._link_of[number]] |= hit
        ladder = {name: one.rank for name, one in self.compiled.classes.items()}
        mending = Restoration(Broken(links, ends, fates), self.judge.fates, self.demands, self._trunks_of, ladder)
        lit = {key for keys in tubes.values() for key in keys}
        return tubes_in_order(self.plant, met, mending.order(lit), {user: self._name(user) for user in tubes})

    def _name(self, user: int) -> str:
        return self._link_of.get(user) or self._named.get(user) or self.uses.users[user].address


def _joined(stretches: Iterable[tuple[float, float]]) -> tuple[tuple[float, float], ...]:
    """Stretches of a sheath in order, those that meet as one."""
    found: list[tuple[float, float]] = []
    for low, high in sorted(stretches):
        if found and low <= found[-1][1]:
            found[-1] = found[-1][0], max(high, found[-1][1])
        else:
            found.append((low, high))
    return tuple(found)


def _mode(segment: Segment) -> str:
    """How a segment is built, and what its being cut is called: ``trench, dug up``."""
    mode = MODES[segment.kind]
    return f"{mode.label}, {mode.cut}"
