"""The contract of drivers of attachments, on a real netconfd behind a real sshd."""

from __future__ import annotations

from collections.abc import Hashable
from xml.etree import ElementTree

import pytest
from sdnctl_netconf import NetconfDriver
from sdnctl_netconf.testing.netconfd import PASSWORD, PORTS, UPLINK, WRONG, Netconfd
from sdnctl_netconf.testing.outside import HEAD, INTERFACES

from sdnctl.southbound.base import Target
from sdnctl.testing.contract_attachments import AttachmentDriverContract
from sdnctl.testing.device import AttachmentDevice

pytestmark = pytest.mark.servers("netconfd", "netconf-subsystem", "sshd", "unshare", root=True)


class NetconfdDevice(AttachmentDevice):
    """netconfd with five interfaces; the outside world has a session of its own."""

    ports = PORTS[:3]
    busy = PORTS[3]
    uplink = UPLINK
    secrets = (PASSWORD, WRONG)

    def __init__(self, server: Netconfd) -> None:
        self._server = server
        self.target = server.target()

    def add_foreign(self) -> None:
        self._server.outside.commit(
            f"{HEAD}<interface><name>{self.busy}</name><description>printer, room 12</description></interface>"
            "<interface><name>eth9.300</name><description>management</description><type>ianaift:l2vlan</type>"
            '<attachment xmlns="urn:sdnctl:yang:attachments"><port>eth4</port><uplink>eth9</uplink><tag>300</tag>'
            "</attachment></interface></interfaces>"
        )

    def foreign(self) -> Hashable:
        found = self._server.outside.interfaces()
        return tuple(
            (name, ElementTree.tostring(entry).strip())
            for name, entry in sorted(found.items())
            if not (entry.findtext(f"{{{INTERFACES}}}description") or "").startswith("sdnctl ")
        )

    def take_away(self, port: str) -> None:
        ours = [name for name in self._server.outside.interfaces() if name.startswith(f"{port}.")]
        assert ours
        entries = (f'<interface nc:operation="delete"><name>{name}</name></interface>' for name in ours)
        self._server.outside.commit(f"{HEAD}{''.join(entries)}</interfaces>")

    def cut(self) -> None:
        self._server.door.shut()

    def restore(self) -> None:
        self._server.door.open()

    def wrong_credentials(self) -> Target:
        return self._server.target(password=f"file:{self._server.folder}/wrong")


class TestNetconf(AttachmentDriverContract):
    driver = NetconfDriver

    @pytest.fixture
    def device(self, server: Netconfd) -> AttachmentDevice:
        return NetconfdDevice(server)
