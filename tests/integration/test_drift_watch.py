"""The controller and drift, on embedded switches: told, repaired, frozen, never fought over; restarts refilled."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from typing import TypeVar
from unittest import mock

import pytest
from controller_thread import Running as InThread
from sdnctl_in_process import Net, Saved, big_change, new_net

from sdnctl.compiler.tables import Kind as Cookie
from sdnctl.compiler.tables import cookie
from sdnctl.daemon import patience
from sdnctl.daemon.controller import Controller
from sdnctl.daemon.drift import DriftWatch
from sdnctl.daemon.events import Event, Kind, Severity
from sdnctl.daemon.hub import Hub
from sdnctl.daemon.turns import Urgency
from sdnctl.dataplane.values import COOKIE_OWNER, Bucket, Flow, Group, GroupType, Match, Meter, Output, RuleSet
from sdnctl.plan.apply import apply_changes
from sdnctl.plan.drift import DriftState
from sdnctl.plan.model import Change, Op, Rule, Stage
from sdnctl.southbound.fleet import Fleet
from sdnctl.store.freezes import Freeze
from sdnctl.store.state import State
from sdnctl.usecases.context import Context

T = TypeVar("T")
OPTIONS = {"drift_interval": 0.4, "poll_interval": 0.05}
SWITCH = "com-dourbie"
FOREIGN = (
    Flow(0, 77, Match.of(in_port=9), 0x1234),
    Group(7, GroupType.INDIRECT, (Bucket((Output(3),)),)),
    Meter(5, 100, 10),
)
STRAY = Flow(3, 100, Match.of(eth_type=0x8847, mpls_label=4242), cookie=COOKIE_OWNER | 2 << 32 | 4242)


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Saved:
    """The small example on embedded switches, applied."""
    folder = tmp_path_factory.mktemp("drift")
    net = new_net(folder / "net", example="small-links")
    net.ok("apply", "--yes")
    return Saved(net, folder / "kept")


@pytest.fixture
def net(saved: Saved) -> Net:
    return saved.restore()


class Running:
    """A controller with nothing but the drift part, and what it did."""

    def __init__(self, net: Net, hub: Hub, made: list[tuple[str, Change]]) -> None:
        self.net, self.hub, self.made = net, hub, made

    async def until(self, what: Callable[[], object], seconds: float = 60.0) -> None:
        async with asyncio.timeout(seconds):
            while not what():  # noqa: ASYNC110 - what files and processes do has no event
                await asyncio.sleep(0.05)

    async def looked(self, times: int = 1) -> None:
        """Every switch was looked at again so many times."""
        for _ in range(times):
            before = dict(self.hub.drift.switches)
            await self.until(
                lambda before=before: all(  # type: ignore[misc]
                    self.hub.drift.switches.get(name) is not before.get(name, 0)
                    for name in self.net.board.devices()
                )
            )

    @property
    def state(self) -> State:
        applied = self.hub.applied()
        assert applied is not None
        return applied[1]

    async def exact(self) -> None:
        """Wait until all switches hold what is applied, and the board says so."""
        await self.until(lambda: self.hub.turns.current is None and self.net.ours() == dict(self.state.rules))
        await self.until(lambda: all(one.state == "match" for one in self.hub.drift.switches.values()))

    def told(self, *kinds: Kind) -> list[Event]:
        return [one for one in self.hub.events.since(0) if one.kind in kinds]

    def written(self) -> dict[str, set[object]]:
        """Identities of what was written, by switch."""
        found: dict[str, set[object]] = {}
        for device, change in self.made:
            found.setdefault(device, set()).add(identity(change.rule))
        return found


def identity(rule: Rule) -> object:
    return rule.key if isinstance(rule, Flow) else (type(rule).__name__, rule.id)


@asynccontextmanager
async def controller(net: Net, **options: object) -> AsyncIterator[Running]:
    context, made = Context(net.folder), list[tuple[str, Change]]()
    one = Controller(context, [DriftWatch()], options={**OPTIONS, **options})
    commit = Fleet.commit

    async def watched(self: Fleet, stage: Stage) -> None:
        made.extend(
            (name, item) for name, items in stage.changes.items() for item in items if isinstance(item, Change)
        )
        await commit(self, stage)

    with mock.patch.object(Fleet, "commit", watched):
        task = asyncio.create_task(one.run())
        try:
            ready = asyncio.create_task(one.ready.wait())
            await asyncio.wait((task, ready), return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                task.result()
            running = Running(net, one.hub, made)
            await running.until(lambda: one.hub.drift.switches.keys() >= set(net.board.devices()))
            yield running
        finally:
            one.stop()
            await task


def run(work: Coroutine[None, None, T]) -> T:
    return asyncio.run(work)


def change(net: Net, switch: str, changes: Iterable[Change] = (), more: Iterable[Rule] = ()) -> None:
    """Somebody else writes to a switch."""
    with net.board.changing(switch) as embedded:
        embedded.rules = RuleSet.of((*apply_changes(embedded.rules, changes), *more))


def flows(net: Net, kind: Cookie, table: int, switch: str = SWITCH) -> list[Flow]:
    rules = net.applied().rules[switch].flows.values()
    return [one for one in rules if one.table == table and one.cookie & ~0xFFFFFFFF == cookie(kind, 0)]


@contextmanager
def impatient() -> Iterator[None]:
    with mock.patch.object(patience, "FIRST", 0.05):
        yield


def test_a_start_over_what_is_right_writes_nothing(net: Net) -> None:
    before = net.held()

    async def story() -> None:
        async with controller(net) as running:
            await running.looked(2)
            assert running.made == []
            assert running.told(Kind.DRIFT, Kind.DRIFT_CLEARED, Kind.CHANGE_BEGUN) == []
            text = {one.name: one for one in running.hub.registry.collect()}
            switches = {item.labels["state"]: item.value for item in text["sdnctl_drift_switches"].samples}
            assert switches == {
                "match": len(net.board.devices()),
                "waits": 0,
                "drift": 0,
                "unknown": 0,
                "frozen": 0,
            }

    run(story())
    assert net.held() == before
    assert len(net.history()) == 1


def test_drift_of_every_kind_is_told_and_repaired_and_nothing_else_is_written(net: Net) -> None:
    gone, other = flows(net, Cookie.DEMAND, 2)[0], flows(net, Cookie.DEMAND, 1)[0]

    async def story() -> None:
        async with controller(net) as running:
            changes = [Change(Op.DELETE, gone), Change(Op.MODIFY, replace(other, actions=()))]
            change(net, SWITCH, changes, (*FOREIGN, STRAY))
            await running.until(lambda: running.told(Kind.DRIFT_CLEARED))
            await running.exact()
            (told,) = running.told(Kind.DRIFT)
            assert (told.subject, told.severity) == (f"switch {SWITCH}", Severity.WARNING)
            counts = {state: told.detail["counts"][state] for state in ("missing", "extra", "altered")}
            assert counts == {"missing": 1, "extra": 1, "altered": 1}
            first = told.detail["findings"][0]
            assert (first["state"], first["owners"][0]["application"]) == ("missing", "flood-sensors")
            assert running.written() == {SWITCH: {identity(gone), identity(other), identity(STRAY)}}
            assert running.hub.drift.switches[SWITCH].foreign == len(FOREIGN)

    run(story())
    assert set(net.foreign()[SWITCH]) == set(FOREIGN)
    assert [one.reason for one in net.history()] == ["repair", "apply"]
    net.assert_exact()


def test_what_a_class_reports_stays_and_what_another_repairs_takes_it_along(net: Net) -> None:
    """A repair puts the whole switch right: class by class is how it is decided, not how it is done."""
    switch, (one, other) = _two_classes(net)
    policies = {"default": "repair", _class_of(net, one): "report"}

    async def story() -> None:
        async with controller(net, drift=policies) as running:
            change(net, switch, [Change(Op.DELETE, one)])
            await running.until(lambda: running.told(Kind.DRIFT))
            await running.looked(2)
            assert running.made == []
            assert len(running.told(Kind.DRIFT)) == 1, "told once, not in every round"
            assert running.hub.drift.switches[switch].counts[DriftState.MISSING] == 1
            change(net, switch, [Change(Op.DELETE, other)])
            await running.exact()
            assert len(running.told(Kind.DRIFT)) == 2
            assert running.written() == {switch: {identity(one), identity(other)}}

    run(story())


def _two_classes(net: Net) -> tuple[str, tuple[Flow, Flow]]:
    """A switch where demands of two classes begin, and an encapsulation rule of each."""
    for switch in net.board.devices():
        rules = {_class_of(net, one): one for one in flows(net, Cookie.DEMAND, 2, switch)}
        if len(rules) > 1:
            first, second, *_ = rules.values()
            return switch, (first, second)
    raise AssertionError("no switch has two classes")


def _class_of(net: Net, flow: Flow) -> str:
    compiled = net.applied().compiled
    by_number = {number: key for key, number in compiled.baseline.ids["demand"].items()}
    demands = {demand.id: demand for demand in compiled.demands}
    return str(demands[by_number[flow.cookie & 0xFFFFFFFF]].service_class)


def test_a_frozen_switch_stays_as_it_is_until_somebody_acknowledges(net: Net) -> None:
    scada = next(one for one in flows(net, Cookie.DEMAND, 2) if _class_of(net, one) == "scada")

    async def story() -> None:
        async with controller(net, drift={"scada": "freeze"}) as running:
            change(net, SWITCH, [Change(Op.MODIFY, replace(scada, actions=()))], [STRAY])
            await running.until(lambda: SWITCH in running.hub.drift.frozen)
            evidence = net.ours()[SWITCH]
            change(net, "core-a", [], [STRAY])  # another switch is repaired all the same
            await running.until(lambda: STRAY not in set(net.ours()["core-a"]))
            await running.looked(2)
            assert net.ours()[SWITCH] == evidence
            severities = [one.severity for one in running.told(Kind.DRIFT) if one.subject == f"switch {SWITCH}"]
            assert severities == [Severity.WARNING, Severity.CRITICAL]
            assert not running.hub.drift.acknowledge("core-b", by="ann"), "it is not frozen"
            assert running.hub.drift.acknowledge(SWITCH, by="ann")
            await running.exact()
            assert running.hub.drift.frozen == running.hub.drift.acknowledged == {}
            assert {one.subject for one in running.told(Kind.DRIFT_CLEARED)} == {
                f"switch {SWITCH}",
                "switch core-a",
            }

    run(story())


def test_a_controller_that_restarts_remembers_what_is_frozen_and_who_acknowledged_it(net: Net) -> None:
    """Acknowledged, and killed before it repaired anything; what is changed after that, nobody has seen."""
    scada = next(one for one in flows(net, Cookie.DEMAND, 2) if _class_of(net, one) == "scada")

    def kept() -> Freeze | None:
        with net.open() as context:
            return context.store.freezes.all().get(SWITCH)

    def acknowledge(found: Freeze) -> None:
        with net.open() as context:
            context.store.freezes.put(replace(found, by="ann"))

    async def started(until: Callable[[Running], bool]) -> Running:
        async with controller(net, drift={"scada": "freeze"}) as running:
            await running.until(lambda: until(running))
            await running.looked()
            return running

    frozen = lambda running: SWITCH in running.hub.drift.frozen  # noqa: E731
    change(net, SWITCH, [Change(Op.MODIFY, replace(scada, actions=()))])
    run(started(frozen))
    first = kept()
    assert first is not None
    assert first.by == ""
    assert not run(started(frozen)).told(Kind.DRIFT)[1:], "that it is frozen is told once, not at every start"
    assert kept() == first
    acknowledge(first)
    change(net, SWITCH, [], [STRAY])
    evidence = net.ours()[SWITCH]
    run(started(frozen))
    second = kept()
    assert second is not None
    assert (second.by, second.found > first.found) == ("", True)
    assert net.ours()[SWITCH] == evidence
    acknowledge(second)
    run(started(lambda running: net.ours() == dict(running.state.rules)))
    assert kept() is None


@pytest.mark.parametrize(
    "policy", ["freeze", *(pytest.param(name, marks=pytest.mark.soak) for name in ("repair", "report"))]
)
def test_a_switch_that_restarts_empty_is_filled_at_once_whatever_the_policy(net: Net, policy: str) -> None:
    async def story() -> None:
        async with controller(net, drift={"default": policy}, drift_interval=3600.0) as running:
            await running.looked(0)
            net.board.set_reachable(SWITCH, False)
            await running.until(lambda: SWITCH not in running.hub.fleet.up)
            assert running.hub.drift.switches[SWITCH].state == "unknown"
            assert running.hub.drift.switches[SWITCH].counts.keys() == {DriftState.UNKNOWN}
            assert running.told(Kind.DRIFT) == [], "what cannot be asked is not missing"
            with net.board.changing(SWITCH) as embedded:
                embedded.rules = RuleSet.of(FOREIGN)
            net.board.set_reachable(SWITCH, True)
            await running.exact()
            assert running.written().keys() == {SWITCH}

    run(story())
    assert set(net.foreign()[SWITCH]) == set(FOREIGN)


def test_a_switch_that_missed_a_change_is_brought_along_and_only_what_differs_is_written(net: Net) -> None:
    before = net.applied().rules
    net.board.set_reachable(SWITCH, False)
    big_change(net)
    net.ok("apply", "--yes")
    assert SWITCH in net.applied().silent
    quarantined = net.applied().baseline.quarantine
    assert any(SWITCH in holders for holders in quarantine_of(net).values()) or not quarantined

    async def story() -> None:
        async with controller(net) as running:
            await running.looked(1)
            assert running.made == []
            net.board.set_reachable(SWITCH, True)
            await running.exact()
            await running.until(lambda: not running.state.silent)
            after = running.state.rules
            for device, written in running.written().items():
                held = {identity(rule): rule for rule in before[device]} if device == SWITCH else {}
                wanted = {identity(rule): rule for rule in after.get(device, RuleSet())}
                same = {key for key, rule in held.items() if wanted.get(key) == rule}
                assert not written & same, f"{device}: what was right is written again"

    run(story())
    assert quarantine_of(net) == {}
    net.assert_exact()


def quarantine_of(net: Net) -> dict[int, tuple[str, ...]]:
    return dict(net.applied().baseline.quarantine)


def test_what_is_seen_while_a_change_is_being_made_is_not_drift(net: Net) -> None:
    gone = flows(net, Cookie.DEMAND, 2)[0]

    async def story() -> None:
        async with controller(net, drift_interval=0.1) as running:
            async with running.hub.turns.turn(Urgency.REQUEST, "a change", "test"):
                change(net, SWITCH, [Change(Op.DELETE, gone)], [STRAY])
                await asyncio.sleep(1.0)
                change(net, SWITCH, [Change(Op.ADD, gone), Change(Op.DELETE, STRAY)])
            await running.looked(1)
            assert running.told(Kind.DRIFT) == []
            assert running.made == []

    run(story())


def test_two_writers_do_not_fight_for_ever(net: Net) -> None:
    """Every repair is undone; the controller says so, and waits longer and longer."""
    gone = flows(net, Cookie.DEMAND, 2)[0]

    async def story() -> None:
        async with controller(net, drift_interval=0.1) as running:

            async def insist() -> None:
                while True:
                    if gone.key in net.ours()[SWITCH].flows:
                        change(net, SWITCH, [Change(Op.DELETE, gone)])
                    await asyncio.sleep(0.02)

            other = asyncio.create_task(insist())
            try:
                await running.until(lambda: _contested(running))
            finally:
                other.cancel()
            assert len(_contested(running)) == 1
            assert _contested(running)[0].severity is Severity.CRITICAL
            await running.exact()

    with impatient():
        run(story())


def _contested(running: Running) -> list[Event]:
    return [one for one in running.told(Kind.DRIFT) if "undone" in one.detail]


def test_a_repair_that_is_refused_is_told_and_tried_again_later(net: Net) -> None:
    """Somebody's flow stands where one of ours should be: nobody's rule is taken away for it."""
    gone = flows(net, Cookie.DEMAND, 2)[0]
    foreign = replace(gone, cookie=0xBAD)

    async def story() -> None:
        async with controller(net, drift_interval=0.1) as running:
            change(net, SWITCH, [Change(Op.DELETE, gone)], [foreign])
            await running.until(lambda: len(running.told(Kind.CHANGE_FAILED)) >= 2)
            assert "is not sdnctl's" in running.told(Kind.CHANGE_FAILED)[0].summary
            assert running.made == []
            assert _contested(running) == []
            with net.board.changing(SWITCH) as embedded:
                del embedded.rules.flows[foreign.key]
            await running.exact()

    with impatient():
        run(story())
    assert net.foreign() == {}


def test_an_operator_acknowledges_on_the_command_line(net: Net) -> None:
    """Through the API of the controller that runs; without one nothing is frozen."""
    assert net.json("drift", "--acknowledge", SWITCH, code=1)["diagnostics"][0]["code"] == "no-controller"
    settings = "controller: {drift: {scada: freeze}, drift_interval: 200 ms}"
    net.edit("network.yaml", "drain: 200 ms", f"{settings}\ndrain: 0 s")
    scada = next(one for one in flows(net, Cookie.DEMAND, 2) if _class_of(net, one) == "scada")
    with InThread(net, parts=[DriftWatch()], tcp=False) as running:
        assert net.json("drift", "--acknowledge", SWITCH, code=1)["diagnostics"][0]["code"] == "no-such-freeze"
        change(net, SWITCH, [Change(Op.DELETE, scada)])
        board = running.hub.drift
        eventually(lambda: SWITCH in board.frozen)
        shown = " ".join(net.ok("drift", "--acknowledge", SWITCH).out.split())
        assert "of flood-sensors (town, scada)" in shown or "no drift" in shown
        eventually(lambda: board.switches[SWITCH].state == "match")
        assert board.frozen == {}
        with net.open() as context:
            assert "acknowledge" in {entry[2] for entry in context.store.audit_trail(3)}
    net.ok("drift", "--exit-code")


def eventually(what: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_policy_for_a_class_that_nobody_has_is_told(net: Net) -> None:
    async def story() -> None:
        async with controller(net, drift={"skada": "freeze"}) as running:
            told = [one.summary for one in running.told(Kind.CONTROLLER) if "skada" in one.summary]
            assert len(told) == 1

    run(story())
