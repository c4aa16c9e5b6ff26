"""Somebody else at a netconfd: sessions over its own socket, with no code of the driver."""

from __future__ import annotations

import contextlib
import os
import re
import select
import subprocess
import time
from pathlib import Path
from xml.etree import ElementTree

ACCOUNT, UID, GID = "sdnctl-test", 65_533, 65_534
BASE = "urn:ietf:params:xml:ns:netconf:base:1.0"
INTERFACES = "urn:ietf:params:xml:ns:yang:ietf-interfaces"
HEAD = (
    f'<interfaces xmlns="{INTERFACES}" xmlns:nc="{BASE}" xmlns:ianaift="urn:ietf:params:xml:ns:yang:iana-if-type">'
)
"""How an edit of interfaces begins; it ends with ``</interfaces>``."""

NUDGE = 0.3  # seconds


class Refused(Exception):
    """An <rpc-error> that the outside world got."""


class Outside:
    """One session of somebody else, over `netconf-subsystem` and the socket that netconfd listens on."""

    def __init__(self, socket: Path, port: int, home: Path) -> None:
        self._process = subprocess.Popen(
            ["/usr/sbin/netconf-subsystem", f"--ncxserver-sockname={port}@{socket}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={
                "SSH_CONNECTION": f"127.0.0.1 9 127.0.0.1 {port}",
                "USER": ACCOUNT,
                "HOME": str(home),
            },
            user=UID,
            group=GID,
            extra_groups=[],
        )
        self._rest = b""
        self._nudged = True  # there is nothing to begin before the hellos
        said = "".join(f"<capability>urn:ietf:params:netconf:base:1.{minor}</capability>" for minor in (0, 1))
        self._write(f'<hello xmlns="{BASE}"><capabilities>{said}</capabilities></hello>'.encode() + b"]]>]]>")
        hello = self._read(b"]]>]]>")
        self._nudged = False
        self.session = hello.partition("<session-id>")[2].partition("<")[0]

    def rpc(self, operation: str) -> str:
        """One request, for example ``<discard-changes/>``; the reply, or Refused."""
        request = f'<rpc xmlns="{BASE}" message-id="1">{operation}</rpc>'.encode()
        self._write(
            b"#%d\n%b" % (len(request), request) if self._nudged else b"\n#%d\n%b" % (len(request), request)
        )
        self._nudged = False
        # The end goes out by itself: netconfd sometimes waits for more after it has read two messages at once.
        time.sleep(0.001)
        self._write(b"\n##\n")
        reply = re.sub(r"\n#[0-9]+\n", "", self._read(b"\n##\n")).strip()
        if "<rpc-error>" in reply:
            raise Refused(" ".join(reply.split()))
        return reply

    def edit(self, config: str) -> None:
        self.rpc(f"<edit-config><target><candidate/></target><config>{config}</config></edit-config>")

    def commit(self, config: str) -> None:
        self.edit(config)
        self.rpc("<commit/>")

    def interfaces(self, source: str = "running") -> dict[str, ElementTree.Element]:
        """Every interface of a datastore by name."""
        reply = self.rpc(
            f"<get-config><source><{source}/></source>"
            f'<filter type="subtree"><interfaces xmlns="{INTERFACES}"/></filter></get-config>'
        )
        found = ElementTree.fromstring(reply).iter(f"{{{INTERFACES}}}interface")
        return {str(entry.findtext(f"{{{INTERFACES}}}name")): entry for entry in found}

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._process.stdin.close()  # type: ignore[union-attr]
        self._process.stdout.close()  # type: ignore[union-attr]
        self._process.terminate()
        self._process.wait()

    def _write(self, data: bytes) -> None:
        self._process.stdin.write(data)  # type: ignore[union-attr]
        self._process.stdin.flush()  # type: ignore[union-attr]

    def _read(self, end: bytes) -> str:
        """Text up to the end of a message; where none comes, the first octet of the next message goes out."""
        descriptor = self._process.stdout.fileno()  # type: ignore[union-attr]
        while end not in self._rest:
            if not self._nudged and not select.select([descriptor], [], [], NUDGE)[0]:
                self._write(b"\n")
                self._nudged = True
            assert select.select([descriptor], [], [], 10)[0], "netconfd does not answer"
            data = os.read(descriptor, 65_536)
            if not data:
                raise ConnectionError("netconfd closed the session")
            self._rest += data
        message, _, self._rest = self._rest.partition(end)
        return message.decode()
