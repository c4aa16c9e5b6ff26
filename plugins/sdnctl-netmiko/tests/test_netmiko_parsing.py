"""What devices print, as values: whatever comes, it is read or refused in words; what we type is read back."""

from __future__ import annotations

import contextlib
import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sdnctl_netmiko.changes import check, differences, folded, steps
from sdnctl_netmiko.parsing import Running, Unreadable, read_ports, read_running
from sdnctl_netmiko.platform import BUILT_IN, Platform, built_in, load_platform
from sdnctl_netmiko.testing.ios import CUSTOMERS, UPLINK, IosSwitch

from sdnctl.dataplane.attachment import Attachment
from sdnctl.errors import DeviceError, DeviceRefused
from sdnctl.plan.model import AttachmentChange, Op

FRR = """\
Building configuration...

Current configuration:
!
frr version 8.4.4
!
interface eth1.42
 description sdnctl school-1
 pbr-policy sdnctl-1100
exit
!
interface eth2
 shutdown
 description sdnctl school-2
 pbr-policy sdnctl-1101
exit
!
interface eth3 vrf red
 ip address 192.0.2.1/24
exit
!
interface eth4.7
 description somebody
exit
!
interface eth9
 description to cabinet X
exit
!
interface eth9.1100
 description sdnctl school-1
exit
!
interface eth9.1101
 description sdnctl school-2
exit
!
interface eth9.1105
 description leased line
exit
!
pbr-map sdnctl-1100 seq 10
 set pcp 5
exit
!
pbr-map sdnctl-1101 seq 10
exit
!
pbr-map sdnctl-1102 seq 10
exit
!
route-map sdnctl-undo deny 1
 description [12,"eth1",null,null]
exit
!
end
"""


def platform(name: str) -> Platform:
    return load_platform(name, None, "device")


def read(name: str, text: str, uplink: str) -> Running:
    kind = platform(name)
    return read_running(kind.parser("running.textfsm", uplink=uplink), text, kind.settings.complete)


def test_a_configuration_of_frr() -> None:
    running = read("frr", FRR, "eth9")
    first = Attachment("eth1", "eth9", 1100, "school-1", 42, None, None, 5)
    second = Attachment("eth2", "eth9", 1101, "school-2")
    assert running.attachments == {first.key: first, second.key: second}
    assert running.foreign == {("eth3", None): "ip address 192.0.2.1/24", ("eth4", 7): "description somebody"}
    assert running.foreign_tags == {1105: "description leased line"}
    assert running.leftover == {1102}
    assert running.undo == ('[12,"eth1",null,null]',)
    assert running.foreign_ports == {"eth3", "eth4"}


def test_counters_of_interfaces() -> None:
    kind = platform("ios")
    ports = read_ports(kind.parser("ports.textfsm", uplink=UPLINK), IosSwitch().interfaces())
    assert [port.name for port in ports.values()] == [*CUSTOMERS, UPLINK]
    first = ports[1]
    assert (first.up, first.rx_packets, first.rx_bytes, first.rx_dropped) == (True, 12, 840, 3)
    assert (first.tx_packets, first.tx_bytes) == (34, 2380)


# ── anything at all ──────────────────────────────────────────────────────────────────────────────

LINES = [line for line in [*FRR.splitlines(), *IosSwitch().config.text().splitlines()] if line]
NEARLY = st.lists(st.one_of(st.sampled_from(LINES), st.text(max_size=30)), max_size=40).map("\n".join)


@pytest.mark.parametrize("name", built_in())
@given(
    text=st.one_of(NEARLY, st.text(max_size=300), st.binary(max_size=300).map(lambda data: data.decode("latin-1")))
)
@settings(max_examples=60, deadline=None, derandomize=True)
def test_whatever_comes_is_read_or_refused(name: str, text: str) -> None:
    """Neither running configurations nor ports ever raise anything else, also with the end where it belongs."""
    kind = platform(name)
    for whole in (text, f"{text}\nend\n"):
        with contextlib.suppress(Unreadable):
            running = read_running(kind.parser("running.textfsm", uplink="eth9"), whole, kind.settings.complete)
            assert all(key == held.key for key, held in running.attachments.items())
            assert all(0 <= held.tag <= 10**20 for held in running.attachments.values())
        with contextlib.suppress(Unreadable):
            read_ports(kind.parser("ports.textfsm", uplink="eth9"), whole)


@given(cut=st.integers(0, len(FRR) - 6))
@settings(max_examples=30, deadline=None, derandomize=True)
def test_a_part_is_never_taken_for_the_whole(cut: int) -> None:
    with pytest.raises(Unreadable, match="ends after"):
        read("frr", FRR[:cut], "eth9")


# ── what is typed is read back ───────────────────────────────────────────────────────────────────

ENDPOINTS = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_./-]{0,30}", fullmatch=True)


@st.composite
def attachments(draw: st.DrawFn) -> dict[tuple[str, int | None], Attachment]:
    """What one switch may hold: ports with one untagged and several tagged customers, each with its own tag."""
    keys = draw(
        st.lists(
            st.tuples(st.sampled_from(CUSTOMERS), st.one_of(st.none(), st.integers(2, 9))), unique=True, max_size=6
        )
    )
    tags = draw(st.lists(st.integers(100, 199), unique=True, min_size=len(keys), max_size=len(keys)))
    found = {}
    for (port, vlan), tag in zip(keys, tags, strict=True):
        rate = draw(st.one_of(st.none(), st.integers(8000, 10**9)))
        burst = draw(st.one_of(st.none(), st.integers(1000, 10**6))) if rate is not None else None
        priority = draw(st.one_of(st.none(), st.integers(0, 7)))
        found[port, vlan] = Attachment(port, UPLINK, tag, draw(ENDPOINTS), vlan, rate, burst, priority)
    return found


@given(first=attachments(), second=attachments())
@settings(max_examples=30, deadline=None, derandomize=True)
def test_simulated_ios_holds_what_was_typed_and_nothing_is_left(
    first: dict[tuple[str, int | None], Attachment], second: dict[tuple[str, int | None], Attachment]
) -> None:
    """From nothing to one state, to another, and back to nothing; the configuration is then what it was."""
    kind, switch = platform("ios"), IosSwitch()
    empty = switch.config.text()
    for wanted in (first, second, {}):
        running = read("ios", switch.config.text(), UPLINK)
        check("sw", kind, running, wanted)
        for step in steps(kind, running, wanted):
            switch.console(*step.lines)
        assert differences(read("ios", switch.config.text(), UPLINK).attachments, wanted) == []
    assert switch.config.text() == empty


def test_what_is_half_there_can_be_removed() -> None:
    kind, switch = platform("ios"), IosSwitch()
    empty = switch.config.text()
    switch.console(f"interface {CUSTOMERS[0]}", "description sdnctl port", "exit", "policy-map sdnctl-7", "exit")
    running = read("ios", switch.config.text(), UPLINK)
    assert list(running.attachments) == [(CUSTOMERS[0], None)]
    assert running.leftover == {7}
    for step in steps(kind, running, {}):
        switch.console(*step.lines)
    assert switch.config.text().replace("policy-map sdnctl-7\n!\n", "") == empty


def test_folding_and_faults() -> None:
    kind, nothing = platform("frr"), Running({})
    one = Attachment("eth1", "eth9", 101, "school", None, None, None, None)
    after = folded("gw", {}, [AttachmentChange(Op.ADD, one), AttachmentChange(Op.ADD, replace(one, port="eth2"))])
    with pytest.raises(DeviceRefused, match="VLAN 101 of the uplink is that of eth1 already"):
        check("gw", kind, nothing, after)
    with pytest.raises(DeviceRefused, match="cannot do policing"):
        check("gw", kind, nothing, {one.key: replace(one, rate=1)})
    in_use = Running({}, {("eth1", None): "ip address 192.0.2.1/24"})
    with pytest.raises(DeviceRefused, match=re.escape("ip address 192.0.2.1/24")):
        check("gw", kind, in_use, {("eth1", 5): replace(one, vlan=5)})
    check("gw", kind, Running({one.key: one}, in_use.foreign), {one.key: one})


# ── platforms of one's own ───────────────────────────────────────────────────────────────────────


def test_those_that_come_along_are_whole() -> None:
    assert built_in() == ("frr", "frr-reload", "ios")
    for name in built_in():
        assert platform(name).settings.description


@pytest.mark.parametrize(
    ("file", "text", "said"),
    [
        ("platform.yaml", "extends: nobody\n", "there is no folder nobody"),
        ("platform.yaml", "extends: own\n", "there is no folder own"),
        ("platform.yaml", "extends: frr\ncan: [flying]\n", "can"),
        ("platform.yaml", "extends: frr\nrefusal: '('\n", "not a regular expression"),
        ("platform.yaml", "extends: frr\ncolour: red\n", "colour"),
        ("platform.yaml", "a: [\n", "platform.yaml"),
        ("platform.yaml", "- a\n", "not a mapping"),
        ("platform.yaml", "description: all\n", "device_type"),
        ("attach.j2", "{% if %}", "attach.j2"),
        ("running.textfsm", "Value PORT (", "running.textfsm"),
        ("running.textfsm", "Value COLOUR (.*)\n\nStart\n  ^${COLOUR}\n", "COLOUR"),
    ],
)
def test_a_folder_that_is_wrong_says_what(tmp_path: Path, file: str, text: str, said: str) -> None:
    folder = tmp_path / "own"
    folder.mkdir()
    (folder / "platform.yaml").write_text("extends: frr\n")
    (folder / file).write_text(text)
    with pytest.raises(DeviceError) as caught:
        load_platform("own", tmp_path, "gw")
    assert caught.value.diagnostics[0].code == "bad-platform"
    assert said in str(caught.value)
    assert "gw" in str(caught.value)


@pytest.mark.parametrize("name", ["../frr", "", "frr/../frr", "FRR", "nobody"])
def test_names_that_are_no_platform(name: str) -> None:
    with pytest.raises(DeviceError, match="platforms that come along: frr, frr-reload, ios"):
        load_platform(name, None, "gw")


def test_the_helper_for_routers_is_executable() -> None:
    helper = BUILT_IN / "frr-reload" / "device" / "sdnctl-frr"
    assert helper.stat().st_mode & 0o111
