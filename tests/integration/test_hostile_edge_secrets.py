"""Secrets are planted where an operator would put them, a network is run, and nothing of what it says has one.

Planted: the password and the enable secret of a device behind real SSH, a store's password, a token of the API, a
private key, and a password that somebody typed into a file. Looked at: the store and everything else below
`.sdnctl`, plans, states, what verbs print, the log at its finest, the API's answers and events, errors.
"""

from __future__ import annotations

import base64
import json
import logging
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import trustme
from controller_thread import Running
from mixed_network import files
from sdnctl_in_process import Net, Result
from sdnctl_netmiko.testing import ios
from workspace_folder import write

from sdnctl.daemon.logs import JsonLines
from sdnctl.store.tokens import Role

STORE_PASSWORD = "st0re/secret+4711"
TYPED = "typed-in-clear-by-mistake"
WRONG = "an-old-passw0rd-of-the-device"


def entry(target: Any) -> str:
    """The device as people write it: secrets by reference."""
    return f"""\
devices:
  - id: sw-school
    site: alpha
    platform: ios
    uplink: {{port: {ios.UPLINK}, switch: sw-a, switch_port: 24}}
    tags: 100-109
    drivers: {{netmiko: "{target.address}"}}
    can: [policing, marking, vlans]
    credentials: {{username: {ios.USER}, password: "env:IOS_PASSWORD", enable: "file:secrets/enable"}}
    host_key: "{target.options["host_key"]}"
    options: {{timeout: "10"}}
"""


@pytest.fixture(scope="module")
def simulator() -> Iterator[ios.IosSimulator]:
    with ios.running_simulator() as running:
        yield running


class Told:
    """Everything that was said or written, by what said it."""

    def __init__(self) -> None:
        self.texts: list[tuple[str, str]] = []

    def add(self, where: str, text: str | bytes) -> None:
        self.texts.append((where, text.decode("latin-1") if isinstance(text, bytes) else text))

    def result(self, words: Iterable[object], found: Result) -> None:
        self.add(f"sdnctl {' '.join(map(str, words))}", found.out + found.err)

    def folder(self, folder: Path) -> None:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                self.add(str(path), path.read_bytes())

    def assert_silent(self, *secrets: str) -> None:
        assert len(self.texts) > 3
        for where, text in self.texts:
            for secret in secrets:
                for form in forms(secret):
                    assert form not in text, f"a secret is in {where}"


def forms(secret: str) -> set[str]:
    """A secret as it is, and as encoders write it."""
    return {
        secret,
        json.dumps(secret)[1:-1],
        repr(secret)[1:-1],
        quote(secret, safe=""),
        base64.b64encode(secret.encode()).decode().rstrip("=")[:-1],
        secret.encode().hex(),
    }


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture) -> Told:
    caplog.set_level(logging.DEBUG)
    return Told()


@pytest.fixture
def net(tmp_path: Path, simulator: ios.IosSimulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[Net]:
    port = simulator.listen(ios.IosSwitch(minute=5.0))
    folder = tmp_path / "net"
    write(folder, dict(files(entry(simulator.target("sw-school", port)))))
    path = folder / "inventory/endpoints.csv"
    rows = (line for line in path.read_text().splitlines() if not line.startswith(("cam-h", "line-s", "line-h")))
    path.write_text("\n".join(rows).replace("sw-school,eth1", f"sw-school,{ios.CUSTOMERS[0]}") + "\n")
    circuits = folder / "intents/circuits.yaml"
    circuits.write_text(
        circuits.read_text().replace("  - {id: school, a: line-s, b: line-h, bandwidth: 10 Mbit/s}\n", "")
    )
    (folder / "secrets").mkdir()
    (folder / "secrets/enable").write_text(ios.ENABLE + "\n")
    monkeypatch.setenv("IOS_PASSWORD", ios.PASSWORD)
    one = Net(folder)
    one.ok("lab", "up", "--kind", "memory", "--real-devices")
    yield one
    one.ok("lab", "down")
    simulator.close(port)


def everything(net: Net, told: Told, tmp_path: Path) -> None:
    """What reads or writes the network, in one format or another."""
    plan, state = tmp_path / "plan.json", tmp_path / "state.json"
    lines: list[tuple[object, ...]] = [
        ("compile", "-o", state),
        ("--format", "markdown", "plan", "-o", plan),
        ("apply", plan, "--yes"),
        ("--format", "json", "status"),
        ("--format", "json", "drift"),
        ("verify", "--live"),
        ("--format", "json", "history", "1"),
        ("show", "devices"),
        ("--format", "json", "validate"),
    ]
    for words in lines:
        told.result(words, net(*words))
    assert net("plan", "--exit-code").code == 0, "the device was not reached: nothing was tried"
    told.add("plan file", plan.read_bytes())
    told.add("state file", state.read_bytes())


def test_a_network_that_works(net: Net, told: Told, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    everything(net, told, tmp_path)
    formatter = JsonLines()
    with Running(net) as running:
        token = running.token("planted", Role.ADMIN)
        with running.remote(token) as client:
            paths = client.get("/openapi.json").json()["paths"]
            reads = [
                path
                for path, verbs in paths.items()
                if "get" in verbs and "{" not in path and "events" not in path
            ]
            assert len(reads) > 10
            for path in reads:
                told.add(path, client.get(path).content)
            told.add("tokens", client.get("/v1/tokens").content)
            told.add("/v1/snapshots/1/state", client.get("/v1/snapshots/1/state").content)
            told.add("observation", client.post("/v1/observation", json={"switches": None}).content)
        with running.remote(token[:-1] + "x") as client:
            told.add("refused", client.get("/v1/status").content)
        told.result(("status",), net("--controller", running.url, "status"))
        told.add("events", "".join(map(repr, running.hub.events.since(0))))
    for record in caplog.records:
        told.add(f"log of {record.name}", formatter.format(record))
    told.folder(net.folder / ".sdnctl")
    told.assert_silent(ios.PASSWORD, ios.ENABLE, token)
    assert any("sw-school" in text for _, text in told.texts)


def test_a_device_that_refuses(
    net: Net, told: Told, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Wrong password, wrong enable secret, no such variable, another host key: errors name them and show none."""
    net.ok("apply", "--yes")
    monkeypatch.setenv("IOS_PASSWORD", WRONG)
    for step in ("password", "enable", "variable", "key"):
        if step == "enable":
            monkeypatch.setenv("IOS_PASSWORD", ios.PASSWORD)
            net.path("secrets/enable").write_text(WRONG + "\n")
        elif step == "variable":
            monkeypatch.delenv("IOS_PASSWORD")
        elif step == "key":
            monkeypatch.setenv("IOS_PASSWORD", ios.PASSWORD)
            text = net.path("inventory/equipment.yaml").read_text()
            known = text.partition('host_key: "')[2].partition('"')[0]
            net.edit("inventory/equipment.yaml", known, "SHA256:" + "A" * 43)
        for words in (("plan",), ("--format", "json", "plan"), ("apply", "--yes"), ("drift",)):
            found = net(*words)
            told.result(words, found)
            assert "sw-school" in found.out + found.err, step
    for record in caplog.records:
        told.add(f"log of {record.name}", JsonLines().format(record))
    told.folder(net.folder / ".sdnctl")
    told.assert_silent(ios.PASSWORD, ios.ENABLE, WRONG)


def test_a_secret_that_was_typed_into_a_file(net: Net, told: Told) -> None:
    """It is refused as such, with file and line, and not repeated."""
    net.edit("inventory/equipment.yaml", "env:IOS_PASSWORD", TYPED)
    for words in (("validate",), ("--format", "json", "validate"), ("plan",), ("apply", "--yes"), ("compile",)):
        found = net(*words)
        assert found.code == 1
        assert "equipment.yaml" in found.plain + found.out
        told.result(words, found)
    told.assert_silent(TYPED)


@pytest.mark.parametrize("kind", ["switch", "device"])
@pytest.mark.parametrize("login", ["admin:{}", ":{}", "admin:{}/x", "admin:x@{}"])
def test_a_password_in_an_address_is_refused_unseen(tmp_path: Path, told: Told, kind: str, login: str) -> None:
    address = f"ssh://{login.format(TYPED)}@192.0.2.1:22"
    uplink = "uplink: {port: e1, switch: sw-a, switch_port: 24}"
    entry = f'devices:\n  - {{id: sw-x, site: alpha, {uplink}, drivers: {{x: "{address}"}}}}\n'
    net = Net(write(tmp_path / "net"))
    path = net.path("inventory/equipment.yaml")
    text = path.read_text()
    if kind == "switch":
        first = text.index("{id: sw-a") + len("{id: sw-a")
        path.write_text(f'{text[:first]}, drivers: {{openflow: "{address}"}}{text[first:]}')
    else:
        path.write_text(text + entry)
    for words in (("validate",), ("--format", "json", "validate"), ("plan",), ("--format", "sarif", "validate")):
        found = net(*words)
        assert found.code == 1
        assert "an address holds no password" in found.plain + found.out
        told.result(words, found)
    told.assert_silent(TYPED)


def test_a_password_in_the_url_of_a_controller_is_not_shown(tmp_path: Path, told: Told) -> None:
    net = Net(write(tmp_path / "net"))
    for url in (
        f"https://ann:{TYPED}@127.0.0.1:1",
        f"http://127.0.0.1:1/?token={TYPED}",
        f"http://127.0.0.1:1#{TYPED}",
        f"ftp://ann:{TYPED}@127.0.0.1",
        f"ann:{TYPED}@127.0.0.1:1",
        f"https://ann:x@{TYPED}@[:1",
    ):
        for words in (("status",), ("--format", "json", "status")):
            found = net("--controller", url, *words)
            assert found.code == 1
            assert "no-controller" in found.out + found.err
            told.result(words, found)
    told.assert_silent(TYPED)


def test_the_password_of_the_store(net: Net, told: Told, caplog: pytest.LogCaptureFixture) -> None:
    """A store that cannot be reached, or is of no known kind: errors name it without its password."""
    where = f"operator:{quote(STORE_PASSWORD, safe='')}@127.0.0.1:1/sdnctl"
    for url in (
        f"postgresql+psycopg://{where}",
        f"nonsense://{where}",
        f"postgresql+psycopg://{where}?bad option",
    ):
        for words in (("status",), ("--format", "json", "status"), ("apply", "--yes"), ("history",)):
            found = net("--store", url, *words)
            assert found.code == 1, found.out
            told.result(words, found)
    for record in caplog.records:
        told.add(f"log of {record.name}", JsonLines().format(record))
    told.assert_silent(STORE_PASSWORD)


def test_a_private_key_that_does_not_fit(net: Net, told: Told, tmp_path: Path) -> None:
    """TLS files that are not of one pair, or hold something else: the error names the files and shows none."""
    authority = trustme.CA()
    one, other = authority.issue_cert("one.example"), authority.issue_cert("other.example")
    one.private_key_pem.write_to_path(tmp_path / "one.key")
    other.cert_chain_pems[0].write_to_path(tmp_path / "other.pem")
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    key = one.private_key_pem.bytes().decode()
    tls = {"private_key": "one.key", "certificate": "other.pem", "ca_certificate": "ca.pem"}
    with net.path("network.yaml").open("a") as file:
        file.write('controller:\n  listen: ["pssl:0:127.0.0.1"]\n  tls:\n')
        file.writelines(f"    {name}: file:{tmp_path / path}\n" for name, path in tls.items())
    found = net("controller", "run", "--log", "json")
    assert found.code == 1
    assert "one.key" in found.plain
    told.result(("controller", "run"), found)
    told.add("status", (status := net("status")).out + status.err)
    told.folder(net.folder / ".sdnctl")
    told.add("command line", " ".join(sys.argv))
    told.assert_silent(*(line for line in key.splitlines() if len(line) > 20 and not line.startswith("---")))


def test_the_search_finds_what_is_there() -> None:
    for form in forms(STORE_PASSWORD):
        told = Told()
        told.texts = [("here", text) for text in ("", "", "", f"before {form} after")]
        with pytest.raises(AssertionError, match="a secret is in here"):
            told.assert_silent(STORE_PASSWORD)
