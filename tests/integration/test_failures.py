"""The controller and failures, on in-memory switches: cut, pinned, moved, healed, released; at once; drains."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime
from pathlib import Path
from unittest import mock

import pytest
from sdnctl_in_process import sdnctl

from sdnctl.compiler.protection import stranded
from sdnctl.daemon.controller import Controller
from sdnctl.daemon.events import Event, Kind
from sdnctl.daemon.failures import Failures
from sdnctl.daemon.hub import Hub
from sdnctl.daemon.operations import Call, apply, drain, plan
from sdnctl.errors import CompileError
from sdnctl.lab.base import Lab
from sdnctl.plan.model import Stage, StageKind
from sdnctl.southbound.embedded import Switchboard
from sdnctl.southbound.fleet import Fleet
from sdnctl.store.state import State
from sdnctl.usecases.context import Context
from sdnctl.usecases.planning import compile_folder
from sdnctl.verify.probes import judge, probes

SMALL = Path(__file__).parent.parent.parent / "lab" / "examples" / "small"
OPTIONS = {"hold_down": 0.2, "flap_half_life": 0.5, "poll_interval": 0.2}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The small example on in-memory switches, applied."""
    place = tmp_path_factory.mktemp("failures") / "network"
    for words in (
        ("init", place),
        ("-n", place, "lab", "up", "--kind", "memory"),
        ("-n", place, "apply", "--yes"),
    ):
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
            while not what():  # noqa: ASYNC110 - what is waited for is in the store and on switches
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
        """Every switch that answers holds what is applied, but for what waits for one that does not."""
        held = (await self.hub.fleet.observe()).rule_sets
        assert {node: rules for node, rules in held.items() if rules is not None} == {
            node: self.state.confirmed[node] for node, rules in held.items() if rules is not None
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


def test_two_cuts_at_once_are_one_batch(folder: Path) -> None:
    async def story() -> None:
        async with controller(folder) as running:
            links = sorted(
                set(running.state.compiled.topology.srlgs["segment:s-datacentre-dc-s"].links)
                | set(busiest(running.state))
            )
            first = running.context.store.history(1)[0].id
            running.lab.cut(links)
            await running.down(*links)
            assert running.lost() == set(stranded(running.state.compiled, running.state.down))
            await running.exact()
            made = [one.summary for one in running.context.store.history() if one.id > first]
            moves = [summary for summary in made if summary.startswith("move")]
            assert len(moves) <= 2, f"one solve for all, or two where switches were asked in between: {made}"

    run(story())


def test_a_link_that_flaps_is_damped_moves_nothing_more_and_is_released_when_it_has_calmed_down(
    folder: Path,
) -> None:
    async def story() -> None:
        async with controller(folder, hold_down=0.3, flap_half_life=2.0, flap_limit=2) as running:
            (link,) = busiest(running.state)
            first = running.context.store.history(1)[0].id
            for _ in range(2):
                running.lab.cut([link])
                await running.until(lambda: running.part.links is not None and link not in settled(running))
                running.lab.heal([link])
                await running.until(lambda: link in settled(running))
            assert [one.subject for one in running.events(Kind.LINK_DAMPED)] == [f"link {link}"]
            await running.down()
            assert running.hub.damped == frozenset()
            seen = [one for one in running.events(Kind.LINK_UP, Kind.LINK_DOWN) if one.subject == f"link {link}"]
            assert [one.kind for one in seen[-3:]] == [Kind.LINK_DOWN, Kind.LINK_UP, Kind.LINK_UP]
            again, released = (datetime.fromisoformat(one.created) for one in seen[-2:])
            assert (released - again).total_seconds() > 1.0, "much longer than its hold-down"
            made = [one.summary for one in running.context.store.history() if one.id > first]
            assert made[0] == f"release {link}", made

    run(story())


def settled(running: Running) -> frozenset[str]:
    """Links that are up as far as the controller has seen."""
    assert running.part.links is not None
    watch = running.part.links.watch
    return frozenset(running.lab.links) - (watch.failed - watch.settling)


def test_a_cut_while_something_else_is_changed_waits_for_its_turn_and_then_plans_from_what_is_so(
    folder: Path,
) -> None:
    async def story() -> None:
        async with controller(folder) as running:
            one, other = busiest(running.state, 2)
            with at_stage(StageKind.SWITCH, lambda stage: running.lab.cut([other])) as seen:
                running.lab.cut([one])
                await running.down(one, other)
            assert seen
            assert running.lost() == set(stranded(running.state.compiled, running.state.down))
            await running.exact()
            assert not running.events(Kind.CHANGE_FAILED)

    run(story())


@contextmanager
def at_stage(kind: StageKind, act: Callable[[Stage], None], skip: int = 0) -> Iterator[list[Stage]]:
    """Do something when a stage of this kind begins, once; `skip` stages of it go by before."""
    seen: list[Stage] = []
    left = [skip]
    commit = Fleet.commit

    async def watched(self: Fleet, stage: Stage) -> None:
        if stage.kind is kind and not seen and stage.changes:
            left[0] -= 1
            if left[0] < 0:
                seen.append(stage)
                act(stage)
        await commit(self, stage)

    with mock.patch.object(Fleet, "commit", watched):
        yield seen


@pytest.mark.parametrize(
    "kind",
    [
        pytest.param(StageKind.PREPARE, marks=pytest.mark.soak),
        StageKind.SWITCH,
        pytest.param(StageKind.RETIRE, marks=pytest.mark.soak),
    ],
)
def test_a_switch_that_dies_in_the_middle_of_a_move_holds_up_nobody(folder: Path, kind: StageKind) -> None:
    async def story() -> None:
        async with controller(folder) as running:
            (link,) = busiest(running.state)
            ends = set(running.state.compiled.topology.links[link].nodes)
            victims: list[str] = []

            def kill(stage: Stage) -> None:
                victims.append(min(stage.changes, key=lambda node: (node in ends, node)))
                running.lab.kill_switch(victims[0])

            skip = 1 if kind is StageKind.SWITCH else 0  # the first is the pin's
            with at_stage(kind, kill, skip):
                running.lab.cut([link])
                await running.until(lambda: bool(victims))
                gone = running.state.compiled.topology.down([link], victims)
                await running.down(*gone)
            state = running.state
            assert running.context.store.pending() is None
            assert dead(running) == set(victims)
            assert running.lost() == set(stranded(state.compiled, state.down)) | at(state, victims[0])
            await running.exact()
            assert {one.subject for one in running.events(Kind.CUT_OFF)} <= {
                f"demand {demand}" for demand in stranded(state.compiled, state.down)
            }

    run(story())


def dead(running: Running) -> set[str]:
    assert running.part.links is not None
    return set(running.part.links.dead)


def at(state: State, node: str) -> set[str]:
    """Demands that begin or end at a switch."""
    return {
        demand.id
        for demand in state.compiled.demands
        if node in (demand.ingress.attachment.node, demand.egress.attachment.node)
    }


def test_a_switch_that_is_only_silent_keeps_its_traffic(folder: Path) -> None:
    async def story() -> None:
        async with controller(folder) as running:
            before = running.state
            board = Switchboard(folder / ".sdnctl" / "lab")
            board.set_reachable("pop-east", False)
            await running.until(lambda: "pop-east" not in running.hub.fleet.up)
            await asyncio.sleep(0.3)
            assert running.state is before
            assert dead(running) == set()
            board.set_reachable("pop-east", True)
            await running.until(lambda: "pop-east" in running.hub.fleet.up)

    run(story())


# ── drains ───────────────────────────────────────────────────────────────────────────────────────


def through(state: State, node: str) -> list[str]:
    """Paths and bypasses that only pass through a switch, and serve nobody there."""
    ends = {trunk.key: (trunk.ingress, trunk.egress) for trunk in state.compiled.trunks}
    found = [trunk.key for trunk in state.compiled.trunks if node in trunk.path.transit]
    for bypass in state.compiled.bypasses:
        users = [user.removesuffix("!standby") for user in bypass.users or ()]
        if node in bypass.path.transit and not any(node in ends[user] for user in users):
            found.append(bypass.key)
    return found


def test_a_switch_is_drained_survives_a_failure_and_a_restart_and_is_undrained(folder: Path) -> None:
    async def story() -> None:
        async with controller(folder) as running:
            assert through(running.state, "pop-east")
            done = await drain(running.hub, Call("test"), "pop-east")
            assert done.moved
            assert running.state.drained == {"pop-east"}
            assert through(running.state, "pop-east") == []
            assert running.lost() == set()
            await running.exact()
            again = await drain(running.hub, Call("test"), "pop-east")
            assert again.steps == ()
        async with controller(folder) as running:
            assert running.state.drained == {"pop-east"}
            link = "core-a--pop-north"
            running.lab.cut([link])
            await running.down(link)
            assert through(running.state, "pop-east") == []
            running.lab.heal([link])
            await running.down()
            await drain(running.hub, Call("test"), "pop-east", back=True)
            assert running.state.drained == frozenset()
            assert running.lost() == set()

    run(story())


def test_a_drain_that_would_cut_somebody_off_is_refused_with_the_reason(folder: Path) -> None:
    async def story() -> None:
        async with controller(folder) as running:
            before = running.state
            node = "pop-west"  # a spur hangs on it
            demand = sorted(at(before, "com-estel") - at(before, node))[0]
            with pytest.raises(CompileError) as refused:
                await drain(running.hub, Call("test"), node)
            found = {item.code for item in refused.value.diagnostics}
            assert "drain-refused" in found
            assert any(demand in item.address and node in item.summary for item in refused.value.diagnostics)
            assert running.state is before

    run(story())


def test_a_link_that_was_cut_during_works_is_down_when_it_is_back_in_service(folder: Path) -> None:
    works = folder / "topology" / "maintenance.yaml"
    before = works.read_text(encoding="utf-8")
    state = Context(folder).need_applied()[1]

    def take_out(link: str) -> None:
        text = before.replace("out_of_service: []", f"out_of_service: [{{link: {link}, reason: works}}]")
        works.write_text(text, encoding="utf-8")

    def spared(link: str) -> bool:
        """Whether every demand can do without it for the time of works."""
        take_out(link)
        try:
            compile_folder(Context(folder))
        except CompileError:
            return False
        return True

    async def follow_folder(running: Running) -> None:
        desired = compile_folder(Context(folder))
        made = await plan(running.hub, desired)
        await apply(running.hub, Call("test"), desired, made.plan)

    async def story(link: str) -> None:
        async with controller(folder) as running:
            take_out(link)
            await follow_folder(running)
            running.lab.cut([link])
            links = running.part.links
            assert links is not None
            await running.until(lambda: False in links.ports.values())
            assert running.state.down == frozenset()
            works.write_text(before, encoding="utf-8")
            await follow_folder(running)
            await running.down(link)
            assert running.lost() == set(stranded(running.state.compiled, running.state.down))

    try:
        run(story(next(filter(spared, busiest(state, len(state.compiled.topology.links))))))
    finally:
        works.write_text(before, encoding="utf-8")
