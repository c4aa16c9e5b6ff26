"""One real FRRouting for every module that wants one, made new between tests by FRR itself."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from sdnctl_netmiko.testing import frr as frr_testing
from sdnctl_netmiko.testing import ios as ios_testing
from sdnctl_netmiko.testing.frr import Frr, frr_missing, running_frr
from sdnctl_netmiko.testing.ios import IosSimulator, IosSwitch, running_simulator

from sdnctl.southbound.base import Target


def _need_frr() -> None:
    problem = frr_missing()
    if problem:
        if os.environ.get("CI"):
            pytest.fail(f"FRRouting cannot run: {problem}")
        pytest.skip(f"FRRouting: {problem}")


@pytest.fixture(autouse=True)
def secrets() -> Iterator[None]:
    """What targets of both kinds refer to."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (frr_testing.SECRETS | ios_testing.SECRETS).items():
            patch.setenv(name, value)
        yield


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
def frr_target(frr: Frr) -> Target:
    return frr.target("gw-handover")


@pytest.fixture(scope="session")
def simulator() -> Iterator[IosSimulator]:
    with running_simulator() as running:
        yield running


@pytest.fixture
def ios() -> IosSwitch:
    """A simulated switch whose minutes last five seconds."""
    return IosSwitch(minute=5.0)


@pytest.fixture
def ios_target(simulator: IosSimulator, ios: IosSwitch) -> Iterator[Target]:
    port = simulator.listen(ios)
    yield simulator.target("sw-school", port)
    simulator.close(port)
