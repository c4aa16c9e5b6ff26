"""What `sdnctl export mininet` writes of endpoints that share ports, have tags, prefixes, or long names."""

from __future__ import annotations

import ipaddress
import json
import re
import shlex
import subprocess
from pathlib import Path

import pytest
from compile_networks import both_ways, endpoint, network, random_network
from mixed_network import mixed_net
from paths_networks import topology
from sdnctl_in_process import Net, sdnctl

from sdnctl.compiler.ir import Network
from sdnctl.compiler.pipeline import compile_network
from sdnctl.exchange.mininet import CIRCUITS, HOST_MAX, document, dumps
from sdnctl.intents.demand import Service
from sdnctl.lab.wiring import NAME_MAX, wire

ROOT = Path(__file__).parent.parent.parent


def exported(one: Network) -> dict[str, object]:
    compiled = compile_network(one)
    capacity = {link.id: int(link.capacity) for link in one.topology.links.values()}
    content, findings = document("test", wire(one.topology, one.endpoints), compiled.demands, capacity)
    assert not findings
    return content


def test_a_shared_port_gets_an_access_bridge() -> None:
    """Two VLANs and an untagged one on one port: three hosts behind a bridge, each with its own tag."""
    shared = [
        endpoint("a-30", "s0", 10, 30, ["10.0.0.1/32"]),
        endpoint("a-40", "s0", 10, 40, ["10.0.1.0/24"]),
        endpoint("a-plain", "s0", 10, None, ["10.0.2.1/32"]),
    ]
    root = endpoint("root", "s1", 10, None, ["10.9.0.0/16", "2001:db8::/64"], 0x02_00_00_00_00_09)
    topo = topology([("s0", "s1", 1.0), ("s1", "s2", 1.0), ("s2", "s0", 1.0)])
    demands = [demand for end in shared for demand in both_ways("app", root, end, Service.TREE)]
    content = exported(network(topo, demands))
    (access,) = content["access"]  # type: ignore[misc]
    assert [one["vlan"] for one in access["hosts"]] == [30, 40, None]
    assert access["at"]["port"] == 10
    hosts = {one["endpoint"]: one for one in content["hosts"]}  # type: ignore[attr-defined]
    assert [hosts[end.id]["at"] for end in shared] == [None, None, None]
    assert hosts["root"]["at"]["switch"] == "s1"
    assert hosts["root"]["mac"] == "02:00:00:00:00:09"
    assert hosts["root"]["addresses"] == ["10.9.0.1"], "an address that nobody asks for"
    assert {route["to"] for route in hosts["root"]["routes"]} == {"10.0.0.1", "10.0.1.1", "10.0.2.1"}


def test_names_fit_and_differ() -> None:
    ends = [endpoint(f"a-very-long-name-of-an-endpoint-{number}", "s0", 10 + number) for number in range(4)]
    topo = topology([("s0", "s1", 1.0), ("s1", "s2", 1.0), ("s2", "s0", 1.0)])
    far = [endpoint(f"far-{number}", "s1", 10 + number) for number in range(4)]
    demands = [
        demand
        for one, other in zip(ends, far, strict=True)
        for demand in both_ways(f"l-{one.id}", one, other, Service.LINE)
    ]
    content = exported(network(topo, demands))
    names = [one["name"] for one in content["hosts"]]  # type: ignore[attr-defined]
    assert len(set(names)) == 8
    assert all(len(name) <= HOST_MAX <= NAME_MAX for name in names)
    traffic = content["traffic"]
    sources = {ipaddress.ip_address(one[key]) for one in traffic for key in ("source", "target")}  # type: ignore[attr-defined]
    assert len(sources) == 8
    assert all(address in CIRCUITS for address in sources)


@pytest.mark.parametrize("seed", range(6))
def test_any_network_can_be_written(seed: int) -> None:
    """Hosts, routes and traffic agree with each other, in random networks with every kind of service."""
    content = exported(random_network(seed))
    hosts = {one["name"]: one for one in content["hosts"]}  # type: ignore[attr-defined]
    ports = [
        (one["at"]["switch"], one["at"]["port"]) for one in (*hosts.values(), *content["access"]) if one["at"]
    ]  # type: ignore[misc]
    assert len(ports) == len(set(ports))
    behind = [one["name"] for access in content["access"] for one in access["hosts"]]  # type: ignore[attr-defined]
    assert sorted(behind) == sorted(name for name, one in hosts.items() if one["at"] is None)
    for one in content["traffic"]:  # type: ignore[attr-defined]
        assert one["source"] in hosts[one["from"]]["addresses"]
        assert {"to": one["target"], "from": one["source"]} in hosts[one["from"]]["routes"]
        assert {"to": one["source"], "from": one["target"]} in hosts[one["to"]]["routes"]
    assert dumps(content) == dumps(exported(random_network(seed)))


def test_endpoints_behind_a_device_have_the_tag_that_the_compiler_gave(tmp_path: Path) -> None:
    net = mixed_net(tmp_path / "net")
    net.ok("apply", "--yes")
    net.ok("export", "mininet", "-o", tmp_path / "out.json")
    tags = net.applied().compiled.attachments["sw-school"]

    content = json.loads((tmp_path / "out.json").read_text())
    (access,) = (one for one in content["access"] if (one["at"]["switch"], one["at"]["port"]) == ("sw-a", 24))
    assert sorted(one["vlan"] for one in access["hosts"]) == sorted(one.tag for one in tags.values())


def test_the_edits_of_the_page_do_what_it_says(tmp_path: Path) -> None:
    """The two `sed` lines of docs/mininet.md: switches dial in, or are dialled at their own sockets."""
    page = (ROOT / "docs/mininet.md").read_text(encoding="utf-8")
    lines = [line.removeprefix("$ ") for line in re.findall(r"(?m)^\$ sed .*$", page)]
    assert len(lines) == 2
    for line, address in zip(lines, ("dial-in", "unix:/run/openvswitch/core-a.mgmt"), strict=True):
        folder = tmp_path / address.partition(":")[0]
        folder.mkdir()
        assert sdnctl("init", folder / "net", "--example", "small-links").code == 0
        subprocess.run(shlex.split(line), cwd=folder, check=True)
        with Net(folder / "net").open() as context:
            nodes = context.loaded.network.topology.nodes
        assert nodes["core-a"].drivers == {"openflow": address}
        assert all(node.drivers for node in nodes.values())
