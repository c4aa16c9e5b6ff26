"""Gear beside the switches in the network folder: what is read, and every fault of it at once."""

from __future__ import annotations

from pathlib import Path

import pytest
from mixed_network import DEVICES, files
from workspace_folder import FILES, faults, load, short

from sdnctl.intents.demand import Behind
from sdnctl.topology.graph import PortRef
from sdnctl.workspace.dump import dump_documents
from sdnctl.workspace.folder import load_network
from sdnctl.workspace.schema import schema

EQUIPMENT, ENDPOINTS = "inventory/equipment.yaml", "inventory/endpoints.csv"


def changed(old: str, new: str, file: str = EQUIPMENT) -> dict[str, str | bytes | None]:
    every = dict(files())
    text = every[file]
    assert isinstance(text, str)
    assert text.count(old) == 1, old
    return {**every, file: text.replace(old, new)}


def line_of(text: str, file: str = EQUIPMENT) -> int:
    held = files()[file]
    assert isinstance(held, str)
    return held[: held.index(text)].count("\n") + 1


def test_devices_and_what_is_behind_them(tmp_path: Path) -> None:
    network = load(tmp_path, files()).network
    device = network.topology.devices["sw-school"]
    assert (device.uplink, device.at, device.tags) == ("eth9", PortRef("sw-a", 24), tuple(range(100, 110)))
    assert device.options == {
        "timeout": "30",
        "username": "sdnctl",
        "password": "env:SCHOOL_PASSWORD",
        "host_key": "SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU",
        "platform": "frr",
        "uplink": "eth9",
    }
    assert network.topology.devices["sw-hall"].can == {"marking", "vlans"}
    camera = network.endpoints["cam-h"]
    assert (camera.attachment, camera.vlan, camera.behind) == (
        PortRef("sw-b", 24),
        None,
        Behind("sw-hall", "xe-0/0/2", 30),
    )
    assert network.endpoints["cam-1"].behind is None


def test_what_is_loaded_is_written_and_read_again(tmp_path: Path) -> None:
    first = load(tmp_path / "a", files())
    texts = dump_documents(first.documents)
    for file, text in texts.items():
        path = tmp_path / "b" / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    again = load_network(tmp_path / "b").network
    assert {key: device.tags for key, device in again.topology.devices.items()} == {
        key: device.tags for key, device in first.network.topology.devices.items()
    }
    assert {key: end.behind for key, end in again.endpoints.items()} == {
        key: end.behind for key, end in first.network.endpoints.items()
    }


@pytest.mark.parametrize(
    ("old", "new", "code", "address"),
    [
        ("switch: sw-a, switch_port: 24", "switch: x, switch_port: 3", "dangling-reference", "device sw-school"),
        ("sw-a, switch_port: 24", "sw-a, switch_port: 1", "uplink-on-trunk-port", "device sw-school"),
        ("tags: 100-109", "tags: 1-109", "bad-value", "device sw-school"),
        ("tags: 100-109", "tags: 100-4095", "bad-value", "device sw-school"),
        ("switch: sw-a, switch_port: 24", "switch: sw-a, switch_port: 10", "endpoint-on-uplink", "endpoint cam-1"),
        ("site: alpha\n    platform", "site: nowhere\n    platform", "dangling-reference", "device sw-school"),
        ("id: sw-school", "id: sw-b", "duplicate-id", "device sw-b"),
        ("platform: frr", "platform: FRR!", "bad-value", "device sw-school"),
        ("can: [marking, vlans]", "can: [flying]", "bad-value", "device sw-hall"),
        ("can: [marking, vlans]", "can: [marking]", "device-cannot", "endpoint cam-h"),
        ('host_key: "SHA256:47', 'host_key: "MD5:47', "bad-value", "device sw-school"),
        ("uplink: {port: eth9,", "uplink: {port: eth1,", "endpoint-on-uplink", "endpoint cam-s"),
        ("uplink: {port: eth9,", 'uplink: {port: "eth9; reload",', "bad-value", "device sw-school"),
    ],
)  # fmt: skip
def test_faults_have_code_and_address(tmp_path: Path, old: str, new: str, code: str, address: str) -> None:
    found = faults(tmp_path, changed(old, new))
    assert (code, address) in {(one.code, one.address) for one in found}, short(found)


def test_devices_of_one_port_have_tags_of_their_own(tmp_path: Path) -> None:
    shared = "switch: sw-a, switch_port: 24}\n    tags: 105-119\n"
    old = "switch: sw-b, switch_port: 24}\n    tags: 200-209\n"
    (found,) = faults(tmp_path / "overlap", changed(old, shared))
    assert (found.code, found.address) == ("tags-overlap", "device sw-hall")
    assert "VLAN 105-109" in found.summary
    load(tmp_path / "apart", changed(old, "switch: sw-a, switch_port: 24}\n    tags: 110-119\n"))


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ("x,alpha,sw-school,eth1,,,10.1.0.99/32,camera,", "port-claimed-twice"),
        ("x,beta,sw-school,eth4,,,10.1.0.99/32,camera,", "endpoint-elsewhere"),
        ("x,alpha,sw-a,24,,,10.1.0.99/32,camera,", "endpoint-on-uplink"),
        ("x,alpha,sw-a,eth4,,,10.1.0.99/32,camera,", "not-a-port-number"),
        ("x,alpha,sw-schol,eth4,,,10.1.0.99/32,camera,", "dangling-reference"),
        ("x,alpha,sw-school,eth 4,,,10.1.0.99/32,camera,", "bad-value"),
    ],
)
def test_endpoints_behind_devices_are_checked(tmp_path: Path, row: str, code: str) -> None:
    every = files()
    found = faults(tmp_path, {**every, ENDPOINTS: f"{every[ENDPOINTS]}{row}\n"})  # type: ignore[str-bytes-safe]
    assert [one.code for one in found] == [code]
    assert found[0].source is not None
    assert found[0].source.file == ENDPOINTS


def test_endpoints_of_a_planned_device_sleep_with_it(tmp_path: Path) -> None:
    network = load(tmp_path, changed("  - id: sw-hall\n", "  - id: sw-hall\n    status: planned\n")).network
    assert "sw-hall" not in network.topology.devices
    assert "cam-h" not in network.endpoints
    assert "cam-s" in network.endpoints


SECRET = "hunter2-very-secret"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('password: "env:SCHOOL_PASSWORD"', f"password: {SECRET}"),
        ('password: "env:SCHOOL_PASSWORD"', f'key: "{SECRET}"'),
        ('password: "env:SCHOOL_PASSWORD"', f'community: "env:{SECRET}"'),
        ('options: {timeout: "30"}', f"options: {{password: {SECRET}}}"),
        ('options: {timeout: "30"}', f"options: {{snmp_community: {SECRET}}}"),
        (
            'tags: 100-109\n    drivers: {attachments-memory: "attachments-memory:/nowhere"}',
            f'tags: 100-109\n    drivers: {{netmiko: "ssh://sdnctl:{SECRET}@192.0.2.9"}}',
        ),
    ],
)
def test_credentials_in_clear_are_refused_and_never_repeated(tmp_path: Path, old: str, new: str) -> None:
    found = faults(tmp_path, changed(old, new))
    assert found
    assert all(one.address.startswith("device sw-school") for one in found), short(found)
    assert SECRET not in "".join(map(str, found))
    assert "env:NAME" in str(found[0]) or "file:PATH" in str(found[0]) or "credentials" in str(found[0])


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    broken = (
        DEVICES.replace("switch: sw-a, switch_port: 24", "switch: sw-a, switch_port: 1")
        .replace("tags: 200-209", "tags: 4095")
        .replace("site: gamma\n    platform", "site: nowhere\n    platform")
    )
    every = files(broken)
    row = "x,alpha,sw-school,eth1,,,10.1.0.99/32,camera,\n"
    codes = {one.code for one in faults(tmp_path, {**every, ENDPOINTS: f"{every[ENDPOINTS]}{row}"})}  # type: ignore[str-bytes-safe]
    assert {"uplink-on-trunk-port", "bad-value", "dangling-reference", "port-claimed-twice"} <= codes


def test_a_line_begins_behind_a_device_or_has_a_vlan_at_both_ends(tmp_path: Path) -> None:
    (found,) = faults(tmp_path, changed("b: line-h,", "b: line-b,", "intents/circuits.yaml"))
    assert found.code in {"vlan-at-one-end", "frames-claimed-twice"}
    assert "uplink of sw-school" in found.summary


def test_the_schema_says_what_a_device_is() -> None:
    made = schema("equipment")
    device = made["$defs"]["DeviceModel"]
    assert {"id", "site", "platform", "uplink", "tags", "drivers"} <= set(device["required"])
    assert made["$defs"]["CredentialsModel"]["properties"]["password"]["anyOf"][0]["pattern"].startswith("^(env:")
    port = schema("endpoints")["properties"]["port"]
    assert {"type": "string"} in port["anyOf"]


def test_folders_without_devices_are_what_they_were(tmp_path: Path) -> None:
    network = load(tmp_path, FILES).network
    assert network.topology.devices == {}
    assert all(end.behind is None for end in network.endpoints.values())
