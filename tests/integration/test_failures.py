"""The controller and failures, on in-memory switches: cut, pinned, moved, healed, released; several at once; drains."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from unittest import mock

import pytest
from sdnctl_in_process import sdnctl

from sdnctl.compiler.protection import stranded
from sdnctl.daemon.carrying import drain
from sdnctl.daemon.controller import Controller
from sdnctl.daemon.events import Event, Kind
from sdnctl.daemon.failures import Failures
from sdnctl.daemon.hub import Hub
from sdnctl.errors import CompileError
from sdnctl.lab.base import Lab
from sdnctl.plan.model import Stage, StageKind
from sdnctl.southbound.fleet import Fleet
from sdnctl.store.state import State
from sdnctl.topology.graph import Hop
from sdnctl.usecases.context import Context
from sdnctl.verify.probes import judge, probes

SMALL = Path(__file__).parent.parent.parent / "lab" / "examples" / "small"
OPTIONS = {"hold_down": 0.2, "flap_half_life": 0.5, "poll_interval": 0.05}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The small example on in-memory switches, applied."""
    place = tmp_path_factory.mktemp("failures") / "network"
    for words in (("init", place), ("-n", place, "lab", "up", "--kind", "memory"), ("-n", place, "apply", "--yes")):
        done = sdnctl(*words)
        assert done.code == 0, done.err
    yield place
    sdnctl("-n", place, "lab", "down")


class Running:
    """A controller at work on a lab."""

    def __init__(self, context: Context, hub: Hub, part: Failures) -> None:
        self.context, self.hub, self.part = context, hub, part
        lab = context.lab
        assert lab is not None
        self.lab: Lab = lab

    @property
    def state(self) -> State:
        return self.context.need_applied()[1]

    async def until(self, what: Callable[[], bool], seconds: float = 60.0) -> None:
        async with asyncio.timeout(seconds):
            while not what():
                await asyncio.sleep(0.02)

    async def down(self, *links: str) -> None:
        """Wait until exactly these links are applied as down, and nothing is left to do."""
        await self.until(lambda: self.state.down == frozenset(links) and self.idle)

    @property
    def idle(self) -> bool:
        links = self.part.links
        busy = self.hub.turns.current is not None or self.part.unsolved
        return not busy and links is not None and links.watch.failed == self.state.down

    def events(self, *kinds: Kind) -> list[Event]:
        return [one for one in self.hub.events.since(0) if one.kind in kinds]

    def lost(self) -> set[str]:
        """Demands of which a probe does not arrive; a leak or duplicate fails at once."""
        sent = list(probes(self.state.compiled.demands))
        with self.lab.prober() as prober:
            report = judge(sent, prober.exchange(sent, timeout=0.2))
        assert {fault.code for fault in report.faults} <= {"lost"}, report.faults[:3]
        return {fault.demand for fault in report.faults}

    async def exact(self) -> None:
        """Every switch that answers holds what is applied."""
        held = (await self.hub.fleet.observe()).rule_sets
        assert {node: rules for node, rules in held.items() if rules is not None} == {
            node: self.state.rules[node] for node, rules in held.items() if rules is not None
        }


@asynccontextmanager
async def controller(folder: Path, **options: object) -> AsyncIterator[Running]:
    """A running controller with nothing but this part; at the end everything is healed and released again."""
    context, part = Context(folder), Failures()
    one = Controller(context, [part], options={**OPTIONS, **options})
    task = asyncio.create_task(one.run())
    try:
        ready = asyncio.create_task(one.ready.wait())
        await asyncio.wait((task, ready), return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            task.result()
        running = Running(context, one.hub, part)
        await running.until(lambda: part.links is not None)
        yield running
        running.lab.heal(running.lab.links)
        for node in running.lab.dead_nodes:
            running.lab.revive(node)
        await running.down()
    finally:
        one.stop()
        await task


def run(work: Awaitable[None]) -> None:
    async def main() -> None:
        await work

    asyncio.run(main())


def busiest(state: State, count: int = 1) -> list[str]:
    """The links that most trunks run over."""
    uses: dict[str, int] = dict.fromkeys(sorted(state.compiled.topology.links), 0)
    for trunk in state.compiled.trunks:
        for link in trunk.path.links:
            uses[link] += 1
    return sorted(uses, key=lambda link: (-uses[link], link))[:count]


def test_a_cut_is_pinned_moved_healed_and_released(folder: Path) -> None:
    async def story() -> None:
        async with controller(folder) as running:
            before = running.state
            (link,) = busiest(before)
            hit = [trunk.key for trunk in before.compiled.trunks if link in trunk.path.links]
            first = running.context.store.history(1)[0].id
            running.lab.cut([link])
            await running.down(link)
            after = running.state
            assert hit
            assert [t.key for t in after.compiled.trunks if link in t.path.links] == []
            assert running.lost() == set(stranded(after.compiled, after.down))
            await running.exact()
            kinds = [one.kind for one in running.events(Kind.LINK_DOWN, Kind.TRUNK_MOVED, Kind.CHANGE_FAILED)]
            assert kinds == [Kind.LINK_DOWN, *[Kind.TRUNK_MOVED] * len(hit)]
            made = [one for one in running.context.store.history() if one.id > first]
            assert [one.summary.split()[0] for one in reversed(made)] == ["pin", "move"]
            assert all(one.state == "applied" for one in made)

            running.lab.heal([link])
            await running.down()
            paths = {trunk.key: trunk.path for trunk in after.compiled.trunks}
            assert {trunk.key: trunk.path for trunk in running.state.compiled.trunks} == paths, "trunks stay"
            assert running.lost() == set()
            await running.exact()

    run(story())
