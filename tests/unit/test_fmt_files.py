"""`fmt` on files: what is canonical, what is left alone, and that no file is ever half written."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from sdnctl_in_process import Net, sdnctl
from workspace_folder import write

from sdnctl.errors import Diagnostics
from sdnctl.usecases import files
from sdnctl.workspace.canonical import canonical
from sdnctl.workspace.canonical_tables import order_of
from sdnctl.workspace.convention import FILES
from sdnctl.workspace.read import network_files

ROOT = Path(__file__).parent.parent.parent


def formatted(text: str, file: str = "network.yaml") -> str:
    out = Diagnostics()
    made = canonical(file, text, out)
    assert made is not None, out.items
    return made


def not_canonical(most: int) -> list[str]:
    """Files of the examples and of the reference network, up to a size, that `fmt` would change."""
    wrong = []
    for root in (*(path.parent for path in (ROOT / "lab" / "examples").glob("*/network.yaml")), ROOT):
        for file in network_files(root, Diagnostics()):
            text = (root / file).read_text(encoding="utf-8")
            if len(text) <= most and formatted(text, file) != text:
                wrong.append(f"{root.name}/{file}")
    return wrong


def test_networks_that_come_with_sdnctl_are_canonical() -> None:
    """Whoever starts from one sees no change but their own."""
    assert not not_canonical(30_000)


@pytest.mark.soak
def test_networks_that_come_with_sdnctl_are_canonical_all() -> None:
    assert not not_canonical(10**9)


def test_structure_is_written_one_way_and_comments_stay_where_they_belong() -> None:
    text = """\


# head


---
name:   'x'   # the name
labels:
      # of trunks
      trunk: 1000-99999
      # of services


      service: "200000-999999"
   # between
links:
- id: a
  ends: {x:   1,  y: [ 1,2 ]}
  # last of a
-   id: b
    list:
    - 1
# about the end
"""
    assert (
        formatted(text)
        == """\
# head

name: "x"     # the name
labels:
  # of trunks
  trunk: 1000-99999
  # of services

  service: "200000-999999"
# between
links:
  - id: a
    ends: {x: 1, y: [1, 2]}
    # last of a
  - id: b
    list:
      - 1
# about the end
"""
    )


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("a: {b: 1,\n    c: 2}\n", "a: {b: 1, c: 2}\n"),
        ("a: {b: 1, # one\n    c: 2\n  } # both\n", "# both\na:\n  b: 1    # one\n  c: 2\n"),
        ("a: [\n]\n", "a: []\n"),
        ("a:\n  b # c\n", "a: b  # c\n"),
        ("a:      # c\n  - b\n", "a:      # c\n  - b\n"),
        ("a: # c\n  b\n", "# c\na: b\n"),
        ("a: 'it''s \"x\"'\n", "a: 'it''s \"x\"'\n"),
        ('a: "caf\\u00e9"\n', 'a: "caf\\u00e9"\n'),
        ("a: 'x\n  y'\n", 'a: "x y"\n'),
        ("a: x\n  y\n", "a: x y\n"),
        ("a: x\n\n  y\n", 'a: "x\\ny"\n'),
        ("a: |  # c\n      x\n        y\n\n", "a: |  # c\n  x\n    y\n"),
        ("a: >+\n   x\n\n\nb: 1\n", "a: >+\n  x\n\n\nb: 1\n"),
        ("a: |1\n  x\n", "a: |2\n   x\n"),
        ("a: |\n  x", "a: |-\n  x\n"),
        ("a: &x [1]\nb: *x\n", "a: &x [1]\nb: *x\n"),
        ("a: &x\n    b: 1\n", "a: &x\n  b: 1\n"),
        ("- - 1\n  -   2\n", "- - 1\n  - 2\n"),
        ("a:\nb: ~\n", "a:\nb: ~\n"),
        ("? a\n: b\n", "a: b\n"),
        ("%YAML 1.2\n---\na: 1\n...\n# after\n", "a: 1\n# after\n"),
        ("# only this\n\n", "# only this\n"),
        ("", ""),
        (" \n\n", ""),
        ("a: 1\r\nb: 2\r\n", "a: 1\nb: 2\n"),
        (f"a: [{'x, ' * 40}\n  y]\n", "a:\n" + "  - x\n" * 40 + "  - y\n"),
    ],
)
def test_each_way_to_write_it(text: str, wanted: str) -> None:
    assert formatted(text) == wanted
    assert formatted(wanted) == wanted


def test_a_line_end_that_nobody_sees_is_refused() -> None:
    out = Diagnostics()
    assert canonical("network.yaml", "name: x\nnote: 'a\u2028b'\n", out) is None
    assert [(one.code, str(one.source)) for one in out.items] == [("odd-line-break", "network.yaml:2")]


def test_tables_begin_with_what_they_are_about() -> None:
    for file, kind in FILES.items():
        if kind.format != "yaml":
            first = min(order_of(kind.model), key=order_of(kind.model).__getitem__)
            assert first == "id", file
            order = [name for name in order_of(kind.model) if name in kind.model.model_fields]
            assert order[0] in ("id", "switch", "closure", "odf", "a", "area"), (file, order)
            assert "owner" not in order or order.index("owner") > order.index(order[0]), file


# ── the verb ─────────────────────────────────────────────────────────────────────────────────────

BAD = 'name:    triangle\n\n\nmtu: "1500 B"\n'
GOOD = 'name: triangle\n\nmtu: "1500 B"\n'


@pytest.fixture
def net(tmp_path: Path) -> Net:
    return Net(write(tmp_path / "a network", {"network.yaml": BAD, "intents/video.yaml": "application: [\n"}))


def test_fmt_writes_what_it_can_and_leaves_the_broken_alone(net: Net) -> None:
    found = net("fmt")
    assert found.code == 1
    assert net.path("network.yaml").read_text() == GOOD
    assert net.path("intents/video.yaml").read_text() == "application: [\n"
    assert "intents/video.yaml:2" in found.plain
    assert "error[yaml-syntax]" in found.plain
    assert "1 formatted" in found.out
    assert "1 not readable, left alone" in found.out
    document = net.json("fmt", code=1)
    assert (document["ok"], document["changed"], document["diagnostics"][0]["code"]) == (False, [], "yaml-syntax")


def test_check_and_diff_write_nothing(net: Net) -> None:
    net.path("intents/video.yaml").unlink()
    checked = net("fmt", "--check")
    assert (checked.code, checked.out.splitlines()[0]) == (2, "network.yaml")
    shown = net("fmt", "--diff")
    assert shown.code == 0
    assert shown.out.startswith(
        "--- a/network.yaml\n+++ b/network.yaml\n@@ -1,4 +1,3 @@\n-name:    triangle\n-\n+name: "
    )
    document = net.json("fmt", "--check", code=2)
    assert (document["ok"], document["written"], [one["file"] for one in document["changed"]]) == (
        True,
        False,
        ["network.yaml"],
    )
    assert net.path("network.yaml").read_text() == BAD
    net.ok("fmt")
    assert net.ok("fmt", "--check").out.startswith("0 to format")


def test_only_the_files_that_are_named(net: Net) -> None:
    net.path("topology/links.yaml").write_text("links:   []\n")
    net.ok("fmt", net.path("topology/links.yaml"))
    assert net.path("topology/links.yaml").read_text() == "links: []\n"
    assert net.path("network.yaml").read_text() == BAD
    assert net.json("fmt", net.path("README.md"), code=1)["diagnostics"][0]["code"] == "not-a-network-file"
    assert sdnctl("-n", net.folder.parent, "fmt").code == 1  # no network there


def test_marks_ends_of_lines_modes_and_links_of_files(net: Net) -> None:
    net.path("intents/video.yaml").unlink()
    place = net.path("network.yaml")
    place.write_bytes(b"\xef\xbb\xbfname: triangle\r\n")
    place.chmod(0o600)
    links = net.path("topology/links.yaml")
    links.rename(net.path("common.yaml"))
    links.symlink_to("../common.yaml")
    net.path("common.yaml").write_text("links:   []\n")
    net.ok("fmt")
    assert place.read_bytes() == b"name: triangle\n"
    assert place.stat().st_mode & 0o777 == 0o600
    assert links.is_symlink()
    assert net.path("common.yaml").read_text() == "links: []\n"


def test_a_disk_that_fills_up_leaves_the_file_as_it_was(net: Net, monkeypatch: pytest.MonkeyPatch) -> None:
    net.path("intents/video.yaml").unlink()

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", full)
    found = net("fmt")
    assert (found.code, "No space left" in found.plain) == (1, True)
    assert net.path("network.yaml").read_text() == BAD
    assert not [name for name in os.listdir(net.folder) if name.startswith(".network")]
