"""A simulated Arista switch for every test, behind eAPI on loopback, over HTTP or HTTPS."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import trustme
from sdnctl_napalm.simulator import EapiServer, SimulatedEos

from sdnctl.southbound.base import Target

USER, PASSWORD, ENABLE = "sdnctl", "rue-de-l'école 9", "vaudou/7"
DEVICE, UPLINK = "sw-school", "Ethernet9"


class Lab:
    """Switches that end with the test, and targets that lead to them."""

    def __init__(self, stack: ExitStack, folder: Path) -> None:
        self._stack = stack
        self.folder = folder
        for name, value in (("password", PASSWORD), ("enable", ENABLE)):
            (folder / name).write_text(value + "\n")

    def switch(self, *, context: ssl.SSLContext | None = None, enable: bool = False) -> EapiServer:
        """A switch whose uplink is set up, and nothing else."""
        device = SimulatedEos(DEVICE)
        device.configure(f"interface {UPLINK}", "description vers le coeur", "no switchport")
        server = EapiServer(device, USER, PASSWORD, enable=ENABLE if enable else "", context=context)
        return self._stack.enter_context(server)

    def target(self, server: EapiServer, **options: str) -> Target:
        given = {
            "platform": "eos",
            "username": USER,
            "password": f"file:{self.folder}/password",
            "timeout": "5",
            **({"enable": f"file:{self.folder}/enable"} if server.enable else {}),
            **options,
        }
        return Target(DEVICE, server.address, options=given)


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    with ExitStack() as stack:
        yield Lab(stack, tmp_path)


@pytest.fixture
def server(lab: Lab) -> EapiServer:
    return lab.switch()


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA(key_type=trustme.KeyType.ECDSA)


@pytest.fixture
def served_by(authority: trustme.CA) -> Callable[[str], tuple[ssl.SSLContext, bytes]]:
    """A server's TLS for a certificate of this name, and the certificate in DER."""

    def make(name: str) -> tuple[ssl.SSLContext, bytes]:
        issued = authority.issue_cert(name)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        issued.configure_cert(context)
        return context, ssl.PEM_cert_to_DER_cert(issued.cert_chain_pems[0].bytes().decode())

    return make
