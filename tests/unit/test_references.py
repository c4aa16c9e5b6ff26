"""Secrets by reference, scrubbing, and keys of SSH servers."""

from __future__ import annotations

import base64
import hashlib
import hmac
from pathlib import Path

import pytest

from sdnctl.errors import DeviceError
from sdnctl.southbound.base import Target
from sdnctl.southbound.references import MASK, file_of, fingerprint, host_keys, optional, resolve, scrub

KEY = b"\x00\x00\x00\x0bssh-ed25519\x00\x00\x00 " + bytes(range(32))
OTHER = b"\x00\x00\x00\x0bssh-ed25519\x00\x00\x00 " + bytes(32)


def code(error: DeviceError) -> str:
    return error.diagnostics[0].code


def line(names: str, key: bytes = KEY, marker: str = "") -> str:
    return f"{marker}{' ' if marker else ''}{names} ssh-ed25519 {base64.b64encode(key).decode()} comment\n"


def known(tmp_path: Path, text: str) -> Target:
    path = tmp_path / "known hosts"
    path.write_text(text)
    return Target("sw-school", "ssh://192.0.2.9", options={"host_key": f"file:{path}"})


def test_what_references_lead_to(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SCHOOL_PASSWORD", "tr0ub4dor")
    (tmp_path / "enable").write_text("horse\r\n")
    target = Target("sw", "", options={"password": "env:SCHOOL_PASSWORD", "enable": f"file:{tmp_path}/enable"})
    password, enable = optional(target, "password"), optional(target, "enable")
    assert password is not None
    assert enable is not None
    assert (password.get_secret_value(), enable.get_secret_value()) == ("tr0ub4dor", "horse")
    assert "tr0ub4dor" not in f"{password} {password!r}"
    assert optional(target, "community") is None
    assert file_of(Target("sw", "", options={"key": f"file:{tmp_path}/enable"}), "key") == tmp_path / "enable"


@pytest.mark.parametrize("clear", ["tr0ub4dor", "env:tr0ub4dor-3", "file:", "https://tr0ub4dor", ""])
def test_what_is_no_reference_is_refused_unseen(clear: str) -> None:
    with pytest.raises(DeviceError) as caught:
        resolve(clear, device="sw-school", option="password")
    assert code(caught.value) == "secret-in-clear"
    assert "sw-school" in str(caught.value)
    assert "password" in str(caught.value)
    assert "tr0ub4dor" not in str(caught.value)


def test_what_references_do_not_lead_to(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("EMPTY", "")
    (tmp_path / "none").write_text("\n")
    (tmp_path / "binary").write_bytes(b"secret\xff\xfe")
    (tmp_path / "large").write_bytes(b"x" * 70_000)
    names = ["env:NOBODY_SET_THIS", "env:EMPTY", "file:/nowhere/at/all"]
    for reference in [*names, *(f"file:{tmp_path}/{name}" for name in ("none", "binary", "large", "."))]:
        with pytest.raises(DeviceError) as caught:
            resolve(reference, device="sw", option="password")
        assert code(caught.value) == "secret-missing", reference
        assert "secret\\xff" not in str(caught.value)
        assert caught.value.__cause__ is None, "a traceback would show what was read"


def test_scrubbing_takes_out_every_form() -> None:
    secret = "p\"a\\ss'word"
    said = f"login {secret} failed: {secret!r}, Basic {base64.b64encode(secret.encode()).decode()}"
    assert scrub(said, [secret, None, ""]) == f"login {MASK} failed: {scrub(repr(secret), [secret])}, Basic {MASK}"
    assert "word" not in scrub(said, [secret])
    assert scrub("abcdef abc", ["abc", "abcdef"]) == f"{MASK} {MASK}", "the longer one first"
    key = "-----BEGIN KEY-----\nb3BlbnNzaC1rZXktdjEAAA\n-----END KEY-----"
    assert "b3Blbn" not in scrub("line 2: b3BlbnNzaC1rZXktdjEAAA", [key])


def test_fingerprints_are_openssh_s() -> None:
    digest = hashlib.sha256(KEY).digest()
    assert fingerprint(KEY) == "SHA256:" + base64.b64encode(digest).decode().rstrip("=")


def test_a_known_fingerprint() -> None:
    keys = host_keys(Target("sw-school", "", options={"host_key": fingerprint(KEY)}), "192.0.2.9")
    keys.check(KEY)
    with pytest.raises(DeviceError) as caught:
        keys.check(OTHER)
    said = str(caught.value)
    assert code(caught.value) == "host-key-changed"
    assert all(part in said for part in ("sw-school", fingerprint(OTHER), fingerprint(KEY), "host_key"))


def test_an_unknown_key_is_never_trusted() -> None:
    with pytest.raises(DeviceError) as caught:
        host_keys(Target("sw-school", ""), "192.0.2.9").check(KEY)
    assert code(caught.value) == "host-key-unknown"
    assert f'host_key: "{fingerprint(KEY)}"' in str(caught.value)


@pytest.mark.parametrize("value", ["SHA256:short", "MD5:aa:bb", "file:", "yes"])
def test_what_is_no_host_key(value: str) -> None:
    with pytest.raises(DeviceError) as caught:
        host_keys(Target("sw-school", "", options={"host_key": value}), "192.0.2.9")
    assert code(caught.value) == "bad-host-key"


def hashed(name: str) -> str:
    salt = b"0123456789abcdefghij"
    digest = hmac.digest(salt, name.encode(), "sha1")
    return f"|1|{base64.b64encode(salt).decode()}|{base64.b64encode(digest).decode()}"


@pytest.mark.parametrize(
    ("names", "port", "found"),
    [
        ("192.0.2.9", 22, True),
        ("sw-school.example,192.0.2.9", 22, True),
        ("192.0.2.*", 22, True),
        ("192.0.2.*,!192.0.2.9", 22, False),
        ("192.0.2.9", 2222, False),
        ("[192.0.2.9]:2222", 2222, True),
        ("[192.0.2.9]:2222", 22, False),
        (hashed("192.0.2.9"), 22, True),
        (hashed("[192.0.2.9]:2222"), 2222, True),
        (hashed("192.0.2.8"), 22, False),
        ("|1|rubbish", 22, False),
    ],
)
def test_known_hosts_files(tmp_path: Path, names: str, port: int, found: bool) -> None:
    text = f"# comment\n\nshort line\n{line('192.0.2.1', OTHER)}{line(names)}"
    keys = host_keys(known(tmp_path, text), "192.0.2.9", port)
    assert keys.accepted == ({fingerprint(KEY)} if found else set())
    if found:
        keys.check(KEY)
        assert keys.types == {"ssh-ed25519"}


def test_a_revoked_key_and_authorities(tmp_path: Path) -> None:
    text = line("192.0.2.9") + line("*", marker="@revoked") + line("*", OTHER, marker="@cert-authority")
    keys = host_keys(known(tmp_path, text), "192.0.2.9")
    for key in (KEY, OTHER):
        with pytest.raises(DeviceError) as caught:
            keys.check(key)
        assert code(caught.value) == "host-key-changed"
