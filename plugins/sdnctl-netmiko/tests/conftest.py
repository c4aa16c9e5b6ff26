"""One real FRRouting for every module that wants one, made new between tests by FRR itself."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from sdnctl_netmiko.testing.frr import UPLINK, Frr, frr_missing, running_frr
from sdnctl_netmiko.testing.ios import ENABLE, PASSWORD, USER, IosSimulator, IosSwitch, running_simulator
from sdnctl_netmiko.testing.ios import UPLINK as IOS_UPLINK
from sdnctl_netmiko.testing.sshd import PASSPHRASE

from sdnctl.southbound.base import Target


def _need_frr() -> None:
    problem = frr_missing()
    if problem:
        if os.environ.get("CI"):
            pytest.fail(f"FRRouting cannot run: {problem}")
        pytest.skip(f"FRRouting: {problem}")


@pytest.fixture(scope="session")
def running() -> Iterator[Frr]:
    _need_frr()
    with running_frr(f"sdnctl-frr-{os.getpid()}") as router:
        yield router


@pytest.fixture(scope="session")
def running_helped() -> Iterator[Frr]:
    _need_frr()
    with running_frr(f"sdnctl-frrr-{os.getpid()}", helper=True) as router:
        yield router


@pytest.fixture
def helped(running_helped: Frr) -> Frr:
    """A router whose account runs our `sdnctl-frr`."""
    running_helped.clean()
    return running_helped


@pytest.fixture
def frr(running: Frr) -> Frr:
    running.clean()
    return running


@pytest.fixture
def frr_target(frr: Frr, monkeypatch: pytest.MonkeyPatch) -> Target:
    """How the inventory would name it: secrets by reference, the host key by fingerprint."""
    monkeypatch.setenv("FRR_PASSPHRASE", PASSPHRASE)
    options = {
        "platform": "frr",
        "uplink": UPLINK,
        "username": "root",
        "key": f"file:{frr.sshd.key}",
        "passphrase": "env:FRR_PASSPHRASE",
        "host_key": frr.sshd.fingerprint,
        "timeout": "20",
    }
    return Target("gw-handover", f"ssh://127.0.0.1:{frr.sshd.port}", options=options)


@pytest.fixture(scope="session")
def simulator() -> Iterator[IosSimulator]:
    with running_simulator() as running:
        yield running


@pytest.fixture
def ios() -> IosSwitch:
    """A simulated switch whose minutes last five seconds."""
    return IosSwitch(minute=5.0)


@pytest.fixture
def ios_target(simulator: IosSimulator, ios: IosSwitch, monkeypatch: pytest.MonkeyPatch) -> Iterator[Target]:
    monkeypatch.setenv("IOS_PASSWORD", PASSWORD)
    monkeypatch.setenv("IOS_ENABLE", ENABLE)
    port = simulator.listen(ios)
    options = {
        "platform": "ios",
        "uplink": IOS_UPLINK,
        "username": USER,
        "password": "env:IOS_PASSWORD",
        "enable": "env:IOS_ENABLE",
        "host_key": simulator.fingerprint,
        "timeout": "10",
        "confirm_timeout": "60",
    }
    yield Target("sw-school", f"ssh://127.0.0.1:{port}", options=options)
    simulator.close(port)
