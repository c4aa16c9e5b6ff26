"""The command line while a controller runs: the same words, asked of the controller; and when it is gone again."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from controller_thread import Running, applied_net
from sdnctl_in_process import Net

from sdnctl.api.sockets import Taken, pointer, unix_socket
from sdnctl.client.finding import find_socket, listening, reachable
from sdnctl.daemon.events import Kind
from sdnctl.daemon.turns import Urgency
from sdnctl.errors import InputError, LeaseHeld
from sdnctl.store.tokens import Role
from sdnctl.usecases.applying import apply
from sdnctl.usecases.context import Context
from sdnctl.usecases.planning import prepare

TRUNK = "pop-north>pop-south/disjoint#1"
READING = (
    "plan",
    "drift",
    "verify",
    "history",
    "history 1",
    "show trunks",
    "explain enterprise",
    "status --by area",
)


@pytest.fixture(scope="module")
def net(tmp_path_factory: pytest.TempPathFactory) -> Net:
    return applied_net(tmp_path_factory.mktemp("client") / ("a long name " * 8) / "net")


@pytest.fixture(scope="module")
def running(net: Net) -> Iterator[Running]:
    net.before = {line: net(*line.split()) for line in READING}  # type: ignore[attr-defined]
    with Running(net) as running:
        yield running


def test_it_is_found_by_its_socket_however_long_the_path(running: Running, net: Net) -> None:
    assert len(str(running.socket)) > 108
    assert find_socket(net.folder) == running.socket


@pytest.mark.parametrize("line", READING)
def test_what_is_printed_is_the_same(running: Running, net: Net, line: str) -> None:
    before = net.before[line]  # type: ignore[attr-defined]
    now = net(*line.split())
    assert (now.code, now.out, now.err) == (before.code, before.out, before.err)


def test_changes_go_through_it(running: Running, net: Net) -> None:
    """Apply, a plan from a file, rollback, flip, drain, reconcile: done by the controller, told as ever."""
    number = net.history()[0].id
    net.edit("intents/schools.yaml", "up: 20 Mbit/s", "up: 30 Mbit/s")
    net.ok("plan", "-o", net.path("plan.json"))
    applied = net.ok("apply", net.path("plan.json"))
    assert f"applied as snapshot {number + 1}" in applied.out
    assert net.json("apply", "--yes")["snapshot"] is None
    back = net.json("rollback", "--yes")
    assert (back["to"], back["snapshot"]) == (number, number + 2)
    net.edit("intents/schools.yaml", "up: 30 Mbit/s", "up: 20 Mbit/s")
    net.assert_exact()
    flipped = net.json("controller", "flip", TRUNK)
    assert [step["summary"]["modify"] for step in flipped["steps"]] == [1]
    drained = net.json("controller", "drain", "pop-east")
    assert drained["moved"]
    assert "drained: pop-east" in net.ok("status").out
    assert net.json("controller", "undrain", "pop-east")["steps"]
    assert net.json("controller", "flip", TRUNK)["steps"]
    assert net.json("controller", "reconcile")["steps"] == []
    assert net.json("controller", "flip", "nobody", code=1)["diagnostics"][0]["code"] == "no-standby"
    net.assert_exact()
    net.probe()
    with running.local() as client:
        trail = client.get("/v1/audit").json()["audit"]
    done = [(one["action"], one["plan"] is not None) for one in trail if one["result"] == "done"]
    assert [action for action, _ in reversed(done)][:7] == [
        "apply",  # before there was a controller
        "apply",
        "apply",
        "rollback",
        "flip",
        "drain",
        "undrain",
    ]
    assert [planned for action, planned in done if action in ("apply", "rollback", "flip", "drain")] == [True] * 7


def test_flips_in_one_snapshot(running: Running, net: Net) -> None:
    number = net.history()[0].id
    with running.local() as client:
        keys = [one["key"] for one in client.get("/v1/trunks").json()["trunks"] if one["standby"]]
        answer = client.post("/v1/flips", json={"trunks": keys}).json()
        assert {one["key"] for one in client.get("/v1/trunks").json()["trunks"] if one["flipped"]} == set(keys)
        assert client.post("/v1/flips", json={"trunks": [*keys, "nobody"]}).status_code == 409
        assert client.post("/v1/flips", json={"trunks": keys}).status_code == 200
    assert len(keys) > 1
    assert [step["snapshot"] for step in answer["steps"]] == [number + 1]
    net.assert_exact()


def test_progress_is_told(running: Running, net: Net) -> None:
    net.edit("intents/schools.yaml", "up: 20 Mbit/s", "up: 25 Mbit/s")
    context = Context(net.folder, controller_at="auto")
    told: list[tuple[str, int, int]] = []
    made = prepare(context)
    assert apply(context, made.desired, made.plan, progress=lambda *one: told.append(one)).snapshot is not None
    context.close()
    assert told[0][0].startswith("switch: ")
    assert told[-1] == ("reading back", len(told) - 1, len(told) - 1)
    net.edit("intents/schools.yaml", "up: 25 Mbit/s", "up: 20 Mbit/s")
    net.ok("apply", "--yes")


def test_nobody_else_writes(running: Running, net: Net) -> None:
    context = Context(net.folder, controller_at="auto")
    with pytest.raises(LeaseHeld, match="a controller runs"), context.store.hold():
        pass
    context.close()
    held = net.json("--controller", "none", "controller", "reconcile", code=1)
    assert held["diagnostics"][0]["code"] == "lease-held"


def test_a_named_controller(running: Running, net: Net, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """By URL, with a token from the environment or from a file; errors say what to do."""
    assert net.json("--controller", running.url, "status", code=1)["diagnostics"][0]["code"] == "no-credentials"
    text = running.token("command line", Role.VIEWER)
    monkeypatch.setenv("SDNCTL_TOKEN", text)
    assert net.json("--controller", running.url, "status")["ok"]
    (tmp_path / "token").write_text(f"{text}\n")
    monkeypatch.setenv("SDNCTL_TOKEN", f"file:{tmp_path}/token")
    monkeypatch.setenv("SDNCTL_CONTROLLER", running.url)
    assert net.json("history")["snapshots"]
    assert net.json("controller", "flip", TRUNK, code=1)["diagnostics"][0]["code"] == "forbidden"
    monkeypatch.setenv("SDNCTL_TOKEN", f"file:{tmp_path}/nothing")
    assert net.json("status", code=1)["diagnostics"][0]["code"] == "token-unreadable"
    monkeypatch.delenv("SDNCTL_TOKEN")
    for where in ("unix:/nowhere/controller.sock", "http://127.0.0.1:1", "nonsense"):
        found = net.json("--controller", where, "status", code=1)["diagnostics"][0]
        assert (found["code"], bool(found["hint"])) == ("no-controller", True), where


def test_another_store_is_another_network(running: Running, net: Net, tmp_path: Path) -> None:
    assert net.json("--store", f"sqlite:///{tmp_path}/other.db", "history")["snapshots"] == []


def test_without_httpx_it_says_what_to_install(running: Running, net: Net) -> None:
    script = (
        "import sys; sys.modules['httpx'] = None\n"
        f"sys.argv = ['sdnctl', '-n', {str(net.folder)!r}, 'status']\n"
        "from sdnctl.cli import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "error[no-client]" in done.stderr
    assert "pip install 'sdnctl[api]'" in done.stderr


def test_the_core_does_not_need_it(tmp_path: Path) -> None:
    """Whoever installs no extra has all of the command line but `controller run`."""
    script = (
        "import sys\n"
        "for name in ('fastapi', 'uvicorn', 'httpx', 'starlette'): sys.modules[name] = None\n"
        "import sdnctl.daemon.controller, sdnctl.daemon.operations, sdnctl.usecases.applying\n"
        f"sys.argv = ['sdnctl', '-n', {str(tmp_path)!r}, 'controller', 'run']\n"
        "from sdnctl.cli import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "error[no-api]" in done.stderr


# ── whoever asks and leaves ──────────────────────────────────────────────────────────────────────


def until(condition: object, what: str) -> None:
    deadline = time.monotonic() + 20
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline, what
        time.sleep(0.01)


def test_who_leaves_before_the_turn_has_changed_nothing(running: Running, net: Net) -> None:
    release = threading.Event()
    number = net.history()[0].id

    async def occupy() -> None:
        async with running.hub.turns.turn(Urgency.FAILURE, "something urgent", "tests"):
            await asyncio.to_thread(release.wait)

    busy = threading.Thread(target=lambda: running.do(occupy))
    busy.start()
    until(lambda: running.hub.turns.current is not None, "the turn was not taken")
    with running.local() as client, pytest.raises(httpx.ReadTimeout):
        client.post("/v1/flips", json={"trunks": [TRUNK]}, timeout=0.5)
    until(lambda: not running.hub.turns.waiting, "who left still waits")
    release.set()
    busy.join()
    assert net.history()[0].id == number


def test_who_leaves_after_the_turn_came_gets_it_done(running: Running, net: Net) -> None:
    number = net.history()[0].id
    begun = threading.Event()

    async def watch() -> None:
        async for event in running.hub.events.follow():
            if event.kind is Kind.CHANGE_BEGUN:
                begun.set()
                return

    watching = threading.Thread(target=lambda: running.do(watch))
    watching.start()
    with socket.socket(socket.AF_INET) as sock:
        host, _, port = running.url.removeprefix("http://").partition(":")
        sock.connect((host, int(port)))
        body = json.dumps({"trunks": [TRUNK]}).encode()
        token = running.token("leaver", Role.OPERATOR)
        head = f"Host: x\r\nAuthorization: Bearer {token}\r\nContent-Length: {len(body)}\r\n"
        head += "Content-Type: application/json\r\n\r\n"
        sock.sendall(f"POST /v1/flips HTTP/1.1\r\n{head}".encode() + body)
        assert begun.wait(20)
    watching.join()
    until(lambda: net.history()[0].id == number + 1 and net.history()[0].state == "applied", "it was not finished")
    until(lambda: running.hub.turns.current is None, "the turn was not given back")
    net.ok("controller", "flip", TRUNK)


# ── events ───────────────────────────────────────────────────────────────────────────────────────


def stream(client: httpx.Client, **what: object) -> tuple[list[dict[str, object]], list[str], str]:
    """Events, ids, and the run."""
    answer = client.get("/v1/events", **what)  # type: ignore[arg-type]
    assert answer.headers["content-type"].startswith("text/event-stream")
    lines = answer.text.splitlines()
    data = [json.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data: ")]
    return data, [line.removeprefix("id: ") for line in lines if line.startswith("id: ")], answer.headers["x-run"]


def test_a_listener_that_comes_back_misses_nothing(running: Running) -> None:
    events = running.hub.events

    async def happen() -> None:
        for number in range(5):
            events.publish(Kind.CONTROLLER, "tests", f"thing {number}")

    running.do(happen)
    last = events.last
    with running.local() as client:
        data, ids, run = stream(client, params={"since": last - 5, "until": last - 2})
        assert [one["number"] for one in data] == [last - 4, last - 3, last - 2]
        rest, _, _ = stream(client, params={"until": last}, headers={"Last-Event-ID": ids[-1]})
        assert [one["number"] for one in rest] == [last - 1, last]
        again, ids, _ = stream(client, params={"until": 1}, headers={"Last-Event-ID": "other-17"})
        assert again[0] == {"run": run}
        assert ids[:2] == [f"{run}-0", f"{run}-1"]
        only, _, _ = stream(client, params={"since": last - 5, "until": last, "kind": "switch-down"})
        assert only == []
        assert client.get("/v1/events", params={"kind": "nonsense"}).status_code == 422


def test_a_listener_that_was_away_too_long_is_told(running: Running) -> None:
    events = running.hub.events

    async def much() -> None:
        for number in range(10_050):
            events.publish(Kind.CONTROLLER, "tests", f"thing {number}")

    running.do(much)
    with running.local() as client:
        data, ids, run = stream(client, params={"since": 10, "until": events.last})
    first = events.last - 9_999
    assert data[0] == {"lost": first - 11}
    assert ids[0] == f"{run}-{first - 1}"
    assert [one["number"] for one in data[1:]] == list(range(first, events.last + 1))


# ── the end ──────────────────────────────────────────────────────────────────────────────────────


def test_a_socket_that_nobody_listens_at_is_ignored(tmp_path: Path) -> None:
    net = applied_net(tmp_path / "net")
    path = net.path(".sdnctl/controller.sock")
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(reachable(path))
    assert path.exists()
    assert find_socket(net.folder) is None
    assert net.ok("status").out
    with Running(net, tcp=False) as running, running.local() as client:
        assert client.get("/healthz").status_code == 200, "the next controller takes its place"
    assert not path.exists()
    assert net.ok("status").out


def test_a_file_in_the_way_stays(tmp_path: Path) -> None:
    path = tmp_path / "controller.sock"
    path.write_text("mine")
    with pytest.raises(InputError, match="cannot listen"), unix_socket(path):
        pass
    assert path.read_text() == "mine"


def test_one_controller_serves_a_socket(tmp_path: Path) -> None:
    path = tmp_path / "controller.sock"
    with unix_socket(path) as first:
        first.listen()
        with pytest.raises(Taken), unix_socket(path):
            pass
        assert listening(path), "it is not taken away from who has it"
    assert not path.exists()
    with unix_socket(path):
        assert path.exists()


def test_a_socket_elsewhere_is_found_in_the_folder(tmp_path: Path) -> None:
    folder, path = tmp_path / "net", tmp_path / "run" / "controller.sock"
    with unix_socket(path) as sock, pointer(folder, path):
        sock.listen()
        assert find_socket(folder) == folder / ".sdnctl" / "controller.sock"
    assert not (folder / ".sdnctl" / "controller.sock").is_symlink()


def test_a_standby_leaves_the_link_of_the_folder_to_the_master(tmp_path: Path) -> None:
    folder, one, two = tmp_path / "net", tmp_path / "one.sock", tmp_path / "two.sock"
    link = folder / ".sdnctl" / "controller.sock"
    with unix_socket(two) as second:
        second.listen()
        with unix_socket(one) as first, pointer(folder, one):
            first.listen()
            with pointer(folder, two) as standby:
                assert link.readlink() == one, "one that lives is left alone"
                with pytest.raises(Taken), unix_socket(link):
                    pass
                standby.claim(master=True)
                assert link.readlink() == two, "changes are asked of the master"
        assert not link.is_symlink(), "each takes its own away"
        with pointer(folder, one), pointer(folder, two):
            assert link.readlink() == two, "one that is gone leaves its place"


def test_the_link_of_a_master_that_ends_leaves_the_others(tmp_path: Path) -> None:
    folder, one, two = tmp_path / "net", tmp_path / "one.sock", tmp_path / "two.sock"
    with unix_socket(two) as second, pointer(folder, two):
        second.listen()
        with unix_socket(one) as first, pointer(folder, one):
            first.listen()
        assert find_socket(folder) is not None
    link = folder / ".sdnctl" / "controller.sock"
    with unix_socket(link) as own, pointer(folder, two) as other:
        own.listen()
        other.claim(master=True)
        assert not link.is_symlink(), "a socket that lives is nobody else's to remove"
        assert listening(link)
