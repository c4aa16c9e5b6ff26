"""Addresses to dial and to listen on, and TLS options."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest
import trustme

from sdnctl.errors import DeviceError
from sdnctl.southbound.openflow.address import Address, parse_address, tls_context


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("tcp:192.0.2.1:6654", Address("tcp", "192.0.2.1", 6654)),
        ("tcp:192.0.2.1", Address("tcp", "192.0.2.1", 6653)),
        ("ssl:switch.example:1", Address("ssl", "switch.example", 1)),
        ("ssl:[2001:db8::1]:7", Address("ssl", "2001:db8::1", 7)),
        ("tcp:[2001:db8::1]", Address("tcp", "2001:db8::1", 6653)),
        ("unix:/run/a b/br0.mgmt", Address("unix", path="/run/a b/br0.mgmt")),
        ("unix:/run/x:y", Address("unix", path="/run/x:y")),
        ("ptcp:", Address("tcp", "", 6653, listen=True)),
        ("ptcp:0:127.0.0.1", Address("tcp", "127.0.0.1", 0, listen=True)),
        ("pssl:6653:[::1]", Address("ssl", "::1", 6653, listen=True)),
        ("punix:/run/of.sock", Address("unix", path="/run/of.sock", listen=True)),
    ],
)
def test_addresses(text: str, address: Address) -> None:
    assert parse_address(text) == address
    assert parse_address(str(address)) == address


@pytest.mark.parametrize(
    "text",
    ["", "tcp", "tcp:", "tcp::6653", "unix:", "punix:", "udp:1.2.3.4", "tcp:h:port", "tcp:h:70000", "tcp:h:-1",
     "tcp:[::1", "tcp:[::1]6653", "memory:/x", "ptcp:x", "tcp:h:६"],
)  # fmt: skip
def test_bad_addresses(text: str) -> None:
    with pytest.raises(DeviceError) as caught:
        parse_address(text)
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.code == "bad-address"
    assert repr(text) in diagnostic.summary
    assert "tcp:HOST" in diagnostic.hint


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    authority = trustme.CA()
    leaf = authority.issue_cert("controller.example")
    folder = tmp_path / "with space"
    folder.mkdir()
    leaf.private_key_pem.write_to_path(folder / "key.pem")
    leaf.cert_chain_pems[0].write_to_path(folder / "cert.pem")
    authority.cert_pem.write_to_path(folder / "ca.pem")
    names = {"private_key": "key.pem", "certificate": "cert.pem", "ca_certificate": "ca.pem"}
    return {option: f"file:{folder / name}" for option, name in names.items()}


@pytest.mark.parametrize("server", [True, False])
def test_tls_demands_a_certificate_of_the_peer(files: dict[str, str], server: bool) -> None:
    context = tls_context(files, server=server)
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2
    assert not context.check_hostname
    named = tls_context({**files, "server_name": "controller.example"}, server=server)
    assert named.check_hostname is (not server)


def test_missing_tls_options_are_all_named(files: dict[str, str]) -> None:
    del files["certificate"], files["ca_certificate"]
    with pytest.raises(DeviceError, match="certificate, ca_certificate"):
        tls_context(files, server=False)


def test_secrets_are_references(files: dict[str, str]) -> None:
    with pytest.raises(DeviceError, match="not a reference to a file"):
        tls_context({**files, "private_key": "-----BEGIN"}, server=False)


@pytest.mark.parametrize("option", ["private_key", "certificate", "ca_certificate"])
def test_unusable_tls_files(files: dict[str, str], option: str, tmp_path: Path) -> None:
    with pytest.raises(DeviceError) as caught:
        tls_context({**files, option: f"file:{tmp_path}/absent.pem"}, server=False)
    assert caught.value.diagnostics[0].code == "tls-files"
    broken = tmp_path / "broken.pem"
    broken.write_text("not a key")
    with pytest.raises(DeviceError) as caught:
        tls_context({**files, option: f"file:{broken}"}, server=True)
    assert str(broken) in str(caught.value)
