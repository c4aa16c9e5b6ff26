"""NetBox: lists on the screen as it exports them, tables of templates, and links by name only."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from sdnctl.errors import InputError
from sdnctl.usecases.context import Context
from sdnctl.usecases.exchanging_netbox import import_netbox

LISTS = {
    "netbox_sites.csv": "ID,Name,Status,Facility,Latitude,Longitude\n"
    "1,Paris,Active,—,48.85,2.35\n2,Lyon,Active,,45.75,4.85\n",
    "netbox_devices.csv": "Name,Status,Site,Role,Manufacturer,Type\n"
    "r1,Active,Paris,Core,ACME,X1\nr2,Active,Lyon,Core,ACME,X1\nodf-p,Active,Paris,ODF,ACME,F\nodf-l,Active,Lyon,ODF,ACME,F\n",
    "netbox_interfaces.csv": "ID,Device,Name,Label,Enabled,Type,Speed\n"
    "1,r1,xe-0/0/1,,True,SFP+ (10GE),—\n2,r1,xe-0/0/2,core,True,QSFP28 (100GE),—\n"
    "3,r2,xe-0/0/1,,True,SFP+ (10GE),10 Gbps\n4,r2,xe-0/0/2,,True,SFP+ (10GE),1000 Mbps\n",
    "netbox_front ports.csv": "Device,Name,Rear Port,Rear Port Position,Type\n"
    "odf-p,1,trunk,1,LC/APC\nodf-p,2,trunk,2,LC/APC\nodf-l,1,trunk,1,LC/APC\nodf-l,2,trunk,2,LC/APC\n",
    "netbox_rear ports.csv": "Device,Name,Type,Positions\nodf-p,trunk,SPLICE,2\nodf-l,trunk,SPLICE,2\n",
    "netbox_cables.csv": "ID,Label,Device A,Termination A,Device B,Termination B,Status,Type,Length\n"
    "1,,r1,xe-0/0/1,odf-p,\"1,2\",Connected,SMF,2 Meters\n"
    "2,backbone,odf-p,trunk,odf-l,trunk,Connected,SMF,391.5 Kilometers\n"
    "3,,odf-l,\"2,1\",r2,xe-0/0/1,Connected,SMF,300 Centimeters\n"
    "4,direct,r1,xe-0/0/2 (core),r2,xe-0/0/2,Connected,SMF,—\n"
    "5,,r1,PSU0,pdu-1,Outlet 3,Connected,—,1 Meters\n",
}  # fmt: skip


def write(folder: Path, tables: Mapping[str, str]) -> Path:
    folder.mkdir()
    for name, text in tables.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def test_lists_on_the_screen(tmp_path: Path) -> None:
    result = import_netbox(write(tmp_path / "lists", LISTS), tmp_path / "net")
    links = Context(tmp_path / "net").loaded.network.topology.links
    assert sorted((str(one.a), str(one.b), float(one.length), int(one.capacity)) for one in links.values()) == [
        ("r1:1", "r2:1", 391_505.0, 10_000_000_000),
        ("r1:2", "r2:2", pytest.approx(391_000, rel=0.01), 1_000_000_000),
    ]
    left = [one for one in result.findings if one.code == "cable-left-out"]
    assert [str(one.source) for one in left] == ["netbox_cables.csv:6"] * 2  # both of its ends
    assert any("PSU0" in one.summary for one in left)


def test_titles_of_older_lists_and_semicolons(tmp_path: Path) -> None:
    tables = dict(LISTS)
    tables["netbox_cables.csv"] = (
        "ID;Label;Side A;Termination A;Side B;Termination B;Length\n9;x;r1;xe-0/0/1;r2;xe-0/0/1;5 km\n"
    )
    import_netbox(write(tmp_path / "lists", tables), tmp_path / "net")
    (link,) = Context(tmp_path / "net").loaded.network.topology.links.values()
    assert (str(link.a), str(link.b), float(link.length)) == ("r1:1", "r2:1", 5000.0)


def test_tables_of_templates_name_ends_by_number(tmp_path: Path) -> None:
    tables = dict(LISTS)
    tables["netbox_cables.csv"] = (
        "termination_a_type,termination_a_id,termination_b_type,termination_b_id,length,length_unit\n"
        "dcim.interface,1,dcim.interface,3,7,m\ndcim.powerport,1,dcim.poweroutlet,2,1,m\n"
    )
    import_netbox(write(tmp_path / "lists", tables), tmp_path / "net")
    (link,) = Context(tmp_path / "net").loaded.network.topology.links.values()
    assert (str(link.a), str(link.b), float(link.length)) == ("r1:1", "r2:1", 7.0)


@pytest.mark.parametrize(
    ("table", "old", "new", "code"),
    [
        ("netbox_front ports.csv", "odf-p,1,trunk,1", "odf-p,trunk,trunk,1", "ambiguous-end"),
        ("netbox_cables.csv", "2 Meters", "two Meters", "bad-value"),
        ("netbox_devices.csv", "r1,Active,Paris", "r1,Active,Nowhere", "dangling-reference"),
        ("netbox_cables.csv", "5,,r1,PSU0", "5,r1,PSU0", "bad-row"),
    ],
)
def test_what_does_not_fit(tmp_path: Path, table: str, old: str, new: str, code: str) -> None:
    tables = {name: text.replace(old, new) if name == table else text for name, text in LISTS.items()}
    with pytest.raises(InputError) as caught:
        import_netbox(write(tmp_path / "lists", tables), tmp_path / "net")
    assert code in {one.code for one in caught.value.diagnostics}
    assert all(one.source is not None for one in caught.value.diagnostics)
    assert not (tmp_path / "net").exists()
