"""One real netconfd for every module that wants one, made empty between tests over a session of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sdnctl_netconf.testing.netconfd import Netconfd, running_netconfd
from sdnctl_netconf.testing.outside import Outside


@pytest.fixture(scope="session")
def running() -> Iterator[Netconfd]:
    with running_netconfd() as server:
        yield server


@pytest.fixture
def server(running: Netconfd) -> Netconfd:
    running.empty()
    return running


@pytest.fixture
def another(running: Netconfd) -> Iterator[Outside]:
    """Another session of somebody else, for locks and edits that are left lying about."""
    session = running.session()
    yield session
    session.close()
