"""`docs/pipeline.md`, held against what is compiled: its tables of tables and of groups are read as patterns.

Every rule of several networks must be one of a row, and every row must have its rules. A row says what is matched
and what is done in the words of the page, in order; ``[x]`` is optional, ``then a if …, else b`` one or the other.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from itertools import product
from pathlib import Path

import pytest
from any_network import SUBJECTS, subject
from compile_networks import demand, endpoint, network
from paths_networks import topology

from sdnctl.compiler.pipeline import compile_network
from sdnctl.compiler.tables import PIPELINE, Kind, read_cookie
from sdnctl.dataplane.values import (
    PORT_CONTROLLER,
    Action,
    ClearInPort,
    Decap,
    DecMplsTtl,
    Encap,
    Flow,
    Group,
    Output,
    PopMpls,
    PopVlan,
    PushMpls,
    PushVlan,
    RuleSet,
    SetField,
    SetQueue,
    ToGroup,
)
from sdnctl.intents.demand import Service
from sdnctl.plan.model import ATTACHING, StageKind

PAGE = (Path(__file__).parents[2] / "docs" / "pipeline.md").read_text(encoding="utf-8")
FRAME = {
    "eth_src", "eth_type", "vlan_vid", "ipv4_src", "ipv4_dst", "arp_spa", "arp_tpa", "ipv6_src", "ipv6_dst",
    "ip_proto", "icmpv6_type", "nd_target",
}  # fmt: skip
"""What "frame selection" may match, beside the port."""

Steps = tuple[str, ...]


def table_of(page: str, heading: str) -> list[list[str]]:
    """The rows of the first table below a heading, without its own heads."""
    section = page.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[2:]]


# ── what the page says ───────────────────────────────────────────────────────────────────────────

WORDS = [
    (r"nothing\b.*", ""),
    (r"`?goto (\d)`?", r"goto \1"),
    (r"metadata := .*", "metadata"),
    (r"meter\b.*", "meter"),
    (r"`SetQueue\(.*", "queue"),
    (r"label := .*", "label"),
    (r"TC := .*", "class"),
    (r"set outer MACs.*", "macs"),
    (r"output to the controller.*", "to controller"),
    (r"`Output\(.*", "output"),
    (r"(?:→ link group of|group of|group := ).*", "group"),
    (r"`(\w+)(\(mpls\)|\(ethernet\)|\(to_ethernet\))`", r"\1\2"),
    (r"`PopMpls\(0x8847\)`", "PopMpls"),
    (r"`(\w+)(?:\(\))?`", r"\1"),
]


def step(text: str) -> str:
    for pattern, made in WORDS:
        if (found := re.fullmatch(pattern, text.strip().removeprefix("then "))) is not None:
            return found.expand(made)
    raise AssertionError(f"the page says something that this test does not know: {text!r}")


def does(text: str) -> set[Steps]:
    """All the ways in which a cell may be carried out."""
    text = text.replace("rewrite, push or pop the C-VID to what the egress endpoint has", "C-VID")
    if (choice := re.fullmatch(r"(.*), then (.*) if .*?, else (.*)", text)) is not None:
        return does(f"{choice[1]}, {choice[2]}") | does(f"{choice[1]}, {choice[3]}")
    parts: list[list[Steps]] = []
    for piece in re.findall(r"\[[^\]]*\](?:, )?|(?:[^,(\[]|\([^)]*\))+", text):
        piece = piece.strip(" ,")
        if piece == "C-VID":
            parts.append([(), ("vlan",), ("PushVlan", "vlan"), ("PopVlan",)])
        elif piece.startswith("["):
            (inner,) = does(re.sub(r" if .*(?=\])", "", piece)[1:-1])
            parts.append([(), inner])
        elif piece:
            parts.append([(made,) if (made := step(piece)) else ()])
    return {tuple(one for part in way for one in part) for way in product(*parts)}


def matches(text: str) -> tuple[set[str], set[str]]:
    """Fields that must be matched, and those that may be."""
    needed = set(re.findall(r"\b(in_port|eth_type|eth_src|mpls_label|mpls_tc|metadata)\b", text))
    if text.startswith("…"):
        needed |= {"eth_type", "mpls_label"}
    if "tagged / untagged" in text:
        needed |= {"vlan_vid"}
    return needed, FRAME if "frame selection" in text else set()


class Row:
    def __init__(self, cells: Sequence[str]) -> None:
        table, priority, match, done = cells
        self.text = " | ".join(cells)
        number, name = table.split()
        assert PIPELINE[int(number)].name == name
        self.place = int(number), int(priority)
        self.needed, self.free = matches(match)
        self.values = {int(text, 16) for text in re.findall(r"eth_type (0x\w+)", match)}
        self.does = does(done)

    def is_of(self, flow: Flow) -> bool:
        named = {name for name, _, _ in flow.match}
        types = {value for name, value, _ in flow.match if name == "eth_type"}
        return (
            (flow.table, flow.priority) == self.place
            and self.needed <= named <= self.needed | self.free
            and (not self.values or types == self.values)
            and steps(flow) in self.does
        )


# ── what is compiled ─────────────────────────────────────────────────────────────────────────────


def actions(found: Iterable[Action]) -> Iterator[str]:
    last = ""
    for action in found:
        match action:
            case SetField("eth_src" | "eth_dst"):
                now = "macs"
            case SetField(name):
                now = {"mpls_label": "label", "mpls_tc": "class", "vlan_vid": "vlan"}[name]
            case Output(port):
                now = "to controller" if port == PORT_CONTROLLER else "output"
            case ToGroup():
                now = "group"
            case SetQueue():
                now = "queue"
            case Encap(header):
                now = f"Encap({header})"
            case Decap(to_ethernet):
                now = "Decap(to_ethernet)" if to_ethernet else "Decap"
            case ClearInPort() | DecMplsTtl() | PopMpls() | PushMpls() | PushVlan() | PopVlan():
                now = type(action).__name__
        if now != last or now != "macs":
            yield now
        last = now


def steps(flow: Flow) -> Steps:
    made = ["meter"] if flow.meter is not None else []
    made += actions(flow.actions)
    made += ["metadata"] if flow.metadata is not None else []
    return (*made, *([f"goto {flow.goto}"] if flow.goto is not None else []))


@cache
def compiled() -> tuple[RuleSet, ...]:
    """Other cities and the example; and demands between the ports of one switch, which none of them has."""
    plain = topology([("a", "b", 1.0), ("b", "c", 2.0), ("c", "a", 4.0)])
    ends = endpoint("p", "a", 60), endpoint("q", "a", 61)
    one_port = endpoint("r", "b", 62, 7, ["10.0.0.0/28"]), endpoint("s", "b", 62, 8, ["10.0.1.0/28"])
    demands = [demand("whole", *way, Service.LINE) for way in (ends, ends[::-1])]
    demands += [demand("hairpin", *way, Service.TREE) for way in (one_port, one_port[::-1])]
    networks = [subject(name).compiled for name in SUBJECTS] + [compile_network(network(plain, demands))]
    return tuple(rules for made in networks for rules in made.rules.values())


def faults_of_flows(page: str) -> list[str]:
    rows = [Row(cells) for cells in table_of(page, "Tables")]
    unseen = {row.text for row in rows}
    found: list[str] = []
    shapes: dict[object, bool] = {}
    for rules in compiled():
        for flow in rules.flows.values():
            named = tuple((name, value if name == "eth_type" else 0) for name, value, _ in flow.match)
            shape = flow.table, flow.priority, named, steps(flow)
            if shape not in shapes:
                fitting = {row.text for row in rows if row.is_of(flow)}
                shapes[shape] = bool(fitting)
                unseen -= fitting
                if not fitting:
                    found.append(f"in no row: {flow}")
    return found + [f"no rule is so: {row}" for row in sorted(unseen)]


# ── groups ───────────────────────────────────────────────────────────────────────────────────────


def buckets(group: Group) -> tuple[Steps, ...]:
    return tuple(tuple(actions(bucket.actions)) for bucket in group.buckets)


def faults_of_groups(page: str) -> list[str]:
    rows: list[tuple[str, str, set[tuple[Steps, ...]]]] = []
    for name, kind, text in table_of(page, "Groups"):
        if text.startswith("as link group"):
            continue  # by its buckets it is one
        halves = [half.partition(": ")[2] for half in re.split(r"; (?=2:)", text)] if kind == "ff" else [text]
        halves = [re.sub(r"^watch [^:]*: ", "", half) for half in halves]
        halves = [re.sub(r"(label := bypass label) if it has one\]", r"\1]", half) for half in halves]
        halves = [re.sub(r"set outer MACs of that hop", "set outer MACs", half) for half in halves]
        halves = [half.partition(". ")[0] for half in halves]
        rows.append((name, kind, set(product(*[_ways(half) for half in halves]))))
    unseen, found, seen = {name for name, _, _ in rows}, [], set()
    for rules in compiled():
        for group in rules.groups.values():
            shape = group.type, buckets(group)
            if shape in seen:
                continue
            seen.add(shape)
            fitting = {name for name, kind, ways in rows if kind == group.type and buckets(group) in ways}
            unseen -= fitting
            if not fitting:
                found.append(f"in no row: {group}")
    return found + [f"no group is so: {name}" for name in sorted(unseen)]


def _ways(text: str) -> set[Steps]:
    """Of a bucket; what stands in brackets is taken together."""
    if (optional := re.fullmatch(r"\[(.*)\], (.*)", text)) is not None:
        return does(optional[2]) | {first + second for first in does(optional[1]) for second in does(optional[2])}
    return does(text)


# ── tests ────────────────────────────────────────────────────────────────────────────────────────


def test_every_rule_is_of_a_row_and_every_row_has_rules() -> None:
    assert len(table_of(PAGE, "Tables")) > 12
    assert not (faults := faults_of_flows(PAGE)), "\n".join(faults)


def test_every_group_is_of_a_row_and_every_row_has_groups() -> None:
    assert not (faults := faults_of_groups(PAGE)), "\n".join(faults)


@pytest.mark.parametrize(
    ("said", "wrong"),
    [
        ("| 0 classify | 300 |", "| 0 classify | 301 |"),
        ("`ClearInPort`, goto 3", "`ClearInPort`, goto 4"),
        ("metadata := demand number, goto 1", "goto 1"),
        ("meter, `SetQueue(class queue)`, goto 2", "`SetQueue(class queue)`, goto 2"),
        ("TC := class, `Encap(ethernet)`", "`Encap(ethernet)`, TC := class"),
        ("`DecMplsTtl`, group of the next hop", "group of the next hop"),
        ("`PopMpls(0x8847)`, `DecMplsTtl`, set", "`DecMplsTtl`, `PopMpls(0x8847)`, set"),
        ("mpls_label = 3, mpls_tc = 0", "mpls_label = 3"),
        ("eth_type 0x88cc", "eth_type 0x88cd"),
        ("[`ClearInPort` if both are on one port], metadata", "metadata"),
        (" if the egress is a whole port, else metadata := service label, goto 5", ""),
        (
            "| 5 demux | 100 | metadata = service label, tagged",
            "| 5 demux | 100 | metadata = service label, mpls_tc",
        ),
    ],
)
def test_a_page_that_says_something_else_is_found_out(said: str, wrong: str) -> None:
    assert PAGE.count(said) == 1
    assert faults_of_flows(PAGE.replace(said, wrong))


@pytest.mark.parametrize(
    ("said", "wrong"),
    [
        (
            "| bare group of a directed hop | indirect | set outer MACs, ",
            "| bare group of a directed hop | indirect | ",
        ),
        ("| trunk group | indirect | `PushMpls`, label", "| trunk group | ff | `PushMpls`, label"),
        ("[`PushMpls`, label := bypass label if it has one], set", "set"),
    ],
)
def test_so_is_one_about_groups(said: str, wrong: str) -> None:
    assert PAGE.count(said) == 1
    assert faults_of_groups(PAGE.replace(said, wrong))


def test_cookies_are_numbered_as_the_page_says() -> None:
    (text,) = [cells[-1] for cells in table_of(PAGE, "Ids") if cells[0] == "cookie"]
    said = {int(number): words for number, words in re.findall(r"(\d) ([^,]+?)(?:, |$)", text)}
    assert {number: words.split()[0] for number, words in said.items()} == {
        Kind.DEMAND: "classify/police/encap",
        Kind.TRUNK: "transit",
        Kind.BYPASS: "bypass",
        Kind.SERVICE: "deliver/demux",
        Kind.PORT: "what",
    }
    tables: dict[Kind, set[int]] = {}
    for rules in compiled():
        for flow in rules.flows.values():
            read = read_cookie(flow.cookie)
            assert read is not None
            tables.setdefault(read[0], set()).add(flow.table)
    assert tables == {
        Kind.DEMAND: {0, 1, 2},
        Kind.TRUNK: {3},
        Kind.BYPASS: {3},
        Kind.SERVICE: {4, 5},
        Kind.PORT: {0, 3},
    }


def test_an_update_has_the_stages_of_the_page() -> None:
    said = [cells[0] for cells in table_of(PAGE, "Order of an update")]
    assert said == [stage.value for stage in StageKind if stage not in ATTACHING]
