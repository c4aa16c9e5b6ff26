"""A cut that moves a thousand trunks over a hundred switches: the controller against a bare client.

The network is that of the other benches (about 120 switches, 6,100 demands), its rules pushed into as many bridges
of one real Open vSwitch. A restoration is done as the controller does it: solve, V1, observe, plan, journal,
stages, each read back, snapshot closed. The bare client writes the very octets that the driver wrote, stage by
stage, each stage to all bridges at once, and waits for the replies. What is compared are the stages: drain, solve,
journal and reading back are printed beside. After every run the rules of all bridges are read back and compared.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median
from struct import Struct
from unittest import mock

from lab.bench.bridges import Bridges
from lab.bench.measure import Report
from lab.bench.networks import SIZES, network
from sdnctl.cli.garbage import spare_collections
from sdnctl.compiler.pipeline import compile_network
from sdnctl.daemon.moving import Mover, believed, moves, network_of, touched
from sdnctl.plan.model import Plan, Stage
from sdnctl.southbound.base import Target
from sdnctl.southbound.fleet import Fleet, Observation
from sdnctl.southbound.openflow.channel import Channel
from sdnctl.southbound.openflow.codec.session import hello
from sdnctl.southbound.openflow.codec.wire import Type
from sdnctl.southbound.openflow.driver import OpenFlowDriver
from sdnctl.store.lease import Lease
from sdnctl.store.state import State
from sdnctl.usecases.context import Context
from sdnctl.usecases.planning import plan_between, proven

TRUNKS, SWITCHES = 1_000, 100
ROUNDS = 5
_HEADER = Struct("!BBHI")
_ASKS = (Type.BARRIER_REQUEST, Type.EXPERIMENTER)
_ANSWERS = (Type.BARRIER_REPLY, Type.EXPERIMENTER)

Octets = list[dict[str, bytes]]
"""What was written to each bridge, stage by stage."""


class TimedFleet(Fleet):
    """A fleet that adds up what its stages take, drain excluded, and what reading back takes; seconds."""

    spent: dict[str, float]

    async def commit(self, stage: Stage) -> None:
        start = time.perf_counter()
        await super().commit(replace(stage, wait_ms=0))
        self.spent["stages"] += time.perf_counter() - start
        await asyncio.sleep(stage.wait_ms / 1000)
        self.spent["drain"] += stage.wait_ms / 1000

    async def check(self, stage: Stage) -> None:
        start = time.perf_counter()
        await super().check(stage)
        self.spent["stages read back"] += time.perf_counter() - start

    async def observe(self, devices: Iterable[str] | None = None) -> Observation:
        start = time.perf_counter()
        found = await super().observe(devices)
        self.spent["observed"] += time.perf_counter() - start
        return found


@contextmanager
def timed(spent: dict[str, float], name: str) -> Iterator[None]:
    start = time.perf_counter()
    yield
    spent[name] += time.perf_counter() - start


@dataclass
class Bench:
    """The applied state `before`, the links that are cut, and the bridges."""

    context: Context
    lease: Lease
    fleet: TimedFleet
    addresses: Mapping[str, str]
    before: State
    down: frozenset[str]
    plan: Plan | None = None
    moved: int = 0
    after: State = field(init=False)
    found: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    async def restore(self) -> None:
        """Everything that the controller does after the pin, phase by phase."""
        spent: dict[str, float] = defaultdict(float)
        self.fleet.spent = spent
        before = self.before
        start = time.perf_counter()
        with timed(spent, "compiled"):
            compiled = compile_network(network_of(before.compiled, self.down), before.baseline)
            after = State(compiled, self.down)
        with timed(spent, "V1"):
            proven(after)
        seen = believed(before, await self.fleet.observe(touched(before, after)), ())
        with timed(spent, "written for the journal"):
            assert after.fingerprint
            assert after.compiled_fingerprint
        begin = time.perf_counter()
        step, _ = await Mover(self.context, self.fleet, self.lease).move(before, after, "move", seen)
        assert step is not None
        inside = sum(spent[name] for name in ("stages", "drain", "stages read back"))
        spent["planned, journalled, closed"] = time.perf_counter() - begin - inside
        spent["total without drain"] = time.perf_counter() - start - spent["drain"]
        self.plan, self.moved = step.plan, sum(one.elsewhere for one in moves(before.compiled, compiled))
        self.after = after
        for name, seconds in spent.items():
            self.found[name].append(seconds)

    async def back(self) -> None:
        """Every bridge as it was before the cut; the fleet learns what a bare client did, too."""
        self.fleet.spent = defaultdict(float)
        seen = await self.fleet.observe()
        self.expect(seen, self.after)
        for stage in plan_between(self.before, seen, self.after).stages:
            await super(TimedFleet, self.fleet).commit(replace(stage, wait_ms=0))
        self.expect(await self.fleet.observe(), self.before)

    @staticmethod
    def expect(seen: Observation, wanted: State) -> None:
        """Raise unless every bridge holds exactly what it should."""
        wrong = [node for node, held in seen.rule_sets.items() if held != wanted.rules[node]]
        if wrong:
            raise AssertionError(f"bridges do not hold what was pushed: {wrong[:5]}")

    async def record(self) -> Octets:
        """The octets that the driver writes for each stage, from a run that is not measured."""
        stages: Octets = []
        commit, write = TimedFleet.commit, Channel.write

        async def stage_begins(fleet: TimedFleet, stage: Stage) -> None:
            if stage.changes:
                stages.append(defaultdict(bytes))
            await commit(fleet, stage)
            if stage.changes:
                stages.append(defaultdict(bytes))  # what is written between two stages is not of either

        async def written(channel: Channel, data: bytes) -> None:
            stages[-1][channel.device] += data
            await write(channel, data)

        stages.append(defaultdict(bytes))
        with mock.patch.object(TimedFleet, "commit", stage_begins), mock.patch.object(Channel, "write", written):
            await self.restore()
        return [dict(found) for found in stages[1::2]]


class BareClient:
    """Connections that write octets somebody else made, and count replies."""

    def __init__(self, addresses: Mapping[str, str]) -> None:
        self._addresses = addresses
        self._open: dict[str, tuple[asyncio.StreamReader, asyncio.StreamWriter]] = {}

    async def __aenter__(self) -> BareClient:
        for node, address in self._addresses.items():
            reader, writer = await asyncio.open_unix_connection(address.removeprefix("unix:"))
            writer.write(hello(1))
            self._open[node] = reader, writer
            await self._replies(reader, Type.HELLO, count=1)
        return self

    async def __aexit__(self, *error: object) -> None:
        for _, writer in self._open.values():
            writer.close()

    async def send(self, stages: Octets) -> float:
        """All stages, one after the other; seconds."""
        asked = [{node: _count(data) for node, data in stage.items()} for stage in stages]
        start = time.perf_counter()
        for stage, counts in zip(stages, asked, strict=True):
            await asyncio.gather(*(self._one(node, data, counts[node]) for node, data in stage.items()))
        return time.perf_counter() - start

    async def _one(self, node: str, data: bytes, asked: int) -> None:
        reader, writer = self._open[node]
        writer.write(data)
        await writer.drain()
        await self._replies(reader, *_ANSWERS, count=asked)

    async def _replies(self, reader: asyncio.StreamReader, *kinds: Type, count: int) -> None:
        """Read until so many replies of these kinds came; raises AssertionError for an error."""
        while count:
            _version, kind, length, _xid = _HEADER.unpack(await reader.readexactly(_HEADER.size))
            body = await reader.readexactly(length - _HEADER.size)
            assert kind != Type.ERROR, f"the switch refused: {body.hex()}"
            count -= kind in kinds


def _count(data: bytes) -> int:
    """How many replies these octets ask for: barriers, and bundles that are opened or committed."""
    found = at = 0
    while at < len(data):
        _version, kind, length, _xid = _HEADER.unpack_from(data, at)
        found += kind == Type.BARRIER_REQUEST or (kind == Type.EXPERIMENTER and _is_control(data, at))
        at += length
    return found


def _is_control(data: bytes, at: int) -> bool:
    """Whether an experimenter message is a bundle control (ONF extension 230, type 2300)."""
    return int.from_bytes(data[at + 12 : at + 16], "big") == 2300


def cut_of(state: State) -> frozenset[str]:
    """The links that most trunks run over, as many as it takes to move enough of them."""
    uses = Counter(link for trunk in state.compiled.trunks for link in trunk.path.links)
    chosen: set[str] = set()
    for link, _ in uses.most_common():
        hit = sum(not chosen.isdisjoint(trunk.path.links) for trunk in state.compiled.trunks)
        if hit >= TRUNKS:
            break
        chosen.add(link)
    return frozenset(chosen)


@asynccontextmanager
async def bench(bridges: Bridges, folder: Path) -> AsyncIterator[Bench]:
    """The network on bridges that hold its rules."""
    state = State(compile_network(network(SIZES["reference"])))
    nodes = sorted(state.rules)
    with bridges.many(len(nodes)) as given:
        addresses = {node: at["openflow"] for node, at in zip(nodes, given.values(), strict=True)}
        targets = {node: {OpenFlowDriver: Target(node, address)} for node, address in addresses.items()}
        context = Context(folder)
        try:
            with context.store.hold() as lease:
                async with TimedFleet(targets) as fleet:  # type: ignore[arg-type]
                    fleet.spent = defaultdict(float)
                    for stage in plan_between(state, await fleet.observe(), None).stages:
                        await fleet.commit(replace(stage, wait_ms=0))
                    Bench.expect(await fleet.observe(), state)
                    yield Bench(context, lease, fleet, addresses, state, cut_of(state))
        finally:
            context.close()


async def _measure(report: Report, bridges: Bridges, folder: Path) -> None:
    async with bench(bridges, folder) as one:
        octets = await one.record()
        await one.back()
        one.found.clear()
        assert one.plan is not None
        plan = one.plan
        changes = sum(len(items) for stage in plan.stages for items in stage.changes.values())
        switches = len({device for stage in plan.stages for device in stage.changes})
        sent = sum(len(data) for stage in octets for data in stage.values())
        report.print(
            f"cut of {len(one.down)} links of {len(one.before.compiled.topology.links)}: {one.moved} trunks of "
            f"{len(one.before.compiled.trunks)} move; {changes} changes on {switches} switches in "
            f"{len(octets)} stages, {sent / 1e6:.1f} MB"
        )
        if one.moved < TRUNKS or switches < SWITCHES:
            raise AssertionError("the cut is too small for the claim")
        bare: list[float] = []
        for _ in range(ROUNDS):
            await one.restore()
            await one.back()
            async with BareClient(one.addresses) as client:
                bare.append(await client.send(octets))
            await one.back()
        for name, seconds in one.found.items():
            report.print(f"{name:32} {median(seconds):7.3f} s   ({min(seconds):.3f} to {max(seconds):.3f})")
        report.print(
            f"{'bare client, the same octets':32} {median(bare):7.3f} s   ({min(bare):.3f} to {max(bare):.3f})"
        )
        stages, checks = median(one.found["stages"]), median(one.found["stages read back"])
        report.print(
            f"stages with their read-back, against the bare client: {(stages + checks) / median(bare):.2f} ×"
        )
        report.claim("stages of a move of 1,000 trunks, against a bare client", stages / median(bare), 1.5)


def run(report: Report) -> None:
    spare_collections()
    with Bridges() as bridges, tempfile.TemporaryDirectory() as folder:
        asyncio.run(_measure(report, bridges, Path(folder)))
