"""Parsers against what devices may say: configurations, answers of eAPI, getters; candidates against a model."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sdnctl_napalm.candidate import changed, lines_to
from sdnctl_napalm.getters import neighbours_of, ports_of, transceivers_of
from sdnctl_napalm.masking import mask
from sdnctl_napalm.platforms.eos import Eos
from sdnctl_napalm.simulator import SimulatedEos
from sdnctl_napalm.stanzas import parse

from sdnctl.dataplane.attachment import Attachment
from sdnctl.units import Power

UPLINK = "Ethernet9"
EOS = Eos()
FOREIGN = (
    f"interface {UPLINK}", "description vers le coeur", "no switchport",
    f"interface {UPLINK}.10", "description gestion", "vlan id 10", "encapsulation vlan", "client dot1q 10",
    "vlan 10", "name gestion", "interface Ethernet8", "switchport mode access", "switchport access vlan 10",
    "interface Ethernet3", "mtu 9000", "ntp server 192.0.2.1", "username admin secret sha512 $6$abc",
)  # fmt: skip


def a_switch() -> SimulatedEos:
    device = SimulatedEos()
    device.configure(*FOREIGN)
    return device


@st.composite
def attachments(draw: st.DrawFn) -> dict[Any, Attachment]:
    """Up to six attachments that can be there together."""
    keys = draw(
        st.lists(
            st.tuples(st.sampled_from([f"Ethernet{n}" for n in range(1, 5)]), st.none() | st.integers(1, 4094)),
            max_size=6,
            unique=True,
        )
    )
    tags = draw(st.lists(st.integers(11, 4094), min_size=len(keys), max_size=len(keys), unique=True))
    made = {}
    for (port, vlan), tag in zip(keys, tags, strict=True):
        rate = draw(st.none() | st.integers(1, 10**11))
        made[port, vlan] = Attachment(
            port,
            UPLINK,
            tag,
            draw(st.from_regex(r"[a-z0-9é!\"'][ -~]{0,20}[a-z0-9!]", fullmatch=True)),
            vlan,
            rate,
            draw(st.integers(1, 10**7)) if rate is not None else None,
            draw(st.none() | st.integers(0, 7)),
        )
    return made


@settings(deadline=None, max_examples=50)
@given(attachments(), attachments())
def test_candidates_lead_from_anything_to_anything(
    first: dict[Any, Attachment], second: dict[Any, Attachment]
) -> None:
    """Each leaves exactly what is wanted, everybody else's lines, and in the end no trace."""
    device = a_switch()
    empty = device.text
    rest = EOS.read(empty).rest
    for wanted in (first, second, {}):
        held = EOS.read(device.text)
        keys = changed(held.attachments, wanted)
        new = [wanted[key] for key in keys if key in wanted]
        assert EOS.check("sw", held, new, [wanted[key] for key in wanted if key not in keys]) == []
        device.configure(*(line.text for line in lines_to("eos", held, wanted)))
        after = EOS.read(device.text)
        assert after.attachments == wanted
        assert after.rest == rest
    assert device.text == empty


@st.composite
def damaged(draw: st.DrawFn) -> str:
    """A configuration with attachments in which a few characters or lines were changed."""
    device = a_switch()
    device.configure(*(line.text for line in lines_to("eos", EOS.read(device.text), draw(attachments()))))
    text = device.text
    for _ in range(draw(st.integers(1, 4))):
        at, length = draw(st.integers(0, len(text))), draw(st.integers(0, 30))
        text = text[:at] + draw(st.text(max_size=12)) + text[at + length :]
    return text


@given(damaged() | st.text())
def test_a_damaged_configuration_is_read_or_refused_with_its_line(text: str) -> None:
    held, said = None, ""
    try:
        held = EOS.read(text)
    except ValueError as error:
        said = str(error)
    if held is None:
        assert "line" in said
        return
    assert all(key == attachment.key for key, attachment in held.attachments.items())
    assert set(held.numbers) == set(held.attachments)


def test_banners_are_not_configuration() -> None:
    text = "banner login\ninterface Ethernet1.101\n   description sdnctl fake\nEOF\nhostname a\n"
    assert EOS.read(text).attachments == {}
    assert [stanza.line for stanza in parse(text)] == ["banner login", "hostname a"]
    with pytest.raises(ValueError, match="line 1 does not end"):
        parse("banner login\nnever ends\n")


def test_what_was_pasted_into_a_description_stays_in_it() -> None:
    text = (
        "interface Ethernet1\r\n   description salle\u00a0: 3\u2028interface Ethernet2.101\r\n   no switchport\r\n"
    )
    held = EOS.read(text)
    assert held.ports == held.routed == {"Ethernet1"}
    assert held.stanzas == {}


def test_nesting_without_end_is_refused() -> None:
    with pytest.raises(ValueError, match="line 13"):
        parse("\n".join(" " * depth + "x" for depth in range(5_000)))


def test_a_long_list_of_vlans_is_read_as_it_stands() -> None:
    assert set(EOS.read("vlan 1,5-7,4094\n").tags) == {1, 5, 6, 7, 4094}
    assert EOS.read("vlan 9999-1\nvlan 1-2-3\n").tags.keys() == {1, 2}


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
powers = st.fixed_dictionaries({"instant": json_values})
optics = st.dictionaries(
    st.text(max_size=12),
    json_values
    | st.fixed_dictionaries(
        {
            "physical_channels": json_values
            | st.fixed_dictionaries(
                {
                    "channel": json_values
                    | st.lists(st.fixed_dictionaries({"state": st.fixed_dictionaries({"input_power": powers})}))
                }
            )
        }
    ),
    max_size=3,
)
heard = st.dictionaries(
    st.text(max_size=12),
    st.lists(st.fixed_dictionaries({}, optional={"remote_port": json_values, "hostname": json_values}))
    | json_values,
    max_size=3,
)


@given(json_values | optics, json_values | heard, json_values)
def test_getters_may_say_anything(light: Any, neighbours: Any, interfaces: Any) -> None:
    for transceiver in transceivers_of(light):
        assert transceiver.rx_power is None or -60 <= transceiver.rx_power <= 30
    assert all(isinstance(neighbour.device, str) for neighbour in neighbours_of(neighbours))
    assert all(port.up in (True, False, None) for port in ports_of(interfaces))


def lanes(*received: float) -> dict[str, Any]:
    channels = [{"state": {"input_power": {"instant": power}}} for power in received]
    return {"Ethernet1": {"physical_channels": {"channel": channels}}}


def test_the_weakest_lane_counts_and_zero_is_not_said() -> None:
    assert [one.rx_power for one in transceivers_of(lanes(-3.0, -9.5, -4.0))] == [Power(-9.5)]
    assert [one.rx_power for one in transceivers_of(lanes(0.0, -2.0))] == [Power(-2.0)]
    assert transceivers_of(lanes(0.0)) == ()
    assert transceivers_of(lanes(float("nan"), float("-inf"))) == ()


@given(
    st.sampled_from(["password", "secret sha512", "key 7", "community", "Authentication md5", "KEY"]),
    st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1),
)
def test_secrets_of_a_configuration_are_masked(word: str, secret: str) -> None:
    assert mask(f"before\nsnmp {word} {secret}\nafter").splitlines()[1].endswith(" [secret]")


@given(st.text(max_size=80) | st.integers(0, 10**9).map(lambda n: f"CLI command {n} of 9 'x' failed"))
def test_any_message_is_about_a_line_or_none(message: str) -> None:
    assert EOS.failed_line(message) is None or isinstance(EOS.failed_line(message), int)


@settings(deadline=None)  # NAPALM is imported in it
@given(st.binary(max_size=200) | json_values.map(lambda value: json.dumps(value).encode()))
def test_any_answer_is_an_answer_or_unreadable(body: bytes) -> None:
    from sdnctl_napalm import libraries
    from sdnctl_napalm.eapi import CheckedEapi, _decode

    transport = CheckedEapi("127.0.0.1", 9)
    try:
        answer = transport._checked(_decode(body), '{"params": {"cmds": ["enable"]}}')
    except (libraries.Unreadable, libraries.CommandError):
        return
    assert len(answer["result"]) == 1


errors = st.fixed_dictionaries({"code": json_values, "message": json_values}, optional={"data": json_values})


@settings(deadline=None)  # NAPALM is imported in it
@given(st.fixed_dictionaries({"error": json_values | errors}))
def test_any_error_is_an_error_or_unreadable(answer: dict[str, Any]) -> None:
    from sdnctl_napalm import libraries

    transport = libraries.CheckedEapi("127.0.0.1", 9)
    with pytest.raises((libraries.Unreadable, libraries.CommandError)):
        transport._checked(answer, '{"params": {"cmds": ["enable"]}}')
