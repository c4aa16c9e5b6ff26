"""Real agents for every module that wants some; they are ended with the session."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

import pytest
from sdnctl_snmp.testing.snmpd import SECRETS, Agents, Snmpd, agents, environment

Notify: TypeAlias = Callable[..., subprocess.Popen[str]]


@pytest.fixture(autouse=True)
def secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("RUST_BACKTRACE", "0")  # of the decoder's panics: a tenth of a second each


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("snmp")


@pytest.fixture(scope="session")
def running() -> Iterator[Agents]:
    with agents() as started:
        yield started


@pytest.fixture(scope="session")
def agent(running: Agents, folder: Path) -> Snmpd:
    """An agent as Debian has it, with the interfaces of this machine."""
    return running.start(folder / "plain")


@pytest.fixture(scope="session")
def notify(folder: Path) -> Notify:
    """Start net-snmp's snmptrap or snmpinform."""
    home = folder / "client"
    home.mkdir()

    def send(*command: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            command, env=environment(home), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )

    return send
