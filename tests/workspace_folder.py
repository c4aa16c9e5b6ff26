"""A small network folder at depth 1 as texts, for tests to break one thing at a time."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from sdnctl.errors import Diagnostic, InputError
from sdnctl.workspace.folder import Loaded, load_network

EXAMPLES = Path(__file__).parent.parent / "lab" / "examples"

FILES: Mapping[str, str] = {
    "network.yaml": "name: triangle\n",
    "inventory/sites.yaml": """\
defaults: {owner: town, source: survey}
sites:
  - {id: alpha, position: [4.30, 43.80]}
  - {id: beta, position: [4.40, 43.80]}
  - {id: gamma, position: [4.35, 43.85]}
""",
    "inventory/equipment.yaml": """\
defaults: {owner: town, source: survey}
switches:
  - {id: sw-a, dpid: 1, site: alpha, mtu: 1600 B}
  - {id: sw-b, dpid: 2, site: beta, mtu: 1600 B}
  - {id: sw-c, dpid: 3, site: gamma, mtu: 1600 B}
""",
    "inventory/endpoints.csv": """\
id,site,device,port,vlan,mac,prefixes,kind,tags
cam-1,alpha,sw-a,10,,02:00:00:00:00:01,10.1.0.1/32,camera,north
cam-2,beta,sw-b,10,30,,10.1.0.2/32;2001:db8::2/128,camera,south;bridge
rec-1,gamma,sw-c,10,,,10.1.1.0/24,recorder,
line-a,alpha,sw-a,20,,,,enterprise,
line-b,beta,sw-b,20,,,,enterprise,
vlan-a,alpha,sw-a,21,100,,,enterprise,
vlan-b,gamma,sw-c,21,200,,,enterprise,
""",
    "topology/links.yaml": """\
links:
  - {id: ab, a: "sw-a:1", b: "sw-b:1", length: 4 km, capacity: 10 Gbit/s, mtu: 1600 B}
  - {id: bc, a: "sw-b:2", b: "sw-c:1", length: 5 km, capacity: 10 Gbit/s, mtu: 1600 B, srlgs: [trench]}
  - {id: ca, a: "sw-c:2", b: "sw-a:2", length: 6 km, capacity: 10 Gbit/s, mtu: 1600 B, srlgs: [trench]}
""",
    "intents/classes.yaml": """\
classes:
  - {id: scada, tc: 6, queue: 6, dscp: EF, protected: true, latency: 10 ms}
  - {id: video, tc: 4, queue: 4, dscp: CS3, latency: 20 ms}
  - {id: business, tc: 3, queue: 3, dscp: AF31}
crisis_profiles:
  - {id: flood, order: [video]}
""",
    "intents/tenants.yaml": """\
tenants:
  - {id: town, quota: 1 Gbit/s, max_endpoints: 20}
  - {id: operator}
""",
    "intents/video.yaml": """\
application: video
tenant: town
class: video
service: tree
roots: {kind: recorder}
leaves: {select: {kind: camera}}
bandwidth: {up: 8 Mbit/s, down: 256 kbit/s}
guarantees:
  protection: local
""",
    "intents/circuits.yaml": """\
application: circuits
tenant: operator
class: business
service: line
bandwidth: 100 Mbit/s
circuits:
  - {id: port, a: line-a, b: line-b}
  - {id: vlan, a: vlan-a, b: vlan-b, bandwidth: {up: 10 Mbit/s, down: 20 Mbit/s}}
""",
}


def write(folder: Path, changes: Mapping[str, str | bytes | None] | None = None) -> Path:
    """Write the folder with some files replaced, added or (None) left out."""
    for file, text in {**FILES, **(changes or {})}.items():
        if text is None:
            continue
        path = folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return folder


def edited(file: str, old: str, new: str) -> dict[str, str]:
    """One file with one text replaced; the text must be there once."""
    assert FILES[file].count(old) == 1, (file, old)
    return {file: FILES[file].replace(old, new)}


def load(folder: Path, changes: Mapping[str, str | bytes | None] | None = None) -> Loaded:
    return load_network(write(folder, changes))


def faults(folder: Path, changes: Mapping[str, str | bytes | None] | None = None) -> list[Diagnostic]:
    """All diagnostics of a folder that must not load."""
    try:
        load(folder, changes)
    except InputError as error:
        return list(error.diagnostics)
    raise AssertionError("the folder was accepted")


def short(diagnostics: list[Diagnostic]) -> list[tuple[str, str, str]]:
    """Code, place and address of each."""
    return [(one.code, str(one.source), one.address) for one in diagnostics]
