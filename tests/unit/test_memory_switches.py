"""Embedded switches on disk: shared by processes, never torn, honest about what is broken."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from switch_cases import decap, ip

from sdnctl.dataplane.switch import Port
from sdnctl.dataplane.values import ETH_MPLS, Bucket, Flow, Group, GroupType, Match, Meter, Output, RuleSet
from sdnctl.errors import DeviceError, DeviceRefused, DeviceUnreachable, ProtocolError
from sdnctl.plan.model import Change, Op
from sdnctl.southbound.base import Target
from sdnctl.southbound.embedded import Switchboard
from sdnctl.southbound.memory import MemoryDriver
from sdnctl.testing import samples

FRAME = bytes(ip)


@pytest.fixture
def board(tmp_path: Path) -> Switchboard:
    board = Switchboard(tmp_path / "switches")
    board.create("a", {1: Port(), 2: Port(mtu=1600)})
    board.create("b", (1, 2))
    board.wire({("a", 2): ("b", 2)})
    return board


def open_driver(board: Switchboard, device: str = "a", address: str = "") -> MemoryDriver:
    return asyncio.run(MemoryDriver.open(Target(device, address or f"memory:{board.directory}")))


def forward(port: int, number: int = 1) -> Flow:
    return Flow(0, 10, Match.of(in_port=3 - port), samples.cookie(5, number), (Output(port),))


def commit(board: Switchboard, device: str, *rules: Flow | Group | Meter) -> None:
    driver = open_driver(board, device)
    asyncio.run(driver.commit([Change(Op.ADD, rule) for rule in rules]))
    asyncio.run(driver.confirm())


# ── packets through what is on disk ──────────────────────────────────────────────────────────────


def test_the_directory_is_a_fabric(board: Switchboard) -> None:
    commit(board, "a", forward(2))
    commit(board, "b", forward(1))
    fabric = board.fabric()
    assert fabric.inject("a", 1, FRAME).frames == [("b", 1, FRAME)]
    assert fabric.switches["a"].ports[2].mtu == 1600
    board.set_port("a", 2, up=False)
    assert not board.fabric().inject("a", 1, FRAME).delivered


def test_counters_survive_and_add_up(board: Switchboard) -> None:
    commit(board, "a", forward(2))
    for _ in range(2):
        fabric = board.fabric()
        for _ in range(3):
            fabric.inject("a", 1, FRAME)
        board.count(fabric)
        board.count(fabric)  # counted packets are not counted again
    counters = asyncio.run(open_driver(board).counters())
    assert counters.flows == {(0, samples.cookie(5, 1)): 6}
    assert counters.ports[1].rx_packets == counters.ports[2].tx_packets == 6
    assert counters.ports[2].tx_bytes == 6 * len(FRAME)


def test_creating_again_empties(board: Switchboard) -> None:
    commit(board, "a", forward(2))
    board.create("a", (1,))
    assert asyncio.run(open_driver(board).observe()).rules == RuleSet()
    board.remove("a")
    assert board.devices() == ("b",)


@pytest.mark.parametrize("name", ["wires", "a.counters", "x.json", "..", "ünï/cödé", "with space", ".hidden"])
def test_any_name_is_a_switch_of_its_own(board: Switchboard, name: str) -> None:
    board.create(name, (1, 2))
    commit(board, name, forward(2))
    assert set(board.devices()) == {"a", "b", name}
    assert board.read("a").rules == RuleSet()
    assert len(board.read(name).rules) == 1
    assert board.fabric().inject(name, 1, FRAME).frames == [(name, 2, FRAME)]
    assert [path.parent for path in board.directory.parent.rglob("*.json")] == [board.directory] * 3


# ── addresses and reachability ───────────────────────────────────────────────────────────────────


def test_a_switch_may_be_called_otherwise_than_the_device(board: Switchboard) -> None:
    driver = open_driver(board, "pop-gare", f"memory:{board.directory}#b")
    asyncio.run(driver.commit([Change(Op.ADD, forward(1))]))
    assert len(board.read("b").rules) == 1
    board.set_reachable("b", False)
    with pytest.raises(DeviceUnreachable, match="pop-gare"):
        asyncio.run(driver.observe())


@pytest.mark.parametrize("address", ["tcp:127.0.0.1", "memory:/does/not/exist", "memory:"])
def test_wrong_addresses(board: Switchboard, address: str) -> None:
    with pytest.raises(DeviceUnreachable) as caught:
        open_driver(board, "nowhere", address)
    assert "nowhere" in str(caught.value)
    assert caught.value.diagnostics[0].hint


def test_an_unreachable_switch_keeps_forwarding(board: Switchboard) -> None:
    commit(board, "a", forward(2))
    board.set_reachable("a", False)
    with pytest.raises(DeviceUnreachable):
        open_driver(board)
    assert [hop.node for hop in board.fabric().inject("a", 1, FRAME).hops] == ["a", "b"]
    board.set_reachable("a", True)
    open_driver(board)


# ── broken files ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "null", "{}", '{"format": 2}', '{"format": 1, "ports": 3}', b"\xff\xfe"],
)
def test_broken_files_are_told(board: Switchboard, text: str | bytes) -> None:
    path = board.directory / "a.json"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ProtocolError) as caught:
        asyncio.run(open_driver(board).observe())
    assert str(path) in str(caught.value)
    with pytest.raises(DeviceError):
        asyncio.run(open_driver(board).commit([Change(Op.ADD, forward(2))]))
    assert path.read_bytes() == (text if isinstance(text, bytes) else text.encode()), "not overwritten"


def test_broken_counters_and_wires_are_told(board: Switchboard) -> None:
    (board.directory / "a.counters.json").write_text('{"ports": [], "flows": 1}')
    with pytest.raises(ProtocolError):
        asyncio.run(open_driver(board).counters())
    (board.directory / "wires.list").write_text("[]")
    with pytest.raises(ProtocolError):
        board.fabric()


def test_a_fault_inside_rules_says_where(board: Switchboard) -> None:
    commit(board, "a", forward(2))
    path = board.directory / "a.json"
    document = json.loads(path.read_text())
    document["rules"]["flows"][0]["match"]["ipv4_src"] = "10.0.0.300"
    path.write_text(json.dumps(document))
    with pytest.raises(ProtocolError, match=r"flows\[0\]\.match\.ipv4_src"):
        board.read("a")


# ── refusals ─────────────────────────────────────────────────────────────────────────────────────


def test_foreign_rules_are_not_ours_to_make(board: Switchboard) -> None:
    foreign = (
        Flow(0, 1, Match(), cookie=7),
        Group(7, GroupType.INDIRECT, (Bucket((Output(1),)),)),
        Meter(7, 1, 1),
    )
    driver = open_driver(board)
    for rule in foreign:
        with pytest.raises(DeviceRefused, match="not sdnctl's"):
            asyncio.run(driver.commit([Change(Op.ADD, rule)]))


def test_prepare_refuses_what_commit_would_refuse(board: Switchboard) -> None:
    wrong = Flow(0, 1, Match.of(eth_type=ETH_MPLS), samples.cookie(1, 1), (*decap, Output(1)), goto=0)
    with pytest.raises(DeviceRefused) as caught:
        asyncio.run(open_driver(board).prepare([Change(Op.ADD, wrong)]))
    (diagnostic,) = caught.value.diagnostics
    assert "switch a" in diagnostic.address
    assert "flow table=0,priority=1,mpls" in diagnostic.address
    assert diagnostic.detail == "OFPBIC_BAD_TABLE_ID"


def test_revert_leaves_alone_what_others_added_meanwhile(board: Switchboard) -> None:
    foreign = Flow(1, 1, Match(), cookie=7, actions=(Output(1),))
    driver = open_driver(board)
    asyncio.run(driver.commit([Change(Op.ADD, forward(2))]))
    with board.changing("a") as embedded:
        embedded.rules.add(foreign)
    asyncio.run(driver.revert())
    assert board.read("a").rules == RuleSet.of((foreign,))


def test_a_block_that_fails_changes_nothing(board: Switchboard) -> None:
    def fail() -> None:
        with board.changing("a") as embedded:
            embedded.rules.add(forward(2))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert board.read("a").rules == RuleSet()


# ── several processes ────────────────────────────────────────────────────────────────────────────

WRITER = """
import asyncio, sys
from sdnctl.dataplane.values import Flow, Match, Output
from sdnctl.plan.model import Change, Op
from sdnctl.southbound.base import Target
from sdnctl.southbound.memory import MemoryDriver
from sdnctl.testing import samples

async def main(directory, first, count):
    driver = await MemoryDriver.open(Target("a", f"memory:{directory}"))
    for number in range(first, first + count):
        cookie = samples.cookie(5, number)
        pair = [Flow(0, number, Match.of(in_port=port), cookie, (Output(2),)) for port in (1, 2)]
        await driver.commit([Change(Op.ADD, flow) for flow in pair])
        await driver.confirm()

asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
"""


def writer(board: Switchboard, first: int, count: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", WRITER, str(board.directory), str(first), str(count)])


def test_processes_do_not_lose_each_others_changes(board: Switchboard) -> None:
    processes = [writer(board, first, 20) for first in (100, 200)]
    assert [process.wait(timeout=30) for process in processes] == [0, 0]
    priorities = {flow.priority for flow in board.read("a").rules.flows.values()}
    assert priorities == {*range(100, 120), *range(200, 220)}


def test_a_killed_process_leaves_the_old_or_the_new_state(board: Switchboard) -> None:
    process = writer(board, 1, 100_000)
    deadline = time.monotonic() + 20
    while not board.read("a").rules.flows and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.05)
    os.kill(process.pid, signal.SIGKILL)
    process.wait(timeout=10)
    flows = board.read("a").rules.flows.values()
    assert flows
    assert len(flows) % 2 == 0, "a commit of two flows was torn"
    commit(board, "a", forward(1, 9))  # the lock went with the process
