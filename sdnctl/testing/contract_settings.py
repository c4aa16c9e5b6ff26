"""The contract that every driver of switch settings passes, as tests to inherit (see `contract`)."""

from __future__ import annotations

import pytest

from sdnctl.dataplane.values import PortSettings, Queue, SwitchSettings
from sdnctl.errors import DeviceUnreachable
from sdnctl.plan.model import SettingsChange
from sdnctl.southbound.base import Capabilities, Driver
from sdnctl.testing.contract import ContractBase
from sdnctl.testing.device import ContractDevice

QUEUES = (Queue(0, 1_000_000, 100_000_000, 2), Queue(1, 10_000_000, 100_000_000, 0))


class SettingsDriverContract(ContractBase):
    """For drivers whose payload is settings. A port's None and () mean "leave alone"."""

    def wanted(self, device: ContractDevice, capabilities: Capabilities) -> SwitchSettings:
        """Settings on two ports, of what the device declares it can do."""
        first = PortSettings(
            bfd_interval_ms=100 if capabilities.bfd else None, queues=QUEUES if capabilities.queues else ()
        )
        second = PortSettings(bfd_interval_ms=200 if capabilities.bfd else None)
        return SwitchSettings("secure", {device.ports[0]: first, device.ports[1]: second})

    async def observe(self, driver: Driver) -> SwitchSettings:
        settings = (await driver.observe()).settings
        assert settings is not None, "a settings driver reports settings"
        return settings

    async def make(self, driver: Driver, settings: SwitchSettings) -> None:
        await driver.commit([SettingsChange(settings, before=await self.observe(driver))])

    def assert_has(self, observed: SwitchSettings, wanted: SwitchSettings) -> None:
        """What is wanted must be there; what is not asked for may be anything."""
        assert observed.fail_mode == wanted.fail_mode
        for number, port in wanted.ports.items():
            have = observed.ports.get(number, PortSettings())
            if port.bfd_interval_ms is not None:
                assert have.bfd_interval_ms == port.bfd_interval_ms, f"port {number}"
            if port.queues:
                assert have.queues == port.queues, f"port {number}"

    def test_payload_and_capabilities(self, device: ContractDevice) -> None:
        async def use(driver: Driver) -> None:
            assert (await driver.capabilities()).description

        assert self.driver.payload == "settings"
        self.run(device, use)

    def test_empty_device(self, device: ContractDevice) -> None:
        async def use(driver: Driver) -> None:
            observed = await driver.observe()
            assert observed.settings is not None
            assert len(observed.rules) == 0
            for number in device.ports:
                port = observed.settings.ports.get(number, PortSettings())
                assert port == PortSettings(), f"port {number}"

        self.run(device, use)

    def test_set_and_read_back(self, device: ContractDevice) -> None:
        async def use(driver: Driver) -> SwitchSettings:
            wanted = self.wanted(device, await driver.capabilities())
            await self.make(driver, wanted)
            await driver.confirm()
            self.assert_has(await self.observe(driver), wanted)
            return wanted

        async def look(driver: Driver) -> SwitchSettings:
            return await self.observe(driver)

        wanted = self.run(device, use)
        self.assert_has(self.run(device, look), wanted)

    def test_setting_twice_changes_nothing(self, device: ContractDevice) -> None:
        async def use(driver: Driver) -> None:
            wanted = self.wanted(device, await driver.capabilities())
            await self.make(driver, wanted)
            await driver.confirm()
            before = await self.observe(driver)
            await self.make(driver, wanted)
            await driver.confirm()
            assert await self.observe(driver) == before

        self.run(device, use)

    def test_what_is_not_named_is_left_alone(self, device: ContractDevice) -> None:
        async def use(driver: Driver) -> None:
            wanted = self.wanted(device, await driver.capabilities())
            await self.make(driver, wanted)
            await driver.confirm()
            await self.make(driver, SwitchSettings(wanted.fail_mode, {device.ports[0]: PortSettings()}))
            await driver.confirm()
            self.assert_has(await self.observe(driver), wanted)

        self.run(device, use)

    def test_fail_mode(self, device: ContractDevice) -> None:
        async def use(driver: Driver) -> None:
            for mode in ("standalone", "secure"):
                settings = SwitchSettings("standalone" if mode == "standalone" else "secure")
                await self.make(driver, settings)
                await driver.confirm()
                assert (await self.observe(driver)).fail_mode == mode

        self.run(device, use)

    def test_prepare_has_no_effect(self, device: ContractDevice) -> None:
        async def use(driver: Driver) -> None:
            before = await self.observe(driver)
            wanted = self.wanted(device, await driver.capabilities())
            await driver.prepare([SettingsChange(wanted, before=before)])
            assert await self.observe(driver) == before

        self.run(device, use)

    def test_revert_goes_back_to_the_last_confirmed_state(self, device: ContractDevice) -> None:
        async def use(driver: Driver) -> None:
            start = await self.observe(driver)
            wanted = self.wanted(device, await driver.capabilities())
            await self.make(driver, wanted)
            await driver.revert()
            assert await self.observe(driver) == start
            await self.make(driver, wanted)
            await driver.confirm()
            await driver.revert()
            self.assert_has(await self.observe(driver), wanted)

        self.run(device, use)

    def test_foreign_settings_stay(self, device: ContractDevice) -> None:
        device.add_foreign()
        before = device.foreign()

        async def use(driver: Driver) -> None:
            await self.make(driver, self.wanted(device, await driver.capabilities()))
            await driver.revert()
            await self.make(driver, self.wanted(device, await driver.capabilities()))
            await driver.confirm()

        self.run(device, use)
        assert device.foreign() == before

    def test_commit_to_a_lost_device(self, device: ContractDevice) -> None:
        async def use(driver: Driver) -> None:
            wanted = self.wanted(device, await driver.capabilities())
            before = await self.observe(driver)
            device.cut()
            try:
                with pytest.raises(DeviceUnreachable) as caught:
                    await driver.commit([SettingsChange(wanted, before=before)])
                self.check_refusal(caught.value, device, device.target.device)
            finally:
                device.restore()

        self.run(device, use)
