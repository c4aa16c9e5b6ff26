"""The small pieces of a controller: settings, events, supervision, notifications, log, metrics, rates, unit."""

from __future__ import annotations

import asyncio
import configparser
import io
import json
import logging
import re
import shutil
import socket
import subprocess
from dataclasses import fields
from pathlib import Path

import pytest
from prometheus_client import generate_latest

from sdnctl.client.finding import reachable
from sdnctl.daemon.events import Events, Kind, Severity
from sdnctl.daemon.hub import Hub
from sdnctl.daemon.live import LiveFleet
from sdnctl.daemon.logs import EventLog, JsonLines, Text
from sdnctl.daemon.metrics import watch
from sdnctl.daemon.notify import Notifier
from sdnctl.daemon.settings import ControllerSettings, read_settings
from sdnctl.daemon.supervision import Crew
from sdnctl.errors import InputError
from sdnctl.southbound.openflow.driver import OpenFlowDriver
from sdnctl.telemetry.rates import PortCount, Sample, rates
from sdnctl.topology.graph import Node, Topology
from sdnctl.usecases.context import Context
from sdnctl.workspace.controller import ControllerSection

ROOT = Path(__file__).parent.parent.parent
UNIT = ROOT / "contrib" / "systemd" / "sdnctl-controller.service"


def hub(folder: Path) -> Hub:
    events = Events()
    return Hub(Context(folder), ControllerSettings(), LiveFleet({}, events), events)


# ── settings ─────────────────────────────────────────────────────────────────────────────────────


def test_every_setting_of_the_section_reaches_the_controller() -> None:
    names = {item.name for item in fields(ControllerSettings)}
    assert set(ControllerSection.model_fields) == names - {"hold_down"}


def test_the_settings_in_the_documentation_are_read_and_complete(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "controller.md").read_text(encoding="utf-8")
    shown: set[str] = set()
    for block in re.findall(r"```yaml\n(controller:.*?)```", page, re.DOTALL)[::-1]:
        (tmp_path / "network.yaml").write_text(f"name: test\nhold_down: 7 s\n{block}", encoding="utf-8")
        settings = read_settings(tmp_path)
        shown |= {line.split(":")[0].strip() for line in block.splitlines() if re.match(r"  \w+:", line)}
    assert settings.hold_down == 7.0
    assert settings.drift_interval == 60.0
    assert settings.listen == ("ptcp:6653",)
    assert settings.tls["ca_certificate"] == "file:/etc/sdnctl/switches-ca.pem"
    assert shown == set(ControllerSection.model_fields)


def test_faults_in_the_settings_have_their_line(tmp_path: Path) -> None:
    text = "name: test\ncontroller:\n  drift_interval: 60\n  listn: []\n"
    (tmp_path / "network.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        read_settings(tmp_path)
    assert {str(item.source) for item in caught.value.diagnostics} == {"network.yaml:3", "network.yaml:4"}


def test_switches_with_tls_are_dialled_with_the_controllers_certificate(tmp_path: Path) -> None:
    files = {name: f"file:/etc/{name}" for name in ("private_key", "certificate", "ca_certificate")}
    (tmp_path / "network.yaml").write_text(
        f"name: test\ncontroller: {{tls: {json.dumps(files)}}}\n", encoding="utf-8"
    )
    nodes = {
        name: Node(name, number, "site", drivers={"openflow": address})
        for number, (name, address) in enumerate({"a": "ssl:192.0.2.1", "b": "tcp:192.0.2.2"}.items())
    }
    targets = Context(tmp_path).targets(Topology(nodes, {}))
    assert [dict(targets[name][OpenFlowDriver].options) for name in nodes] == [files, {}]


# ── events ───────────────────────────────────────────────────────────────────────────────────────


def test_a_listener_gets_every_event_once_also_what_it_missed() -> None:
    async def main() -> None:
        events = Events(kept=3)
        for number in range(5):
            events.publish(Kind.DRIFT, "switch a", str(number))
        heard: list[str] = []

        async def listen() -> None:
            async for event in events.follow(0):
                heard.append(event.summary)

        task = asyncio.create_task(listen())
        await asyncio.sleep(0)
        assert heard == ["2", "3", "4"]  # older ones are gone, and their numbers tell so
        events.publish(Kind.DRIFT, "switch a", "5")
        events.publish(Kind.DRIFT, "switch a", "6", severity=Severity.CRITICAL)
        await asyncio.sleep(0.01)
        assert heard == ["2", "3", "4", "5", "6"]
        assert [event.number for event in events.since(5)] == [6, 7]
        assert events.counts == {(Kind.DRIFT, Severity.INFO): 6, (Kind.DRIFT, Severity.CRITICAL): 1}
        task.cancel()

    asyncio.run(main())


# ── supervision ──────────────────────────────────────────────────────────────────────────────────


class Stumbling:
    """Fails twice, the second time as if something in it had been cancelled, then works."""

    name = "stumbling"

    def __init__(self) -> None:
        self.runs = 0
        self.works = asyncio.Event()

    async def run(self, hub: Hub) -> None:
        self.runs += 1
        if self.runs == 1:
            raise ValueError("out of luck")
        if self.runs == 2:
            raise asyncio.CancelledError
        self.works.set()
        await asyncio.Event().wait()


class Steady:
    name = "steady"

    def __init__(self) -> None:
        self.runs = 0
        self.ended = False

    async def run(self, hub: Hub) -> None:
        self.runs += 1
        try:
            await asyncio.Event().wait()
        finally:
            self.ended = True


def test_a_part_that_fails_is_told_of_and_runs_again_beside_the_others(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        shared = hub(tmp_path)
        bad, good = Stumbling(), Steady()
        crew = Crew(shared, first_pause=0.001)
        crew.start([bad, good])
        await asyncio.wait_for(bad.works.wait(), 10)
        told = [event for event in shared.events.since(0) if event.subject == "part stumbling"]
        assert [event.severity for event in told] == [Severity.CRITICAL] * 2
        assert "ValueError: out of luck" in told[0].summary
        assert (good.runs, good.ended) == (1, False)
        await crew.stop()
        assert good.ended
        shared.close()

    asyncio.run(main())
    assert "out of luck" in caplog.text


# ── systemd ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("abstract", [False, True])
def test_the_service_manager_is_told(tmp_path: Path, abstract: bool) -> None:
    name = f"@sdnctl-test-{tmp_path.name}" if abstract else reachable(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind("\0" + name[1:] if abstract else name)
        manager.settimeout(5)
        notifier = Notifier({"NOTIFY_SOCKET": name, "WATCHDOG_USEC": "30000"})
        notifier.tell(READY="1", STATUS="master")
        assert manager.recv(100) == b"READY=1\nSTATUS=master"

        async def alive() -> None:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(notifier.keep_alive(), 0.1)

        asyncio.run(alive())
        assert [manager.recv(100) for _ in range(2)] == [b"WATCHDOG=1"] * 2


def test_without_a_service_manager_nothing_happens() -> None:
    notifier = Notifier({"WATCHDOG_USEC": "1000", "WATCHDOG_PID": "1"})
    notifier.tell(READY="1")
    assert notifier.watchdog == 0
    asyncio.run(notifier.keep_alive())
    Notifier({"NOTIFY_SOCKET": "/nonexistent/notify"}).tell(READY="1")  # a manager that went away


def test_the_unit_file_is_one_and_is_hardened(tmp_path: Path) -> None:
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # type: ignore[method-assign,assignment]
    unit.read_string(UNIT.read_text(encoding="utf-8"))
    service = dict(unit["Service"])
    assert service["Type"] == "notify"
    assert service["Restart"] == "on-failure"
    assert {service[key] for key in ("DynamicUser", "NoNewPrivileges", "ProtectHome", "PrivateDevices")} == {"yes"}
    assert service["ProtectSystem"] == "strict"
    assert service["CapabilityBoundingSet"] == ""
    assert int(service["WatchdogSec"]) > 0
    assert int(service["TimeoutStopSec"]) > ControllerSettings().stop_timeout
    words = service["ExecStart"].split()
    assert words[0] == "/usr/bin/sdnctl"
    if analyze := shutil.which("systemd-analyze"):
        copy = tmp_path / UNIT.name
        copy.write_text(UNIT.read_text(encoding="utf-8").replace(words[0], "/bin/true"), encoding="utf-8")
        done = subprocess.run([analyze, "verify", copy], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, "")


# ── log and metrics ──────────────────────────────────────────────────────────────────────────────


def test_events_are_lines_of_the_log(tmp_path: Path) -> None:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines())
    target = logging.getLogger("sdnctl.daemon.logs")
    target.addHandler(handler)
    target.setLevel(logging.INFO)

    async def main() -> None:
        shared = hub(tmp_path)
        shared.events.publish(Kind.SWITCH_DOWN, "switch é", "é is gone", severity=Severity.WARNING, device="é")
        task = asyncio.create_task(EventLog().run(shared))
        await asyncio.sleep(0.01)
        task.cancel()
        shared.close()

    try:
        asyncio.run(main())
    finally:
        target.removeHandler(handler)
    (line,) = stream.getvalue().splitlines()
    said = json.loads(line)
    assert said["message"] == "é is gone"
    assert (said["level"], said["event"], said["kind"], said["subject"]) == (
        "warning",
        1,
        "switch-down",
        "switch é",
    )
    assert said["detail"] == {"device": "é"}
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", said["time"])


def test_a_traceback_is_part_of_its_line() -> None:
    try:
        raise ValueError("why")
    except ValueError as error:
        record = logging.LogRecord("x", logging.ERROR, "f", 1, "%s failed", ("it",), None)
        record.exc_info = (type(error), error, error.__traceback__)
    said = json.loads(JsonLines().format(record))
    assert said["message"] == "it failed"
    assert "ValueError: why" in said["exception"]
    assert "error: it failed\nTraceback" in Text().format(record)


def test_the_metrics_say_what_the_hub_knows(tmp_path: Path) -> None:
    async def main() -> str:
        shared = hub(tmp_path)
        shared.events.publish(Kind.DRIFT, "switch a", "drift")
        watch(shared)
        text = generate_latest(shared.registry).decode()
        shared.close()
        return text

    text = asyncio.run(main())
    assert 'sdnctl_events_total{kind="drift",severity="info"} 1.0' in text
    assert "sdnctl_lease_held 0.0" in text
    assert "process_cpu_seconds_total" in text
    assert "sdnctl_openflow_sent_bytes_total 0.0" in text


# ── telemetry ────────────────────────────────────────────────────────────────────────────────────


def test_rates_are_of_ports_that_went_on_counting() -> None:
    before = Sample(10.0, {("a", 1): PortCount(100, 200, 1, 2), ("b", 1): PortCount(5000, 0, 9, 0)})
    after = Sample(
        14.0,
        {
            ("a", 1): PortCount(600, 1200, 6, 12, rx_dropped=2),
            ("b", 1): PortCount(10, 0, 1, 0),  # its switch was started again
            ("c", 1): PortCount(1, 1, 1, 1),  # new
        },
    )
    found = rates(before, after)
    assert set(found) == {("a", 1)}
    assert (found["a", 1].rx, found["a", 1].tx, found["a", 1].dropped) == (1000.0, 2000.0, 0.5)
    assert rates(after, after) == {}
