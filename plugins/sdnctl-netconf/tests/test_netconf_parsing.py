"""Framing, replies and patterns under any input: what is written is read again, and nothing else gets through."""

from __future__ import annotations

import contextlib
import itertools
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from ncclient.transport.errors import SessionCloseError
from ncclient.transport.session import SessionListener
from sdnctl_netconf.framing import Framer, FramingError, frame
from sdnctl_netconf.pattern import BASE, NAMESPACE, Pattern, PatternError
from sdnctl_netconf.platform import Platform, load, platform_of
from sdnctl_netconf.session import ChannelSession, GarbageError

from sdnctl.dataplane.attachment import Attachment
from sdnctl.errors import DeviceError
from sdnctl.southbound.base import Target

EXAMPLES = settings(max_examples=40)
MESSAGES = st.lists(st.binary(min_size=1, max_size=80).filter(lambda text: b"]]>" not in text + b"]]"), max_size=5)
NAMES = st.text(
    st.characters(min_codepoint=33, max_codepoint=0x2FF, exclude_characters=".<>&"), min_size=1, max_size=12
)
IF = "urn:ietf:params:xml:ns:yang:ietf-interfaces"


def optional(numbers: st.SearchStrategy[int]) -> st.SearchStrategy[int | None]:
    return st.none() | numbers


ATTACHMENTS = st.builds(
    Attachment,
    port=NAMES,
    uplink=NAMES,
    tag=st.integers(2, 4_094),
    endpoint=NAMES,
    vlan=optional(st.integers(1, 4_094)),
    rate=optional(st.integers(1, 10**12)),
    burst=optional(st.integers(1, 2**32 - 1)),
    priority=optional(st.integers(0, 7)),
)


@pytest.fixture(scope="module")
def ietf() -> Platform:
    return platform_of(Target("sw", "", options={}))


# ── framing ──────────────────────────────────────────────────────────────────────────────────────


def pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    return [data[start:end] for start, end in itertools.pairwise(places)]


@EXAMPLES
@given(MESSAGES, st.lists(st.integers(0, 10_000), max_size=8), st.booleans())
def test_messages_come_out_as_they_went_in(messages: list[bytes], cuts: list[int], chunked: bool) -> None:
    framer = Framer()
    framer.chunked = chunked
    sent = b"".join(frame(message, chunked=chunked) for message in messages)
    assert [message for piece in pieces(sent, cuts) for message in framer.feed(piece)] == messages


@EXAMPLES
@given(st.lists(st.binary(min_size=1, max_size=30), min_size=1, max_size=6))
def test_a_message_in_many_chunks(chunks: list[bytes]) -> None:
    framer = Framer()
    framer.chunked = True
    sent = b"".join(b"\n#%d\n%b" % (len(chunk), chunk) for chunk in chunks) + b"\n##\n"
    assert framer.feed(sent) == [b"".join(chunks)]


@settings(max_examples=80)
@given(st.lists(st.binary(max_size=40) | st.sampled_from([b"\n#", b"\n##\n", b"\n#5\n", b"]]>]]>"]), max_size=8))
def test_any_bytes_are_messages_or_a_framing_error(data: list[bytes]) -> None:
    for chunked in (False, True):
        framer = Framer(limit=64)
        framer.chunked = chunked
        with contextlib.suppress(FramingError):
            for piece in data:
                assert all(len(message) <= 64 for message in framer.feed(piece))
                assert len(framer._buffer) + len(framer._message) <= 64 + 40 + 16, "what is held has a bound"


@pytest.mark.parametrize(
    "data",
    [b"x", b"\n#0\n", b"\n#01\n", b"\n##\n", b"\n#12345678901\n", b"\n#9999999999\n", b"\n#-1\n", b"\n# 1\n"],
)
def test_what_begins_no_chunk(data: bytes) -> None:
    framer = Framer()
    framer.chunked = True
    with pytest.raises(FramingError, match="at octet 0"):
        framer.feed(data)


# ── replies ──────────────────────────────────────────────────────────────────────────────────────


class Recorded:
    """A channel that has said everything there is."""

    def __init__(self, said: list[bytes]) -> None:
        self._said = [piece for piece in said if piece]

    def recv(self, most: int) -> bytes:
        return self._said.pop(0) if self._said else b""

    def close(self) -> None:
        pass


class Waiting(SessionListener):  # type: ignore[misc]
    def __init__(self) -> None:
        self.heard: list[str] = []
        self.errors: list[Exception] = []

    def callback(self, root: Any, raw: str) -> None:
        self.heard.append(raw)

    def errback(self, ex: Exception) -> None:
        self.errors.append(ex)


XML = st.recursive(
    st.text("<>&;/ax!-[]?\"'= \n\x00é", max_size=20),
    lambda inside: st.builds("<{0}>{1}</{0}>".format, st.sampled_from(["a", "rpc-reply", "data", "x:y"]), inside),
    max_leaves=4,
)


@EXAMPLES
@given(st.lists(XML.map(str.encode) | st.binary(max_size=60), max_size=4), st.booleans())
def test_whoever_waits_is_told_why_it_ended(said: list[bytes], framed: bool) -> None:
    session = ChannelSession(
        Recorded([frame(each, chunked=True) if framed else each for each in said]), limit=1_000
    )
    session._framer.chunked = True
    waiting = Waiting()
    session.add_listener(waiting)
    session.run()
    assert isinstance(session.failure, SessionCloseError | FramingError | GarbageError)
    assert waiting.errors == [session.failure]
    for message in waiting.heard:
        assert etree.fromstring(message.encode()).tag.endswith(("}rpc-reply", "}hello", "}notification"))


# ── patterns ─────────────────────────────────────────────────────────────────────────────────────


def held_after(platform: Platform, config: Any, ports: set[str]) -> Any:
    """What a device holds that did as it was told: removals are gone, all else is as it was sent."""
    data = etree.fromstring(etree.tostring(config))
    for entry in data.iterfind(f".//*[@{{{BASE}}}operation='remove']"):
        entry.getparent().remove(entry)
    more = etree.SubElement(data, f"{{{IF}}}interfaces")
    for port in sorted(ports):
        etree.SubElement(etree.SubElement(more, f"{{{IF}}}interface"), f"{{{IF}}}name").text = port
    return platform.read(data)


@EXAMPLES
@given(st.lists(ATTACHMENTS, max_size=4, unique_by=lambda one: one.key))
def test_what_is_written_is_what_is_read(ietf: Platform, wanted: list[Attachment]) -> None:
    running = held_after(ietf, ietf.edit(wanted, []), {one.port for one in wanted})
    assert running.attachments == {one.key: one for one in wanted}
    assert running.foreign == {}
    assert set(running.ports) == {one.port for one in wanted}


@EXAMPLES
@given(ATTACHMENTS, ATTACHMENTS)
def test_removal_names_nothing_but_keys(ietf: Platform, gone: Attachment, other: Attachment) -> None:
    config = ietf.edit([other], [gone])
    entries = {entry.get(f"{{{BASE}}}operation"): entry for entry in config.iter(f"{{{IF}}}interface")}
    assert len(entries.pop("replace")) > 1
    if other.key != gone.key:
        assert [child.tag for child in entries["remove"]] == [f"{{{IF}}}name"]
    assert NAMESPACE not in etree.tostring(config).decode()


TREES = st.recursive(
    st.sampled_from(
        ["", "eth1", "eth1.20", "eth1.untagged", "sdnctl x", "101", "true", "9" * 30, "ianaift:l2vlan", "é"]
    ),
    lambda inside: st.lists(
        st.tuples(
            st.sampled_from(["name", "description", "type", "enabled", "attachment", "port", "tag", "policer"]),
            inside,
        ),
        max_size=5,
    ),
    max_leaves=12,
)


def grow(parent: Any, tree: Any) -> None:
    if isinstance(tree, str):
        parent.text = tree
        return
    for name, inside in tree:
        namespace = "urn:sdnctl:yang:attachments" if name in ("attachment", "port", "tag", "policer") else IF
        grow(etree.SubElement(parent, f"{{{namespace}}}{name}"), inside)


@settings(max_examples=50)
@given(st.lists(TREES, max_size=4))
def test_any_configuration_can_be_read(ietf: Platform, entries: list[Any]) -> None:
    data = etree.Element(f"{{{BASE}}}data")
    interfaces = etree.SubElement(data, f"{{{IF}}}interfaces")
    for entry in entries:
        grow(etree.SubElement(interfaces, f"{{{IF}}}interface"), entry)
    running = ietf.read(data)
    for key, attachment in running.attachments.items():
        assert attachment.key == key
    states = ietf.states(data, running.ports)
    assert {state.name for state in states.values()} == set(running.ports)


def test_the_same_configuration_with_other_prefixes(ietf: Platform) -> None:
    wanted = Attachment("eth1", "eth9", 101, "school-1", priority=5)
    text = etree.tostring(ietf.edit([wanted], [])).decode()
    assert held_after(ietf, etree.fromstring(text.replace("ianaift", "ift")), set()).attachments == {
        wanted.key: wanted
    }
    other = re.sub('xmlns:ianaift="[^"]*"', 'xmlns:ianaift="urn:other"', text)
    held = held_after(ietf, etree.fromstring(other), set()).attachments
    assert [one.tag for one in held.values()] == [0], "an identity of another module is something else"


NESTED = f"""<ports xmlns:p="{NAMESPACE}"><port><name>{{port}}</name><units>
  <unit p:entry="yes"><id p:key="yes">{{vlan|all}}</id><to>{{uplink}}:{{tag}}</to>
  <text>{{description}}</text></unit></units></port></ports>"""


def test_entries_of_a_list_in_a_list() -> None:
    parser = etree.XMLParser(remove_blank_text=True)
    pattern = Pattern(etree.fromstring(NESTED, parser), frozenset({"vlan", "tag"}))
    values = {"port": "eth1", "vlan": 20, "uplink": "eth9", "tag": 101, "description": "sdnctl a"}
    assert pattern.identity(values) == ("eth1", "20")
    kept, gone = pattern.render(values, "replace"), pattern.render({**values, "vlan": None}, "remove")
    assert [child.tag for child in gone.iter("unit", "id", "to", "name")] == ["name", "unit", "id"]
    assert gone.findtext(".//id") == "all"
    data = etree.Element("data")
    data.append(kept)
    (found,) = pattern.occurrences(data)
    assert (found.values, found.differs) == (values, [])


@pytest.mark.parametrize(
    ("inside", "word"),
    [
        ("<attachment><a/></attachment>", "0 elements are marked as entry"),
        ("<attachment><a p:entry='y'>{port} {port}</a></attachment>", "no text with placeholders"),
        ("<attachment><a p:entry='y'>{uplink} {tag} {description} {port} {colour}</a></attachment>", "colour"),
        ("<attachment><a p:entry='y'>{port}</a></attachment>", "needs description, tag, uplink"),
        ("<attachment/>", "section"),
        ("<extra><a/></extra>", "<extra>"),
        ("", "0 sections <attachment>"),
        ("<attachment><a>", "mismatch"),
    ],
)
def test_a_platform_that_says_nothing(inside: str, word: str) -> None:
    text = f'<platform xmlns="{NAMESPACE}" xmlns:p="{NAMESPACE}">\n{inside}</platform>'
    with pytest.raises(DeviceError, match=re.escape(word)) as caught:
        load("bad", text.encode(), "bad.xml")
    assert re.search(r"bad\.xml:[12]\b", str(caught.value))


def test_a_platform_reads_no_other_files(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("hunter2")
    text = (
        f'<!DOCTYPE p [<!ENTITY e SYSTEM "file://{tmp_path}/secret">]><platform xmlns="{NAMESPACE}">&e;</platform>'
    )
    with pytest.raises(DeviceError) as caught:
        load("bad", text.encode(), "bad.xml")
    assert "hunter2" not in str(caught.value)


def test_a_number_that_a_platform_cannot_express() -> None:
    root = etree.fromstring(f'<a xmlns:p="{NAMESPACE}" p:entry="y"><r>{{rate/1000}}</r></a>')
    pattern = Pattern(root, frozenset({"rate"}))
    assert pattern.render({"rate": 5_000}, "replace").findtext("r") == "5"
    with pytest.raises(PatternError, match="no multiple of 1000"):
        pattern.render({"rate": 5_001}, "replace")
