"""The contract that every driver of attachments passes, as tests to inherit (see `contract`).

    class TestMyDriver(AttachmentDriverContract):
        driver = MyDriver

        @pytest.fixture
        def device(self, tmp_path):
            with my_empty_device(tmp_path) as device:   # an AttachmentDevice
                yield device

What it demands: `observe` reads from the running configuration what `commit` made, with its owner; a commit
happens as a whole or not at all, and what was never confirmed goes away; foreign configuration stays, and a port
that has some is refused by name; what the driver does not declare it refuses; no error shows a secret.
"""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from sdnctl.dataplane.attachment import Attachment
from sdnctl.errors import DeviceError, DeviceRefused, DeviceUnreachable
from sdnctl.plan.model import AttachmentChange
from sdnctl.southbound.base import Capabilities, Driver
from sdnctl.testing.attachments import Held, adds, deletes, keep, keyed, modify, observed
from sdnctl.testing.contract import ContractBase
from sdnctl.testing.device import AttachmentDevice, TestedDevice
from sdnctl.testing.driving import drive, with_options
from sdnctl.testing.secrets import assert_hidden

RATE, BURST, PRIORITY = 2_000_000, 25_000, 5


class AttachmentDriverContract(ContractBase):
    """For drivers whose payload is attachments."""

    def sample(
        self, device: AttachmentDevice, able: Capabilities, index: int = 0, vlan: int | None = None
    ) -> Attachment:
        """An attachment on one of the device's ports, with everything that the driver declares it can do."""
        return Attachment(
            port=device.ports[index],
            uplink=device.uplink,
            tag=101 + index * 10 + (vlan or 0) % 10,
            endpoint=f"school-{index + 1}" + (f"-{vlan}" if vlan is not None else ""),
            vlan=vlan,
            rate=RATE * (index + 1) if able.policers else None,
            burst=BURST if able.policers else None,
            priority=PRIORITY if able.marking else None,
        )

    async def make(self, driver: Driver, *changes: AttachmentChange) -> None:
        await driver.prepare(changes)
        await keep(driver, *changes)

    def held_now(self, device: AttachmentDevice) -> Held:
        """What a new session reads."""
        return self.run(device, observed)

    def check_refusal(self, error: DeviceError, device: TestedDevice, name: str) -> None:
        super().check_refusal(error, device, name)
        assert_hidden(error, device.secrets if isinstance(device, AttachmentDevice) else ())

    # ── reading and changing ─────────────────────────────────────────────────────────────────────

    def test_payload_and_capabilities(self, device: AttachmentDevice) -> None:
        async def use(driver: Driver) -> None:
            assert (await driver.capabilities()).description

        assert self.driver.payload == "attachments"
        self.run(device, use)

    def test_empty_device(self, device: AttachmentDevice) -> None:
        assert self.held_now(device) == {}

    def test_add_and_read_back(self, device: AttachmentDevice) -> None:
        async def use(driver: Driver) -> Attachment:
            wanted = self.sample(device, await driver.capabilities())
            await self.make(driver, *adds(wanted))
            assert await observed(driver) == keyed(wanted)
            return wanted

        wanted = self.run(device, use)
        assert self.held_now(device) == keyed(wanted), "confirmed, so a new session reads the same"

    def test_the_owner_is_kept(self, device: AttachmentDevice) -> None:
        """The endpoint is read from the device's own description, also one with unusual letters."""

        async def use(driver: Driver) -> None:
            named = replace(self.sample(device, await driver.capabilities()), endpoint="town-hall_2.b/mairie")
            await self.make(driver, *adds(named))

        self.run(device, use)
        assert [one.endpoint for one in self.held_now(device).values()] == ["town-hall_2.b/mairie"]

    def test_several_at_once(self, device: AttachmentDevice) -> None:
        async def use(driver: Driver) -> Held:
            able = await driver.capabilities()
            wanted = [self.sample(device, able, index) for index in range(3)]
            await self.make(driver, *adds(*wanted))
            return keyed(*wanted)

        assert self.run(device, use) == self.held_now(device)

    def test_several_customers_of_one_port(self, device: AttachmentDevice) -> None:
        """By the customer's VLAN, where the driver declares translation; refused where it does not."""

        async def use(driver: Driver) -> Held:
            able = await driver.capabilities()
            tagged = [self.sample(device, able, 0, vlan) for vlan in (21, 22)]
            if not able.translation:
                with pytest.raises(DeviceRefused) as caught:
                    await self.make(driver, *adds(*tagged))
                self.check_refusal(caught.value, device, device.ports[0])
                return {}
            await self.make(driver, *adds(*tagged))
            await self.make(driver, *deletes(tagged[0]))
            await self.make(driver, *adds(tagged[0]))
            return keyed(*tagged)

        assert self.run(device, use) == self.held_now(device)

    def test_modify(self, device: AttachmentDevice) -> None:
        async def use(driver: Driver) -> Held:
            able = await driver.capabilities()
            first, other = self.sample(device, able), self.sample(device, able, 1)
            await self.make(driver, *adds(first, other))
            changed = replace(first, tag=199, endpoint="town-hall")
            await self.make(driver, modify(first, changed))
            assert await observed(driver) == keyed(changed, other)
            return keyed(changed, other)

        assert self.run(device, use) == self.held_now(device)

    def test_delete_exactly(self, device: AttachmentDevice) -> None:
        async def use(driver: Driver) -> Held:
            able = await driver.capabilities()
            wanted = [self.sample(device, able, index) for index in range(3)]
            await self.make(driver, *adds(*wanted))
            await self.make(driver, *deletes(wanted[1]))
            return keyed(wanted[0], wanted[2])

        assert self.run(device, use) == self.held_now(device)

    def test_a_tag_moves_to_another_port(self, device: AttachmentDevice) -> None:
        """Deleted and added in one commit: the device never needs the tag twice."""

        async def use(driver: Driver) -> Held:
            able = await driver.capabilities()
            before = self.sample(device, able)
            after = replace(before, port=device.ports[1])
            await self.make(driver, *adds(before))
            await self.make(driver, *deletes(before), *adds(after))
            return keyed(after)

        assert self.run(device, use) == self.held_now(device)

    def test_adding_again_changes_nothing(self, device: AttachmentDevice) -> None:
        async def use(driver: Driver) -> Held:
            wanted = self.sample(device, await driver.capabilities())
            await self.make(driver, *adds(wanted))
            await self.make(driver, *adds(wanted))
            return keyed(wanted)

        assert self.run(device, use) == self.held_now(device)

    def test_deleting_what_is_gone_is_no_error(self, device: AttachmentDevice) -> None:
        async def use(driver: Driver) -> None:
            wanted = self.sample(device, await driver.capabilities())
            await self.make(driver, *deletes(wanted))
            assert await observed(driver) == {}

        self.run(device, use)

    def test_what_was_removed_by_hand_is_seen_and_repaired(self, device: AttachmentDevice) -> None:
        async def use(driver: Driver) -> None:
            able = await driver.capabilities()
            first, other = self.sample(device, able), self.sample(device, able, 1)
            await self.make(driver, *adds(first, other))
            device.take_away(first.port)
            assert await observed(driver) == keyed(other)
            await self.make(driver, *adds(first))
            assert await observed(driver) == keyed(first, other)

        self.run(device, use)

    def test_an_empty_commit(self, device: AttachmentDevice) -> None:
        async def use(driver: Driver) -> None:
            await self.make(driver)
            assert await observed(driver) == {}

        self.run(device, use)

    # ── what is declared ─────────────────────────────────────────────────────────────────────────

    def test_a_limit_and_a_mark_where_declared(self, device: AttachmentDevice) -> None:
        """A driver that does not declare policers or marking refuses them by name: it never leaves them off."""

        async def use(driver: Driver) -> Held:
            able = await driver.capabilities()
            plain = replace(self.sample(device, able), rate=None, burst=None, priority=None)
            limited, marked = replace(plain, rate=RATE, burst=BURST), replace(plain, priority=PRIORITY)
            await self.make(driver, *adds(plain))
            for can, before, after in ((able.policers, plain, limited), (able.marking, plain, marked)):
                if can:
                    await self.make(driver, modify(before, after))
                    assert await observed(driver) == keyed(after)
                    await self.make(driver, modify(after, before))
                else:
                    with pytest.raises(DeviceRefused) as caught:
                        await self.make(driver, modify(before, after))
                    self.check_refusal(caught.value, device, after.port)
                assert await observed(driver) == keyed(plain)
            return keyed(plain)

        assert self.run(device, use) == self.held_now(device)

    # ── prepare, revert, confirm ─────────────────────────────────────────────────────────────────

    def test_prepare_has_no_effect(self, device: AttachmentDevice) -> None:
        async def use(driver: Driver) -> None:
            wanted = self.sample(device, await driver.capabilities())
            await driver.prepare(adds(wanted))
            assert await observed(driver) == {}

        self.run(device, use)
        assert self.held_now(device) == {}

    def test_revert_goes_back_to_the_last_confirmed_state(self, device: AttachmentDevice) -> None:
        async def use(driver: Driver) -> Held:
            able = await driver.capabilities()
            first, other = self.sample(device, able), self.sample(device, able, 1)
            await driver.commit(adds(first))
            await driver.revert()
            assert await observed(driver) == {}, "an addition is taken back"
            await self.make(driver, *adds(first, other))
            await driver.revert()
            assert await observed(driver) == keyed(first, other), "what was confirmed stays"
            await driver.commit([modify(first, replace(first, tag=199)), *deletes(other)])
            await driver.revert()
            assert await observed(driver) == keyed(first, other), "what was changed and deleted is back"
            return keyed(first, other)

        assert self.run(device, use) == self.held_now(device)

    def test_what_was_never_confirmed_goes_away(self, device: AttachmentDevice) -> None:
        """The session ends between commit and confirm: the device, or the next session, takes it back."""

        async def use(driver: Driver) -> Attachment:
            able = await driver.capabilities()
            first = self.sample(device, able)
            await self.make(driver, *adds(first))
            await driver.commit(adds(self.sample(device, able, 1)))
            return first

        first = self.run(device, use)
        until = time.monotonic() + device.patience
        while (found := self.held_now(device)) != keyed(first) and time.monotonic() < until:
            time.sleep(0.2)
        assert found == keyed(first)

    # ── what is not ours ─────────────────────────────────────────────────────────────────────────

    def test_foreign_configuration_stays(self, device: AttachmentDevice) -> None:
        device.add_foreign()
        before = device.foreign()

        async def use(driver: Driver) -> None:
            able = await driver.capabilities()
            wanted = self.sample(device, able)
            found = await driver.observe()
            assert found.foreign >= 1, "a port of somebody else is counted"
            assert found.attachments == {}
            await driver.commit(adds(wanted))
            await driver.revert()
            assert device.foreign() == before, "after a revert"
            await self.make(driver, *adds(wanted))
            assert device.foreign() == before, "after an addition"
            await self.make(driver, *deletes(wanted))

        self.run(device, use)
        assert device.foreign() == before

    @pytest.mark.parametrize("step", ["prepare", "commit"])
    def test_a_port_in_use_is_refused_by_name(self, device: AttachmentDevice, step: str) -> None:
        """As a whole: what was asked for together with it is not made either."""
        device.add_foreign()
        before = device.foreign()

        async def use(driver: Driver) -> None:
            wanted = self.sample(device, await driver.capabilities())
            changes = adds(wanted, replace(wanted, port=device.busy, tag=150, endpoint="late"))
            with pytest.raises(DeviceRefused) as caught:
                await (driver.prepare(changes) if step == "prepare" else driver.commit(changes))
            self.check_refusal(caught.value, device, device.busy)
            assert "port-in-use" in {found.code for found in caught.value.diagnostics}
            assert await observed(driver) == {}

        self.run(device, use)
        assert self.held_now(device) == {}
        assert device.foreign() == before

    # ── faults ───────────────────────────────────────────────────────────────────────────────────

    def test_commit_to_a_lost_device(self, device: AttachmentDevice) -> None:
        """It is an error in terms of the device, and nothing is half there afterwards."""

        async def use(driver: Driver) -> Held:
            able = await driver.capabilities()
            first, other = self.sample(device, able), self.sample(device, able, 1)
            await self.make(driver, *adds(first))
            device.cut()
            try:
                with pytest.raises(DeviceUnreachable) as caught:
                    await driver.commit(adds(other))
                self.check_refusal(caught.value, device, device.target.device)
            finally:
                device.restore()
            return keyed(first)

        assert self.run(device, use) == self.held_now(device)

    def test_wrong_credentials(self, device: AttachmentDevice) -> None:
        target = device.wrong_credentials()
        if target is None:
            assert not device.secrets, "a device with credentials tells how to get them wrong"
            return

        with pytest.raises(DeviceError) as caught:
            drive(self.driver, target, observed)
        self.check_refusal(caught.value, device, target.device)
        assert "bad-credentials" in {found.code for found in caught.value.diagnostics}

    def test_a_secret_that_is_not_there(self, device: AttachmentDevice) -> None:
        """Every reference to a secret that cannot be followed is an error that names device and option."""
        for option in ("password", "community", "auth_key", "privacy_key"):
            if option in device.target.options:
                missing = with_options(device.target, **{option: "env:SDNCTL_NOBODY_SET_THIS"})
                with pytest.raises(DeviceError) as caught:
                    drive(self.driver, missing, observed)
                self.check_refusal(caught.value, device, option)
                assert "secret-missing" in {found.code for found in caught.value.diagnostics}

    # ── ports ────────────────────────────────────────────────────────────────────────────────────

    def test_ports_have_counters(self, device: AttachmentDevice) -> None:
        async def use(driver: Driver) -> None:
            ports = {port.name: port for port in (await driver.counters()).ports.values()}
            assert {*device.ports, device.uplink} <= ports.keys()
            for name in device.ports:
                assert ports[name].up, name

        self.run(device, use)
