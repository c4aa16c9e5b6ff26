"""The application among others: an operator's own, drivers that talk nonsense, switches that die."""

from __future__ import annotations

import asyncio
import json
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ovs_fixture import PrivateSwitch, wait_until
from sdnctl_ryu.driver import RyuDriver

from sdnctl.dataplane.values import Flow, Match, RuleSet
from sdnctl.errors import DeviceUnreachable
from sdnctl.plan.model import Change, Op
from sdnctl.southbound.base import Target
from sdnctl.testing import samples

pytestmark = pytest.mark.ovs

DPID = 0x5D9E01


@pytest.fixture
def bridge(switch: PrivateSwitch, native: Any) -> Iterator[Target]:
    switch.add_bridge("one", DPID)
    switch.set_controller("one", f"tcp:127.0.0.1:{native.port}")
    wait_until(lambda: native.knows(DPID), "the bridge dialling in")
    yield Target("pop-one", f"unix:{native.path}", DPID)
    switch.vsctl("--timeout=15", "del-br", "one")


def say(path: Path, *lines: bytes) -> list[dict[str, Any]]:
    """Replies to lines, none of which is followed by octets."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(10)
        client.connect(str(path))
        with client.makefile("rb") as replies:
            found = []
            for text in lines:
                client.sendall(text + b"\n")
                found.append(json.loads(replies.readline()))
            return found


def test_drivers_that_talk_nonsense(native: Any, bridge: Target) -> None:
    """Each gets an answer, and the next one is served."""
    nonsense = [b"", b"{", b"[]", b"{}", b'{"do":"read","what":"flows"}', b'{"do":"hello","version":2,"dpid":1}']
    hello = json.dumps({"do": "hello", "version": 1, "dpid": DPID}).encode()
    wrong = [
        b'{"do":"read","what":"weather"}',
        b'{"do":"dance"}',
        b'{"do":"write","bundle":null,"changes":7}',
        b'{"do":"write","bundle":null,"changes":[["add",{"flow":{"table":-1}}]]}',
        b'{"do":"write","changes":[]}',
    ]
    replies = say(native.path, *nonsense, hello, *wrong)
    assert [reply.get("error") for reply in replies] == ["bad-request"] * 6 + [None] + ["bad-request"] * 5
    assert native.knows(DPID)


def test_only_its_user_may_open_the_socket(native: Any) -> None:
    assert stat.S_IMODE(native.path.stat().st_mode) == 0o600


def test_a_second_application_does_not_take_the_socket_away(native: Any) -> None:
    command = [sys.executable, "-c", f"from sdnctl_ryu.app import listen; listen({str(native.path)!r})"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    assert "another application already serves" in done.stderr
    assert native.path.exists()


def test_a_switch_that_dies_while_it_is_asked(switch: PrivateSwitch, bridge: Target) -> None:
    async def main() -> None:
        driver = await RyuDriver.open(bridge)
        try:
            switch.freeze()
            try:
                asked = asyncio.create_task(driver.observe())
                await asyncio.sleep(0.3)
                assert not asked.done()
            finally:
                switch.kill()
            with pytest.raises(DeviceUnreachable, match="pop-one"):
                async with asyncio.timeout(10):
                    await asked
        finally:
            await driver.close()

    try:
        asyncio.run(main())
    finally:
        switch.start()


def test_on_eventlet(switch: PrivateSwitch, eventlet: Any) -> None:
    """The hub that Ryu has; the whole contract runs on it with --soak."""
    dpid = DPID + 2
    switch.add_bridge("three", dpid)
    switch.set_controller("three", f"tcp:127.0.0.1:{eventlet.port}")
    wait_until(lambda: eventlet.knows(dpid), "the bridge dialling in")
    rules = samples.full((1, 2, 3))

    async def main() -> None:
        driver = await RyuDriver.open(Target("pop-three", f"unix:{eventlet.path}", dpid))
        try:
            await driver.commit([Change(Op.ADD, rule) for rule in rules])
            assert (await driver.observe()).rules == rules
            await driver.revert()
            assert (await driver.observe()).rules == RuleSet()
        finally:
            await driver.close()

    asyncio.run(main())
    switch.vsctl("--timeout=15", "del-br", "three")


def test_beside_an_operators_own_application(
    switch: PrivateSwitch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, started: Any
) -> None:
    """Its rule is foreign and stays, and its packets still reach it, before and after rules of ours."""
    seen = tmp_path / "packets"
    monkeypatch.setenv("OPERATORS_FILE", str(seen))
    folder = switch.folder / "operator"
    folder.mkdir()
    dpid = DPID + 1
    frame = bytes.fromhex("020000000002 020000000001 88b5") + bytes(46)
    with started(folder, "native", "--applications", "operators_app") as application:
        switch.add_bridge("two", dpid)
        switch.set_controller("two", f"tcp:127.0.0.1:{application.port}")
        wait_until(lambda: "cookie=0xaa" in switch.ofctl("dump-flows", "two"), "the operator's rule")

        async def main() -> None:
            driver = await RyuDriver.open(Target("pop-two", f"unix:{application.path}", dpid))
            try:
                observed = await driver.observe()
                assert [flow.cookie for flow in observed.others] == [0xAA]
                flow = Flow(0, 10, Match.of(in_port=1), samples.cookie(5, 1))
                await driver.commit([Change(Op.ADD, flow)])
                await driver.confirm()
                switch.receive("two", 1, frame)
                observed = await driver.observe()
                assert observed.rules == RuleSet.of((flow,))
                assert observed.foreign == 1
            finally:
                await driver.close()

        asyncio.run(main())
        wait_until(lambda: seen.exists() and seen.read_text() == "1\n", "the packet at the operator's application")
        switch.vsctl("--timeout=15", "del-br", "two")
