"""`sdnctl export mininet` and `lab/mininet_topo.py`: real `mn`, real pings of every application, a cable cut."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import topohub
from mininet_box import TOPOLOGY, Box
from sdnctl_in_process import Net, sdnctl

needs_mininet = pytest.mark.servers("mn", "mnexec", "unshare", "ifconfig", "ping", root=True)
LINE = re.compile(r"(\S+) \((\S+)\): (\d+) pairs, (\d+) sent, (\d+) answered, (\d+) lost, (\d+) of")


@pytest.fixture
def short() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="mn-", dir="/tmp") as folder:
        yield Path(folder)


def with_switches(net: Net, address: str) -> None:
    """Say in the inventory where all switches are; ``{id}`` stands for the name of each."""
    path = net.path("inventory/equipment.yaml")
    text = path.read_text(encoding="utf-8")

    def said(match: re.Match[str]) -> str:
        return f'{match[0]}, drivers: {{openflow: "{address.format(id=match[1])}"}}'

    flow = re.sub(r"\{id: (\S+), dpid: \d+", said, text)
    path.write_text(re.sub(r"(?m)^  - id: (\S+)\n", rf"\g<0>    drivers: {{openflow: {address}}}\n", flow))


def results(said: str) -> dict[str, tuple[int, int, int, int]]:
    """Application → pairs, sent, answered, silent pairs."""
    found = {}
    for name, _, pairs, sent, answered, _, silent in LINE.findall(said):
        found[name] = int(pairs), int(sent), int(answered), int(silent)
    return found


def lossless(box: Box, command: str) -> str:
    """What traffic says once nothing of it is lost; where a machine does much else, the first answers are late."""
    deadline = time.monotonic() + 15
    while True:
        said = box.command(command)
        if all(sent == answered for _, sent, answered, _ in results(said).values()) or time.monotonic() > deadline:
            return said
        time.sleep(0.5)


def outside(file: Path) -> set[str]:
    """Interfaces and bridges of a file that are on the machine itself, where they should never be."""
    content = json.loads(file.read_text())
    bridges = {one["name"] for one in (*content["switches"], *content["access"])}
    cables = {end["interface"] for link in content["links"] for end in (link["a"], link["b"])}
    sockets = {name.removesuffix(".mgmt") for name in _names(Path("/var/run/openvswitch"))}
    return (bridges | cables) & (_names(Path("/sys/class/net")) | sockets)


def _names(folder: Path) -> set[str]:
    return set(os.listdir(folder)) if folder.is_dir() else set()


def processes_naming(text: str) -> list[str]:
    """Command lines, of whatever namespace, that name a folder a moment from now: what was killed goes by then."""
    deadline = time.monotonic() + 5
    while (found := _naming(text)) and time.monotonic() < deadline:
        time.sleep(0.05)
    return found


def _naming(text: str) -> list[str]:
    found = []
    for entry in Path("/proc").iterdir():
        try:
            line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if entry.name.isdigit() and text in line:
            found.append(line)
    return found


@pytest.mark.ovs
@needs_mininet
def test_the_small_example_with_a_controller(tmp_path: Path, short: Path) -> None:
    """Switches dial in; every application answers, also after a cut, which no protected one notices for long."""
    assert sdnctl("init", tmp_path / "net").code == 0
    net = Net(tmp_path / "net")
    with_switches(net, "dial-in")
    net.edit("intents/video-protection.yaml", "kind: camera}", "kind: camera, tags: [commune]}")
    net.edit("intents/video-protection.yaml", "kind: recorder}", "kind: recorder, tags: [primary]}")
    file = short / "mininet.json"
    net.ok("export", "mininet", "-o", file)
    with Box(short, file, controlled=net.folder) as box:
        box.command("wait")
        assert all(answered == 0 for _, _, answered, _ in results(box.command("traffic seconds=0.1")).values())
        net.ok("apply", "--yes")
        # Hosts that asked in vain for an address a moment ago ask again after a second (RFC 4861, ARP as well).
        said = lossless(box, "traffic seconds=0.5")
        found = results(said)
        assert found.keys() == {"video-protection", "flood-sensors", "schools", "enterprise"}, said
        assert all(silent == 0 for _, _, _, silent in found.values()), said
        cut = results(box.command("traffic seconds=3 cut=core-b--pop-east"))
        for name in ("flood-sensors", "video-protection", "enterprise"):
            pairs, sent, answered, _ = cut[name]
            assert sent - answered <= pairs, f"{name} lost more than a packet of each pair: {cut}"
        later = results(box.command("traffic seconds=0.5"))
        assert all(silent == 0 for _, _, _, silent in later.values()), later
        status = net.json("status")
        assert status["down"], "the controller has not seen the cut"
    assert not outside(file)
    assert not processes_naming(str(short))


@pytest.mark.ovs
@needs_mininet
def test_a_graph_of_the_topology_zoo_without_a_controller(tmp_path: Path, short: Path) -> None:
    """Abilene as it is imported, two hosts behind each switch; the commands dial the bridges' own sockets."""
    source = Path(topohub.__file__).parent / "data/topozoo/Abilene.json"
    made = sdnctl("import", "topology", "--invent", "ring", source, tmp_path / "net")
    assert made.code == 0, made.err
    net = Net(tmp_path / "net")
    net.edit("intents/demands.yaml", "service: line\n", "service: line\nguarantees: {protection: local}\n")
    file = short / "mininet.json"
    net.ok("export", "mininet", "-o", file)
    bridges = {one["switch"]: one["name"] for one in json.loads(file.read_text())["switches"]}
    path = net.path("inventory/equipment.yaml")
    lines = path.read_text().splitlines()
    for number, line in enumerate(lines):
        if found := re.search(r'\{id: "([^"]+)", dpid', line):
            address = f'drivers: {{openflow: "unix:{short}/{bridges[found[1]]}.mgmt"}}'
            lines[number] = line.replace("dpid", f"{address}, dpid")
    path.write_text("\n".join(lines) + "\n")
    with Box(short, file, killed=True) as box:
        net.ok("apply", "--yes")
        before = lossless(box, "traffic seconds=0.2")
        assert results(before)["demands"] == (11, 44, 44, 0), before
        assert "there is no link" in box.command("cut nowhere")
        box.command("cut chicago--new-york")
        after = lossless(box, "traffic seconds=0.2")
        assert results(after)["demands"] == (11, 44, 44, 0), after
    assert not outside(file)
    assert not processes_naming(str(short))


@pytest.mark.ovs
@pytest.mark.soak
@needs_mininet
def test_traffic_as_a_test_fails_on_empty_switches(tmp_path: Path, short: Path) -> None:
    assert sdnctl("init", tmp_path / "net", "--example", "small-links").code == 0
    net = Net(tmp_path / "net")
    for name in ("video-protection", "schools", "enterprise"):
        net.path(f"intents/{name}.yaml").unlink()
    net.ok("export", "mininet", "-o", short / "mininet.json")
    code, said = Box(short, short / "mininet.json", more=("--test", "traffic")).start().finish()
    assert code == 1, said
    assert results(said)["flood-sensors"][3] == 3, said
    assert not processes_naming(str(short))


# ── the file ─────────────────────────────────────────────────────────────────────────────────────


def test_the_file_is_always_the_same(tmp_path: Path) -> None:
    assert sdnctl("init", tmp_path / "net").code == 0
    net = Net(tmp_path / "net")
    answer = net.json("export", "mininet", "-o", tmp_path / "one.json")
    assert answer["counts"] == {"switches": 12, "links": 18, "hosts": 22, "traffic": 21}
    net.ok("export", "mininet", "-o", tmp_path / "two.json")
    assert (tmp_path / "one.json").read_bytes() == (tmp_path / "two.json").read_bytes()
    assert net.json("export", "mininet", "-o", tmp_path / "one.json")["changed"] == []
    content = json.loads((tmp_path / "one.json").read_text())
    assert {one["dpid"] for one in content["switches"]} == {f"{number:016x}" for number in range(1, 13)}
    school = next(one for one in content["hosts"] if one["endpoint"] == "school-2")
    assert school["at"] is None
    assert school["addresses"] == ["10.30.2.1"]
    (access,) = (one for one in content["access"] if one["hosts"][0]["name"] == school["name"])
    assert (access["at"]["switch"], access["at"]["port"]) == ("pop-east", 12)
    assert access["hosts"][0]["vlan"] == 30


def test_the_topology_needs_nothing_but_mininet() -> None:
    imported: set[str] = set()
    for node in ast.walk(ast.parse(TOPOLOGY.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            imported |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.module is not None
            imported.add(node.module.partition(".")[0])
    assert imported - sys.stdlib_module_names == {"mininet"}


@needs_mininet
@pytest.mark.parametrize(
    ("content", "reason"),
    [(None, "No such file"), ("[]", ""), ('{"sdnctl": "mininet", "format": 99}', "it has format 99")],
)
def test_a_wrong_file_is_named(tmp_path: Path, content: str | None, reason: str) -> None:
    file = tmp_path / "wrong.json"
    if content is not None:
        file.write_text(content)
    code = (
        f"names = {{}}; exec(compile(open({str(TOPOLOGY)!r}).read(), 'custom', 'exec'), names, names); "
        f"names['sdnctl_read']({str(file)!r})"
    )
    done = subprocess.run(["/usr/bin/python3", "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert f"{file}: not a file of `sdnctl export mininet`" in done.stderr
    assert reason in done.stderr
