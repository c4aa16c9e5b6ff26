"""Attachments of three schools at a netconfd, and what the errors of a driver must say of it."""

from __future__ import annotations

from sdnctl.dataplane.attachment import Attachment
from sdnctl.errors import DeviceError
from sdnctl.testing.secrets import assert_hidden
from sdnctl_netconf.testing.netconfd import UPLINK

WANTED = tuple(
    Attachment(f"eth{number}", UPLINK, 100 + number, f"school-{number}", rate=2_000_000, burst=25_000, priority=5)
    for number in (1, 2, 3)
)
OURS = ["eth1.untagged", "eth2.untagged", "eth3.untagged"]
"""The interfaces that they become."""


def described(error: DeviceError, code: str, *words: str) -> str:
    """The text of the error, which must have this code and these words, and no secret, nor may its causes."""
    text = str(error)
    assert code in {found.code for found in error.diagnostics}, text
    for word in ("sw-school", *words):
        assert word in text, f"{word!r} is not in: {text}"
    assert_hidden(error, ["wörd"])  # of the password, whatever is quoted in it
    return text
