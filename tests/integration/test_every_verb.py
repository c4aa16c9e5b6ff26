"""Every verb there is, in a poor place: 40 columns, ASCII, no terminal, no or a read-only home, blanks in paths.

One network, in the order of a working day. A verb without a line here fails the test: `docs/commands.md`, which is
made from the program, says which verbs there are.
"""

from __future__ import annotations

import io
import os
import re
import shlex
import subprocess
import sys
from contextlib import chdir
from pathlib import Path
from unittest import mock

import pytest
from sdnctl_in_process import Net, new_net

from sdnctl.cli.app import run as run_program

ROOT = Path(__file__).parents[2]
POLYGON = '{"type": "Polygon", "coordinates": [[[4.7, 44.2], [4.9, 44.2], [4.9, 44.4], [4.7, 44.4], [4.7, 44.2]]]}'
DAY = """
init 'a town of its own' --example small-links
validate
schema intent
drivers
fmt --check
hook install
hook check
show links
show rules core-a
explain flood-sensors
compile
inventory trace core-a:3/tx
inventory describe c-mill
inventory budget
inventory diversity core-a--pop-south core-b--pop-south
inventory free datacentre south --count 4
inventory capacity --top 5
inventory closure k-moulin -o 'the mill.svg'
inventory line core-a:3/tx pop-north:1
inventory synoptic mill south -o around.svg
inventory check                                        # 0 4
inventory works cut-cable c-mill --at k-moulin --closure k-new --dry-run   # 1
inventory otdr --from core-a:3/tx --save trace.sor
inventory otdr trace.sor --from core-a:3/tx
whatif --cut segment:s-pont-n-pont-s@100m
whatif --polygon area.geojson --onboard                # 0 1
export geojson 'as a map'
export gracethd grace
export mininet --out mininet.json
export netbox netbox
import geojson 'as a map' 'from a map'                  # 0 1
import gracethd grace 'from grace'                      # 0 1
import netbox netbox 'from netbox'                      # 0 1
import topology ring.graphml 'from a graph'
lab up --kind memory
plan --out plan.json
apply plan.json
plan
verify --failures link
status
drift
history
history 1
diff HEAD
inventory otdr trace.sor --from core-a:3/tx --keep
lab address core-a
lab cut duct:du-pont-vieux
controller reconcile
lab heal
controller reconcile --no-hold-down
controller flip 'pop-north>pop-south/disjoint#1'       # 0 1
controller drain pop-east
controller undrain pop-east
controller admit 00000000000000b7 com-estel
controller replace pop-west --dpid 00000000000000c3
controller bindings
controller token add grafana --role viewer
controller token list
controller token revoke grafana
controller run --no-standby --listen nonsense           # 1
rollback 1 --yes                                        # 0 1
lab down
"""
"""Lines, each with the exit codes that are right where it is not 0."""

AS_WRITTEN = {"schema", "show rules", "controller run"}
"""As wide as they are: a schema, rules as `ovs-ofctl` takes them, a log in JSON."""
ONE_LINE = {"lab address", "controller token add"}
"""What is copied, or given to another program, is one line, however long."""


def lines() -> list[tuple[list[str], set[int]]]:
    found = []
    for line in DAY.strip().splitlines():
        words, _, codes = line.partition("   #") if "   #" in line else line.partition(" # ")
        found.append((shlex.split(words), {int(code) for code in codes.split()} or {0}))
    return found


def verbs() -> set[str]:
    page = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    return set(re.findall(r"^## sdnctl (.*)$", page, re.MULTILINE))


def test_every_verb_has_a_line() -> None:
    said = {" ".join(words[:number]) for words, _ in lines() for number in (1, 2, 3)}
    assert len(verbs()) > 50
    assert verbs() - said == set()


def poorly(net: Net, *arguments: str) -> tuple[int, str]:
    """Run here with streams that carry ASCII only, as `LANG=C` has it where Python is told not to help itself."""
    streams = [io.TextIOWrapper(io.BytesIO(), encoding="ascii", write_through=True) for _ in range(2)]
    code = 0
    with (
        mock.patch.object(sys, "argv", ["sdnctl", "-n", str(net.folder), *arguments]),
        mock.patch.object(sys, "stdin", io.StringIO("")),
        mock.patch.object(sys, "stdout", streams[0]),
        mock.patch.object(sys, "stderr", streams[1]),
    ):
        try:
            run_program()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 1
    said = b"".join(stream.buffer.getvalue() for stream in streams)  # type: ignore[attr-defined]
    return code, said.decode("ascii")


def shown_width(row: str) -> int:
    """Columns: what ASCII cannot carry is written as an escape, and would be one character."""
    return len(re.sub(r"\\(x..|u....|U........)", "x", row))


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder to work in, and in it a network of a repository; both have names that need quotes."""
    made = tmp_path / "the clerk's desk"
    made.mkdir()
    net = new_net(made / "the city's network", kind="")
    (made / "area.geojson").write_text(POLYGON)
    (made / "ring.graphml").write_text(GRAPH)
    for words in (("init", "-q"), ("add", "-A"), ("commit", "-q", "-m", "the network")):
        command = ["git", "-C", str(net.folder), "-c", "user.name=a", "-c", "user.email=a@example.org", *words]
        subprocess.run(command, check=True, capture_output=True)
    return made


GRAPH = """<?xml version="1.0" encoding="utf-8"?>
<graphml xmlns="http://graphml.graphdrawing.org/xmlns">
  <key attr.name="label" attr.type="string" for="node" id="l"/>
  <key attr.name="Latitude" attr.type="double" for="node" id="y"/>
  <key attr.name="Longitude" attr.type="double" for="node" id="x"/>
  <graph edgedefault="undirected">
    <node id="0"><data key="l">Uzès</data><data key="y">44.0</data><data key="x">4.4</data></node>
    <node id="1"><data key="l">Alès</data><data key="y">44.1</data><data key="x">4.1</data></node>
    <node id="2"><data key="l">Sète</data><data key="y">43.4</data><data key="x">3.7</data></node>
    <edge source="0" target="1"/><edge source="1" target="2"/><edge source="2" target="0"/>
  </graph>
</graphml>
"""


READ_ONLY = "/proc/sys"
"""Nobody can make a file here, not even root, whom the mode of a folder would not stop."""


def test_nobody_can_write_in_what_stands_for_a_read_only_home() -> None:
    with pytest.raises((PermissionError, FileNotFoundError)):
        Path(READ_ONLY, ".cache").mkdir()
    with pytest.raises((PermissionError, FileNotFoundError)):
        Path(READ_ONLY, ".netrc").write_text("")


@pytest.mark.parametrize("home", [None, READ_ONLY], ids=["no home", "read-only home"])
def test_every_verb_in_a_poor_place(home: str | None, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    net = Net(place / "the city's network")
    for name in [name for name in os.environ if name.startswith(("LC_", "XDG_", "SDNCTL_"))]:
        monkeypatch.delenv(name)
    monkeypatch.delenv("HOME", raising=False)
    if home is not None:
        monkeypatch.setenv("HOME", home)
    for name, value in {"COLUMNS": "40", "LANG": "C", "TERM": "dumb", "NO_COLOR": "1"}.items():
        monkeypatch.setenv(name, value)
    faults: list[str] = []
    with chdir(place):
        for words, right in lines():
            code, said = poorly(net, *words)
            line = " ".join(words)
            if code not in right:
                faults.append(f"{line}: exit code {code}\n{said[-1500:]}")
            if "Traceback" in said or "\x1b" in said:
                faults.append(f"{line}: shouts or paints\n{said[-1500:]}")
            if not said and code == 0:
                faults.append(f"{line}: says nothing")
            if any(line.startswith(name) for name in ONE_LINE):
                faults += [f"{line}: {said}"] if said.count("\n") != 1 else []
            elif not any(line.startswith(name) for name in AS_WRITTEN):
                faults += [f"{line}: {row}" for row in said.splitlines() if shown_width(row) > 40]
    assert not faults, "\n".join(faults)
