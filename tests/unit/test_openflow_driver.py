"""The driver where Open vSwitch is too well behaved: refusals late in a commit, losses, others' rules."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest
from openflow_fake import FakeSwitch, Rule

from sdnctl.dataplane.text import rule_name
from sdnctl.dataplane.values import (
    COOKIE_OWNER,
    Bucket,
    Flow,
    Group,
    GroupType,
    Match,
    Meter,
    Output,
    RuleSet,
    SwitchSettings,
    ToGroup,
)
from sdnctl.errors import DeviceRefused, DeviceUnreachable
from sdnctl.plan.model import Change, Op, SettingsChange
from sdnctl.southbound.base import Driver, Target
from sdnctl.southbound.openflow.channel import Timing
from sdnctl.southbound.openflow.codec.wire import Type
from sdnctl.southbound.openflow.driver import ChangesRefused, OpenFlowDriver
from sdnctl.southbound.openflow.sending import WINDOW
from sdnctl.southbound.openflow.transaction import BUNDLE_SIZE
from sdnctl.testing import samples
from sdnctl.testing.contract import adds, assert_rules, deletes, modify


def on_fake(
    use: Callable[[FakeSwitch, OpenFlowDriver], Awaitable[None]],
    *,
    bundles: bool = True,
    timing: Timing | None = None,
) -> None:
    async def main(switch: FakeSwitch) -> None:
        driver = await OpenFlowDriver.open(Target("pop", switch.address, 7), timing=timing)
        try:
            await use(switch, driver)
        finally:
            await driver.close()

    with FakeSwitch(dpid=7, bundles=bundles, part=60_000) as switch:
        asyncio.run(main(switch))


def transit(number: int) -> Flow:
    return Flow(3, 100, Match.of(eth_type=0x8847, mpls_label=1000 + number), COOKIE_OWNER | number, (Output(1),))


@pytest.mark.parametrize("bundles", [True, False])
def test_a_refusal_in_the_last_part_undoes_the_first(bundles: bool) -> None:
    """More changes than one bundle holds: still all or nothing."""
    kept = [transit(number) for number in range(3)]
    many = [transit(number) for number in range(10, 10 + BUNDLE_SIZE + 50)]
    meter = samples.meter()

    async def use(switch: FakeSwitch, driver: OpenFlowDriver) -> None:
        await driver.commit(adds(*kept))
        await driver.confirm()
        switch.refuse = lambda rule: "OFPFMFC_TABLE_FULL" if rule == many[-7] else None
        changes = [*deletes(kept[0]), modify(kept[1], replace(kept[1], goto=4)), *adds(meter, *many)]
        with pytest.raises(ChangesRefused, match="OFPFMFC_TABLE_FULL") as caught:
            await driver.commit(changes)
        assert [change.rule for change, _ in caught.value.refusals] == [many[-7]]
        assert_rules(switch.book.rules, RuleSet.of(kept))
        switch.refuse = lambda rule: None
        await driver.commit(changes)
        assert len(switch.book.rules.flows) == 2 + len(many)

    on_fake(use, bundles=bundles)


def test_without_bundles_every_refusal_is_named() -> None:
    flows = [transit(number) for number in range(20)]
    bad = {flows[3], flows[11]}

    async def use(switch: FakeSwitch, driver: OpenFlowDriver) -> None:
        switch.refuse = lambda rule: "OFPBAC_BAD_OUT_PORT" if rule in bad else None
        with pytest.raises(ChangesRefused) as caught:
            await driver.commit(adds(*flows))
        assert {change.rule for change, _ in caught.value.refusals} == bad
        assert all(rule_name(rule) in str(caught.value) for rule in bad)
        assert_rules(switch.book.rules, RuleSet())

    on_fake(use, bundles=False)


def test_what_cannot_be_undone_is_said() -> None:
    flow, other = transit(1), transit(2)

    async def use(switch: FakeSwitch, driver: OpenFlowDriver) -> None:
        await driver.commit(adds(flow))
        await driver.confirm()
        switch.refuse = lambda rule: "OFPFMFC_TABLE_FULL" if rule in (flow, other) else None
        # The deletion takes effect, the addition is refused, and so is bringing back what was deleted.
        with pytest.raises(DeviceRefused, match="could not be undone") as caught:
            await driver.commit([Change(Op.DELETE, replace(flow, actions=()), flow), *adds(other)])
        text = str(caught.value)
        assert rule_name(other) in text
        assert rule_name(flow) in text

    on_fake(use, bundles=False)


def test_one_message_needs_no_bundle() -> None:
    bare, link, trunk = samples.groups((1, 2, 3))

    async def use(switch: FakeSwitch, driver: OpenFlowDriver) -> None:
        await driver.commit(adds(bare, link, trunk))
        switch.received.clear()
        await driver.commit([modify(bare, replace(bare, buckets=bare.buckets))])
        assert switch.received == [Type.GROUP_MOD, Type.BARRIER_REQUEST]

    on_fake(use)


def test_a_commit_knows_what_is_held_without_asking_again() -> None:
    async def use(switch: FakeSwitch, driver: OpenFlowDriver) -> None:
        await driver.observe()
        switch.received.clear()
        await driver.prepare(adds(transit(1), transit(2)))
        await driver.commit(adds(transit(1), transit(2)))
        await driver.confirm()
        await driver.commit(deletes(transit(1), transit(2)))
        assert Type.MULTIPART_REQUEST not in switch.received

    on_fake(use)


# ── others' rules ────────────────────────────────────────────────────────────────────────────────


def test_a_foreign_flow_in_the_way_is_found_before_it_is_overwritten() -> None:
    flow = transit(1)
    foreign = replace(flow, cookie=0x77, actions=(Output(3),))

    async def use(switch: FakeSwitch, driver: OpenFlowDriver) -> None:
        switch.book.add(foreign)
        with pytest.raises(DeviceRefused, match="somebody else's flow"):
            await driver.prepare(adds(flow))
        assert_rules(switch.book.rules, RuleSet.of((foreign,)))

    on_fake(use)


def test_a_deletion_never_takes_a_foreign_flow() -> None:
    flow = transit(1)
    foreign = replace(flow, cookie=0x77, actions=(Output(3),))

    async def use(switch: FakeSwitch, driver: OpenFlowDriver) -> None:
        switch.book.add(foreign)
        await driver.commit(deletes(flow))
        assert_rules(switch.book.rules, RuleSet.of((foreign,)))

    on_fake(use)


@pytest.mark.parametrize(
    "rule",
    [replace(transit(1), cookie=1), Group(7, samples.groups((1, 2, 3))[0].type, ()), Meter(7, 1, 1)],
    ids=["flow", "group", "meter"],
)
def test_rules_that_are_not_ours_are_refused(rule: Rule) -> None:
    async def use(switch: FakeSwitch, driver: OpenFlowDriver) -> None:
        for call in (driver.prepare, driver.commit):
            with pytest.raises(DeviceRefused, match="not sdnctl's"):
                await call([Change(Op.ADD, rule)])
        assert_rules(switch.book.rules, RuleSet())

    on_fake(use)


def test_settings_are_refused() -> None:
    async def use(switch: FakeSwitch, driver: OpenFlowDriver) -> None:
        for call in (driver.prepare, driver.commit):
            with pytest.raises(DeviceRefused, match="not settings"):
                await call([SettingsChange(SwitchSettings())])

    on_fake(use)


def test_a_rule_that_does_not_fit_the_wire_is_refused_before_anything_is_sent() -> None:
    async def use(switch: FakeSwitch, driver: OpenFlowDriver) -> None:
        await driver.observe()
        switch.received.clear()
        with pytest.raises(DeviceRefused, match="cannot add flow table=3,priority=65536"):
            await driver.commit(adds(transit(1), replace(transit(2), priority=1 << 16)))
        assert Type.FLOW_MOD not in switch.received
        assert_rules(switch.book.rules, RuleSet())

    on_fake(use)


def test_a_flow_that_vanished_is_brought_back_by_its_change() -> None:
    flow = transit(1)

    async def use(switch: FakeSwitch, driver: OpenFlowDriver) -> None:
        await driver.commit(adds(flow))
        switch.book.delete(flow)
        await driver.commit([modify(flow, replace(flow, actions=(Output(2),)))])
        assert_rules(switch.book.rules, RuleSet.of((replace(flow, actions=(Output(2),)),)))

    on_fake(use)


# ── the device ───────────────────────────────────────────────────────────────────────────────────


def test_another_switch_behind_the_address() -> None:
    async def main(switch: FakeSwitch) -> None:
        with pytest.raises(DeviceRefused, match=r"pop: at tcp:.* is datapath 0x0*7, not 0x0*8"):
            await OpenFlowDriver.open(Target("pop", switch.address, 8))

    with FakeSwitch(dpid=7) as switch:
        asyncio.run(main(switch))


def test_capabilities_are_measured() -> None:
    async def use(switch: FakeSwitch, driver: OpenFlowDriver) -> None:
        assert isinstance(driver, Driver)
        found = await driver.capabilities()
        assert (found.tables, found.bundles, found.encapsulations) == (254, True, {"mpls"})
        assert found.groups == {"indirect", "ff", "all", "select"}
        assert (found.meters, found.description) == (1 << 18, "sdnctl fake switch 1")
        assert_rules(switch.book.rules, RuleSet())  # what was tried left nothing behind

    on_fake(use)


def test_a_switch_lost_in_the_middle_of_a_commit() -> None:
    """Half of the messages are in: the error comes at once, and so does that of everything after."""
    flows = [transit(number) for number in range(2_000)]

    async def use(switch: FakeSwitch, driver: OpenFlowDriver) -> None:
        await driver.observe()
        switch.mute = lambda kind: kind == Type.BARRIER_REQUEST and switch.cut() is None
        with pytest.raises(DeviceUnreachable, match="pop"):
            await asyncio.wait_for(driver.commit(adds(*flows)), 5)
        for call in (driver.observe, driver.revert, driver.counters):
            with pytest.raises(DeviceUnreachable):
                await asyncio.wait_for(call(), 5)
        assert WINDOW <= len(switch.book.rules.flows) <= len(flows)  # what came before the first barrier is in

    on_fake(use, bundles=False)


def test_reading_and_writing_do_not_overlap() -> None:
    """An observation that is asked for during a commit shows the state before or after, never between."""
    flows = [transit(number) for number in range(400)]

    async def use(switch: FakeSwitch, driver: OpenFlowDriver) -> None:
        commit = asyncio.create_task(driver.commit(adds(*flows)))
        await asyncio.sleep(0)
        observed = await driver.observe()
        assert len(observed.rules) in (0, len(flows))
        await commit

    on_fake(use, bundles=False)


# ── windows and bundles ───────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("bundles", [True, False])
def test_windows_end_in_barriers(bundles: bool) -> None:
    """A switch that is slow shows that it is alive, and what is wrong shows early; in bundles and without."""
    many = [transit(number) for number in range(2 * WINDOW + 1)]

    async def use(switch: FakeSwitch, driver: OpenFlowDriver) -> None:
        await driver.observe()
        for changes in (adds(*many), deletes(*many)):
            switch.received.clear()
            await driver.commit(changes)
            assert switch.received.count(Type.BARRIER_REQUEST) == 3
            assert switch.received.count(Type.EXPERIMENTER) == (2 + len(many) if bundles else 0)
            assert switch.received.count(Type.FLOW_MOD) == (0 if bundles else len(many))

    on_fake(use, bundles=bundles)


def test_bundles_follow_one_another_and_each_is_committed_when_it_was_taken() -> None:
    """The next bundle is filled before the last one is confirmed, but never committed before it."""
    many = [transit(number) for number in range(3 * BUNDLE_SIZE + 10)]

    async def use(switch: FakeSwitch, driver: OpenFlowDriver) -> None:
        await driver.commit(adds(*many))
        assert switch.committed == [1, 2, 3, 4]
        assert_rules(switch.book.rules, RuleSet.of(many))

    on_fake(use)


def test_an_error_in_one_bundle_keeps_the_next_from_taking_effect() -> None:
    many = [transit(number) for number in range(2 * BUNDLE_SIZE + 10)]

    async def use(switch: FakeSwitch, driver: OpenFlowDriver) -> None:
        await driver.observe()
        switch.refuse = lambda rule: "OFPFMFC_TABLE_FULL" if rule == many[BUNDLE_SIZE + 5] else None
        with pytest.raises(ChangesRefused, match="OFPFMFC_TABLE_FULL") as caught:
            await driver.commit(adds(*many))
        assert [change.rule for change, _ in caught.value.refusals] == [many[BUNDLE_SIZE + 5]]
        assert switch.committed[0] == 1
        assert not {2, 3} & set(switch.committed)
        assert not switch.open_bundles
        assert_rules(switch.book.rules, RuleSet())

    on_fake(use)


def test_after_a_refusal_nothing_further_is_sent() -> None:
    many = [transit(number) for number in range(14 * WINDOW)]

    async def use(switch: FakeSwitch, driver: OpenFlowDriver) -> None:
        await driver.observe()
        switch.refuse = lambda rule: "OFPFMFC_TABLE_FULL" if rule == many[5] else None
        switch.received.clear()
        with pytest.raises(ChangesRefused, match="OFPFMFC_TABLE_FULL") as caught:
            await driver.commit(adds(*many))
        assert [change.rule for change, _ in caught.value.refusals] == [many[5]]
        assert switch.received.count(Type.FLOW_MOD) < len(many)
        assert_rules(switch.book.rules, RuleSet())

    on_fake(use, bundles=False)


@pytest.mark.parametrize("bundles", [True, False])
def test_what_cannot_be_expressed_late_in_a_commit_undoes_what_was_sent(bundles: bool) -> None:
    kept = transit(3)
    many = [transit(number) for number in range(10, 10 + 3 * WINDOW)]
    bad = [replace(many[index], priority=1 << 16) for index in (-5, -3)]

    async def use(switch: FakeSwitch, driver: OpenFlowDriver) -> None:
        await driver.commit(adds(kept))
        await driver.confirm()
        with pytest.raises(DeviceRefused, match="cannot add flow") as caught:
            await driver.commit(adds(*many[:-10], *bad))
        assert len(caught.value.diagnostics) == 2
        assert not switch.open_bundles
        assert_rules(switch.book.rules, RuleSet.of((kept,)))
        assert_rules((await driver.observe()).rules, RuleSet.of((kept,)))

    on_fake(use, bundles=bundles)


@pytest.mark.parametrize("bundles", [True, False])
def test_a_commit_checks_by_itself(bundles: bool) -> None:
    """What a switch would accept and never forward by is refused, however late in a commit it stands."""
    many = [transit(number) for number in range(3 * WINDOW)]
    bad = replace(transit(9_000), actions=(ToGroup(samples.LINK + 99),))
    broken = Group(samples.LINK + 5, GroupType.INDIRECT, (Bucket((ToGroup(samples.LINK + 99),)),))

    async def use(switch: FakeSwitch, driver: OpenFlowDriver) -> None:
        await driver.observe()
        switch.received.clear()
        with pytest.raises(DeviceRefused, match=r"is absent") as caught:
            await driver.commit(adds(*many, broken, bad))
        assert [fault.code for fault in caught.value.diagnostics] == ["absent-group", "absent-group"]
        assert not switch.committed
        assert not switch.open_bundles
        assert (Type.FLOW_MOD in switch.received) is False
        assert_rules(switch.book.rules, RuleSet())

    on_fake(use, bundles=bundles)
