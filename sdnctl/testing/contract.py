"""The contract that every driver of rules passes, as tests to inherit.

    class TestMyDriver(DriverContract):
        driver = MyDriver

        @pytest.fixture
        def device(self, tmp_path):
            with my_empty_device(tmp_path) as device:   # a ContractDevice
                yield device

What it demands: `observe` shows exactly what `commit` made; foreign rules stay; one `commit` happens
as a whole or not at all; a refusal is `DeviceRefused` and names device and change; a lost device is
`DeviceUnreachable`; `revert` goes back to the last `confirm`; `close` may be called twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any, ClassVar, TypeVar

import pytest

from sdnctl.dataplane.text import format_rules, rule_name
from sdnctl.dataplane.values import Flow, Group, Match, Meter, RuleSet, is_ours
from sdnctl.errors import DeviceError, DeviceRefused, DeviceUnreachable
from sdnctl.plan.model import Change, Op
from sdnctl.southbound.base import PAYLOADS, Capabilities, Driver
from sdnctl.testing import samples
from sdnctl.testing.device import ContractDevice, TestedDevice
from sdnctl.testing.driving import drive

T = TypeVar("T")
Rule = Flow | Group | Meter


def adds(*rules: Rule) -> list[Change]:
    """Additions in the given order."""
    return [Change(Op.ADD, rule) for rule in rules]


def deletes(*rules: Rule) -> list[Change]:
    """Deletions in the given order."""
    return [Change(Op.DELETE, rule, before=rule) for rule in rules]


def modify(before: Rule, rule: Rule) -> Change:
    return Change(Op.MODIFY, rule, before=before)


def assert_rules(actual: RuleSet, expected: RuleSet) -> None:
    """Equality with the difference as text, because a rule set's repr is unreadable."""
    if actual != expected:
        have, want = set(format_rules(actual).splitlines()), set(format_rules(expected).splitlines())
        difference = [f"- {line}" for line in sorted(want - have)] + [f"+ {line}" for line in sorted(have - want)]
        pytest.fail("rules read back differ (-expected +read):\n" + "\n".join(difference or [repr(actual)]))


class ContractBase:
    """Opens the driver, runs one coroutine, closes it again."""

    driver: ClassVar[type[Driver]]

    @pytest.fixture
    def device(self) -> Any:
        """Override: yield an empty device and clean it up."""
        raise NotImplementedError("a contract test class overrides the `device` fixture")

    def run(self, device: TestedDevice, use: Callable[[Any], Awaitable[T]]) -> T:
        return drive(self.driver, device.target, use)

    def check_refusal(self, error: DeviceError, device: TestedDevice, name: str) -> None:
        """The error must lead a person to the device and to the change."""
        text = str(error)
        assert error.diagnostics
        assert device.target.device in text, f"the device's name is not in: {text}"
        assert name in text, f"{name!r} is not in: {text}"

    # ── the same for every payload ───────────────────────────────────────────────────────────────

    def test_is_a_driver(self) -> None:
        assert self.driver.name
        assert self.driver.payload in PAYLOADS
        for method in ("open", "capabilities", "observe", "prepare", "commit", "confirm", "revert", "counters"):
            assert asyncio.iscoroutinefunction(getattr(self.driver, method)), method

    def test_close_is_idempotent(self, device: TestedDevice) -> None:
        async def main() -> None:
            driver = await self.driver.open(device.target)
            await driver.close()
            await driver.close()

        asyncio.run(main())

    def test_open_of_an_unreachable_device(self, device: TestedDevice) -> None:
        device.cut()

        async def use(driver: Driver) -> None:
            await driver.observe()  # a driver may connect only when it is asked something

        with pytest.raises(DeviceUnreachable) as caught:
            self.run(device, use)
        self.check_refusal(caught.value, device, device.target.device)
        device.restore()

    def test_ports_have_counters(self, device: Any) -> None:
        async def use(driver: Driver) -> None:
            counters = await driver.counters()
            assert set(device.ports) <= set(counters.ports)
            for number in device.ports:
                assert counters.ports[number].port == number
                assert counters.ports[number].up

        self.run(device, use)


class DriverContract(ContractBase):
    """For drivers whose payload is rules."""

    def full(self, device: ContractDevice) -> RuleSet:
        """All rules a device is filled with; override to leave out what a device declares it cannot do."""
        return samples.full(device.ports)

    async def fill(self, driver: Driver, device: ContractDevice) -> RuleSet:
        rules = self.full(device)
        await driver.commit(adds(*rules))
        await driver.confirm()
        return rules

    # ── capabilities and reading ─────────────────────────────────────────────────────────────────

    def test_payload_and_capabilities(self, device: ContractDevice) -> None:
        async def use(driver: Driver) -> Capabilities:
            return await driver.capabilities()

        capabilities = self.run(device, use)
        assert self.driver.payload == "rules"
        assert capabilities.tables >= 6
        assert {"indirect", "ff"} <= capabilities.groups
        assert capabilities.meters > 0
        assert capabilities.description

    def test_empty_device(self, device: ContractDevice) -> None:
        async def use(driver: Driver) -> None:
            observed = await driver.observe()
            assert_rules(observed.rules, RuleSet())
            assert observed.foreign == 0

        self.run(device, use)

    # ── writing ──────────────────────────────────────────────────────────────────────────────────

    def test_add_and_read_back(self, device: ContractDevice) -> None:
        async def use(driver: Driver) -> None:
            rules = await self.fill(driver, device)
            assert_rules((await driver.observe()).rules, rules)

        self.run(device, use)

    def test_a_new_session_reads_the_same(self, device: ContractDevice) -> None:
        async def fill(driver: Driver) -> RuleSet:
            return await self.fill(driver, device)

        async def look(driver: Driver) -> RuleSet:
            return (await driver.observe()).rules

        rules = self.run(device, fill)
        assert_rules(self.run(device, look), rules)

    def test_modify(self, device: ContractDevice) -> None:
        meter, (bare, link, trunk) = samples.meter(), samples.groups(device.ports)
        flow = next(item for item in samples.flows(device.ports) if item.table == 1)
        new_meter = samples.meter(16_000)
        new_trunk = replace(
            trunk,
            buckets=(
                replace(trunk.buckets[0], actions=(*trunk.buckets[0].actions[:-1], bare.buckets[0].actions[-1])),
            ),
        )
        new_flow = replace(flow, cookie=samples.cookie(1, 77), actions=(), goto=3)

        async def use(driver: Driver) -> None:
            await driver.commit(adds(meter, bare, link, trunk, flow))
            await driver.confirm()
            await driver.commit([modify(meter, new_meter), modify(trunk, new_trunk), modify(flow, new_flow)])
            await driver.confirm()
            assert_rules((await driver.observe()).rules, RuleSet.of((new_meter, bare, link, new_trunk, new_flow)))

        self.run(device, use)

    def test_delete_exactly(self, device: ContractDevice) -> None:
        """A deletion is strict: the rule of the same match at another priority stays."""
        flow = samples.classify(device.ports[2])
        other = replace(flow, priority=flow.priority + 1)
        wider = replace(flow, match=Match.of(in_port=device.ports[2]))

        async def use(driver: Driver) -> None:
            await driver.commit(adds(flow, other, wider))
            await driver.commit(deletes(wider))
            assert_rules((await driver.observe()).rules, RuleSet.of((flow, other)))
            await driver.commit(deletes(flow))
            assert_rules((await driver.observe()).rules, RuleSet.of((other,)))
            await driver.confirm()

        self.run(device, use)

    def test_delete_everything(self, device: ContractDevice) -> None:
        async def use(driver: Driver) -> None:
            rules = await self.fill(driver, device)
            await driver.commit(deletes(*reversed(list(rules))))
            await driver.confirm()
            assert_rules((await driver.observe()).rules, RuleSet())

        self.run(device, use)

    def test_deleting_what_is_gone_is_no_error(self, device: ContractDevice) -> None:
        """A resumed apply deletes again what a killed one had deleted."""
        flow, group, meter = samples.classify(device.ports[2]), samples.groups(device.ports)[0], samples.meter()

        async def use(driver: Driver) -> None:
            await driver.commit(deletes(flow, group, meter))
            await driver.confirm()
            assert_rules((await driver.observe()).rules, RuleSet())

        self.run(device, use)

    def test_order_is_kept(self, device: ContractDevice) -> None:
        """Later changes of one commit see the earlier ones."""
        flow = samples.classify(device.ports[2])
        newer = replace(flow, cookie=samples.cookie(1, 9), metadata=(9, samples.LOW32))
        bare = samples.groups(device.ports)[0]
        other = samples.groups(device.ports[1:])[0]

        async def use(driver: Driver) -> None:
            await driver.commit([*adds(flow), *deletes(flow), *adds(newer, bare), modify(bare, other)])
            await driver.confirm()
            assert_rules((await driver.observe()).rules, RuleSet.of((newer, other)))
            await driver.commit([*deletes(newer), *adds(flow), *deletes(other), *adds(bare)])
            await driver.confirm()
            assert_rules((await driver.observe()).rules, RuleSet.of((flow, bare)))

        self.run(device, use)

    def test_adding_a_flow_again_replaces_it(self, device: ContractDevice) -> None:
        flow = samples.classify(device.ports[2])
        newer = replace(flow, cookie=samples.cookie(1, 9), metadata=(9, samples.LOW32))

        async def use(driver: Driver) -> None:
            await driver.commit(adds(flow, newer))
            await driver.confirm()
            assert_rules((await driver.observe()).rules, RuleSet.of((newer,)))

        self.run(device, use)

    def test_an_empty_commit(self, device: ContractDevice) -> None:
        async def use(driver: Driver) -> None:
            await driver.prepare([])
            await driver.commit([])
            await driver.confirm()
            assert_rules((await driver.observe()).rules, RuleSet())

        self.run(device, use)

    # ── ownership ────────────────────────────────────────────────────────────────────────────────

    def test_foreign_rules_are_counted_and_stay(self, device: ContractDevice) -> None:
        device.add_foreign()
        before = device.foreign()

        async def use(driver: Driver) -> None:
            observed = await driver.observe()
            assert_rules(observed.rules, RuleSet())
            assert observed.foreign >= 3
            rules = await self.fill(driver, device)
            assert all(map(is_ours, rules))
            filled = await driver.observe()
            assert_rules(filled.rules, rules)
            assert filled.foreign == observed.foreign
            await driver.commit(deletes(*reversed(list(rules))))
            await driver.revert()
            await driver.commit(deletes(*reversed(list(rules))))
            await driver.confirm()
            assert (await driver.observe()).foreign == observed.foreign

        self.run(device, use)
        assert device.foreign() == before

    # ── refusals ─────────────────────────────────────────────────────────────────────────────────

    def refused_changes(self, device: ContractDevice) -> Sequence[tuple[str, Change]]:
        """Changes that every switch refuses, by name; `bare` and `flow` of the samples are present."""
        bare, link, _ = samples.groups(device.ports)
        flow = next(item for item in samples.flows(device.ports) if item.table == 3)
        return (
            ("group exists", Change(Op.ADD, bare)),
            ("group unknown", modify(link, link)),
            ("meter unknown", modify(samples.meter(), samples.meter(16_000))),
            ("flow's meter unknown", Change(Op.ADD, replace(flow, priority=7, meter=samples.METER + 5))),
            ("goto backwards", Change(Op.ADD, replace(flow, priority=8, actions=(), goto=2))),
        )

    def test_refusal_names_the_change_and_leaves_nothing(self, device: ContractDevice) -> None:
        bare = samples.groups(device.ports)[0]
        flow = samples.classify(device.ports[2])
        good_flow = replace(flow, priority=201)
        good_group = replace(bare, id=bare.id + 7)
        good_meter = Meter(samples.METER + 1, 1_000, 100)

        async def use(driver: Driver) -> None:
            await driver.commit(adds(bare, flow))
            await driver.confirm()
            for label, change in self.refused_changes(device):
                changes = [*adds(good_meter, good_group, good_flow), *deletes(flow), change]
                with pytest.raises(DeviceRefused) as caught:
                    await driver.commit(changes)
                self.check_refusal(caught.value, device, rule_name(change.rule))
                observed = (await driver.observe()).rules
                assert observed == RuleSet.of((bare, flow)), f"{label}: {format_rules(observed)}"
                await driver.revert()
                assert_rules((await driver.observe()).rules, RuleSet.of((bare, flow)))

        self.run(device, use)

    def test_prepare_has_no_effect(self, device: ContractDevice) -> None:
        async def use(driver: Driver) -> None:
            await driver.prepare(adds(*self.full(device)))
            assert_rules((await driver.observe()).rules, RuleSet())

        self.run(device, use)

    # ── confirm and revert ───────────────────────────────────────────────────────────────────────

    def test_revert_goes_back_to_the_last_confirmed_state(self, device: ContractDevice) -> None:
        flow = samples.classify(device.ports[2])
        changed = replace(flow, metadata=(5, samples.LOW32))
        extra = samples.classify(device.ports[2], demand=3, vlan=300)
        meter, (bare, *_) = samples.meter(), samples.groups(device.ports)
        other = samples.groups(device.ports[1:])[0]
        metered = next(item for item in samples.flows(device.ports) if item.meter)

        async def use(driver: Driver) -> None:
            await driver.commit(adds(meter, bare, flow, metered))
            await driver.confirm()
            await driver.commit([modify(flow, changed), modify(bare, other), *adds(extra)])
            await driver.commit(deletes(extra, metered, meter))
            await driver.revert()
            assert_rules((await driver.observe()).rules, RuleSet.of((meter, bare, flow, metered)))
            await driver.revert()  # nothing is pending: nothing happens
            assert_rules((await driver.observe()).rules, RuleSet.of((meter, bare, flow, metered)))

        self.run(device, use)

    def test_revert_restores_what_a_deletion_took_along(self, device: ContractDevice) -> None:
        """Deleting a group or a meter deletes the flows that use it; revert brings those back too."""
        meter, (bare, *_) = samples.meter(), samples.groups(device.ports)
        metered = next(item for item in samples.flows(device.ports) if item.meter)
        grouped = next(item for item in samples.flows(device.ports) if item.cookie == samples.cookie(2, 1_002))

        async def use(driver: Driver) -> None:
            await driver.commit(adds(meter, bare, metered, grouped))
            await driver.confirm()
            await driver.commit(deletes(bare, meter))
            assert_rules((await driver.observe()).rules, RuleSet())
            await driver.revert()
            assert_rules((await driver.observe()).rules, RuleSet.of((meter, bare, metered, grouped)))

        self.run(device, use)

    def test_confirmed_is_permanent(self, device: ContractDevice) -> None:
        flow = samples.classify(device.ports[2])

        async def use(driver: Driver) -> None:
            await driver.commit(adds(flow))
            await driver.confirm()
            await driver.revert()
            assert_rules((await driver.observe()).rules, RuleSet.of((flow,)))

        self.run(device, use)

    # ── unreachable ──────────────────────────────────────────────────────────────────────────────

    def test_commit_to_a_lost_device(self, device: ContractDevice) -> None:
        flow = samples.classify(device.ports[2])

        async def use(driver: Driver) -> None:
            device.cut()
            try:
                with pytest.raises(DeviceUnreachable) as caught:
                    await driver.commit(adds(flow))
                self.check_refusal(caught.value, device, device.target.device)
                with pytest.raises(DeviceUnreachable):
                    await driver.observe()
            finally:
                device.restore()

        async def look(driver: Driver) -> None:
            assert_rules((await driver.observe()).rules, RuleSet())
            await driver.commit(adds(flow))
            await driver.confirm()
            assert_rules((await driver.observe()).rules, RuleSet.of((flow,)))

        self.run(device, use)
        self.run(device, look)

    # ── counters ─────────────────────────────────────────────────────────────────────────────────

    def test_flow_counters_are_by_table_and_cookie(self, device: ContractDevice) -> None:
        async def use(driver: Driver) -> None:
            rules = await self.fill(driver, device)
            counters = await driver.counters()
            expected = {(flow.table, flow.cookie) for flow in rules.flows.values()}
            assert expected <= set(counters.flows)
            assert all(counters.flows[key] == 0 for key in expected)

        self.run(device, use)

    def test_packets_are_counted(self, device: ContractDevice) -> None:
        flow = Flow(0, 10, Match.of(in_port=device.ports[0]), samples.cookie(5, 1))
        frame = bytes.fromhex("020000000002 020000000001 88b5") + bytes(46)

        async def use(driver: Driver) -> int:
            await driver.commit(adds(flow))
            await driver.confirm()
            for _ in range(3):
                if not device.send(device.ports[0], frame):
                    pytest.skip("this device cannot be sent packets in the test")
            count = 0
            for _ in range(40):  # a datapath's counters may lag by some seconds
                count = (await driver.counters()).flows.get((0, flow.cookie), 0)
                if count >= 3:
                    break
                await asyncio.sleep(0.1)
            return count

        assert self.run(device, use) == 3
