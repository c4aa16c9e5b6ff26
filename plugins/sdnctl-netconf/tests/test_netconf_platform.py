"""A platform of the operator's own at a real netconfd, without code."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from sdnctl_netconf import NetconfDriver
from sdnctl_netconf.testing.netconfd import Netconfd
from sdnctl_netconf.testing.outside import INTERFACES
from sdnctl_netconf.testing.samples import WANTED, described

from sdnctl.errors import DeviceRefused
from sdnctl.testing.attachments import adds
from sdnctl.testing.driving import drive

pytestmark = pytest.mark.servers("netconfd", "netconf-subsystem", "sshd", "unshare", root=True)

use = partial(drive, NetconfDriver)


TOWN = f"""<platform xmlns="urn:sdnctl:netconf:platform" xmlns:p="urn:sdnctl:netconf:platform">
  <attachment>
    <interfaces xmlns="{INTERFACES}" xmlns:ianaift="urn:ietf:params:xml:ns:yang:iana-if-type">
      <interface p:entry="yes">
        <name p:key="yes">town-{{port}}</name>
        <description>{{description}}</description>
        <type>ianaift:l2vlan</type>
        <attachment xmlns="urn:sdnctl:yang:attachments">
          <port>{{port}}</port><uplink>{{uplink}}</uplink><tag>{{tag}}</tag>
          <policer><rate>{{rate/1000}}</rate></policer>
        </attachment>
      </interface>
    </interfaces>
  </attachment>
  <port>
    <interfaces xmlns="{INTERFACES}">
      <interface p:entry="yes" p:plain="type enabled description"><name>{{port}}</name></interface>
    </interfaces>
  </port>
</platform>"""


def test_a_platform_of_the_operators_own(server: Netconfd, tmp_path: Path) -> None:
    (tmp_path / "town.xml").write_text(TOWN)
    plain = replace(WANTED[0], priority=None, burst=None)

    async def work(driver: NetconfDriver) -> None:
        able = await driver.capabilities()
        assert (able.policers, able.marking, able.translation) == (True, False, False)
        await driver.commit(adds(plain))
        await driver.confirm()
        assert (await driver.observe()).attachments == {plain.key: plain}
        for wanted, code, word in (
            (replace(plain, priority=1), "device-cannot", "marking"),
            (replace(plain, vlan=20), "device-cannot", "vlans"),
            (replace(plain, rate=2_000_500), "device-refused", "no multiple of 1000"),
        ):
            with pytest.raises(DeviceRefused) as caught:
                await driver.prepare(adds(wanted))
            described(caught.value, code, word)
        ports = {port.name: port.up for port in (await driver.counters()).ports.values()}
        assert ports == dict.fromkeys(("eth1", "eth2", "eth3", "eth4", "eth9"), True)

    use(server.target(platform="town", templates=str(tmp_path)), work)
    entry = server.outside.interfaces()["town-eth1"]
    assert entry.findtext(".//{urn:sdnctl:yang:attachments}rate") == "2000"
