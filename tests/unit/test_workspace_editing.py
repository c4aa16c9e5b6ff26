"""Edits of files: what they change, that they change nothing else, and what they refuse."""

from __future__ import annotations

import pytest

from sdnctl.errors import Source
from sdnctl.inventory.live.findings import Edit, Entry, Exchange, Remark, Set
from sdnctl.workspace.editing import edited, make_patch

YAML = """\
# who made this
switches:
  - id: a   # the first
    site: "north"
    ports:
      - {port: 1, tx: "odf:1", rx: "odf:2"}  # patched in May
      - {port: 2, tx: "odf:3", rx: "odf:4",
         link: long}
  - {id: b, uplink: {port: eth0, switch: "a"}}
"""
CSV = 'switch,port,tx,rx,status\na,1,"odf,1:1",odf:2,\na,2,odf:3,odf:4,planned\n'


def entry(line: int, key: str, value: str, file: str = "e.yaml") -> Entry:
    return Entry(Source(file, line), key, value)


A, A1, A2, B = entry(3, "id", "a"), entry(6, "port", "1"), entry(7, "port", "2"), entry(9, "id", "b")


def changed(before: str, after: str) -> list[tuple[str, str]]:
    """Lines that differ; there are as many as before."""
    pairs = zip(before.splitlines(), after.splitlines(), strict=True)
    return [(old, new) for old, new in pairs if old != new]


@pytest.mark.parametrize(
    ("edit", "old", "new"),
    [
        (Set.of(A1, {"tx": "odf:9"}), 'tx: "odf:1"', 'tx: "odf:9"'),
        (Set.of(A1, {"port": "7"}), "{port: 1,", "{port: 7,"),
        (Set.of(A1, {"status": "planned"}), '"odf:2"}', '"odf:2", status: planned}'),
        (Set.of(A2, {"link": "no"}), "link: long", "link: no"),
        (Set.of(A2, {"link": "10"}), "link: long", "link: 10"),
        (Set.of(A2, {"link": "0x10"}), "link: long", 'link: "0x10"'),
        (Set.of(A2, {"link": 'a "b"'}), "link: long", 'link: "a \\"b\\""'),
        (Set.of(A, {"site": "south"}), 'site: "north"', "site: south"),
        (Set.of(B, {"uplink.port": "eth1"}), "port: eth0", "port: eth1"),
    ],
)
def test_one_value(edit: Edit, old: str, new: str) -> None:
    after, left_out = edited("e.yaml", YAML, [edit])
    assert left_out == []
    (line,) = changed(YAML, after)
    assert line[0].replace(old, new) == line[1]


def test_a_new_line_in_a_block() -> None:
    after, left_out = edited("e.yaml", YAML, [Set.of(A, {"status": "planned"})])
    assert left_out == []
    assert after == YAML.replace("  # the first\n", "  # the first\n    status: planned\n")


def test_an_exchange_keeps_quotes_and_comments() -> None:
    after, _ = edited("e.yaml", YAML, [Exchange(A1, A2, "rx")])
    assert after == YAML.replace("odf:2", "X").replace("odf:4", "odf:2").replace("X", "odf:4")


def test_an_exchange_of_what_only_one_has() -> None:
    after, left_out = edited("e.yaml", YAML, [Exchange(A1, A2, "link"), Exchange(A1, A2, "tx")])
    assert left_out == []
    assert after == YAML.replace(",\n         link: long}", "}").replace(
        '"odf:2"}', '"odf:2", link: long}'
    ).replace("odf:1", "X").replace("odf:3", "odf:1").replace("X", "odf:3")


def test_tables() -> None:
    one, two = entry(2, "port", "1", "p.csv"), entry(3, "port", "2", "p.csv")
    edits = [Exchange(one, two, "tx"), Set.of(one, {"status": "a,b"}), Set.of(two, {"status": ""})]
    after, left_out = edited("p.csv", CSV, edits)
    assert left_out == []
    assert after == 'switch,port,tx,rx,status\na,1,odf:3,odf:2,"a,b"\na,2,"odf,1:1",odf:4,\n'


def test_what_does_not_fit_is_left_out_with_a_reason() -> None:
    edits: list[Edit] = [
        Set.of(entry(3, "id", "z"), {"site": "x"}),
        Set.of(entry(99, "id", "a"), {"site": "x"}),
        Set.of(B, {"uplink.vlan": "7"}),
        Exchange(A1, A2, "bidi"),
        Set.of(A1, {"tx": "odf:8"}),
        Set.of(A1, {"tx": "odf:9"}),
        Set.of(A1, {"tx": "odf:8"}),
    ]
    after, left_out = edited("e.yaml", YAML, edits)
    assert after == YAML.replace("odf:1", "odf:8")
    assert [why for _, why in left_out] == [
        "no id z at e.yaml:3",
        "no id a at e.yaml:99",
        "uplink.vlan is not written",
        "bidi is written at neither entry",
        "another edit changes the same place",
    ]
    row = entry(2, "port", "1", "p.csv")
    _, left_out = edited("p.csv", CSV, [Set.of(row, {"life": "x"}), Set.of(entry(9, "port", "1", "p.csv"), {})])
    assert [why for _, why in left_out] == ["the table has no column life", "no port 1 at p.csv:9"]


def test_a_remark_ends_a_file() -> None:
    patch = make_patch([Remark("e.yaml", "look:\n  here"), Remark("e.yaml", "look:\n  here")], lambda _: "a: 1")
    assert patch.text == (
        "--- a/e.yaml\n+++ b/e.yaml\n@@ -1 +1,3 @@\n-a: 1\n\\ No newline at end of file\n"
        "+a: 1\n+# look:\n+#   here\n"
    )
