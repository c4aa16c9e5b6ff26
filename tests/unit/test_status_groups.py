"""`status --by` and `show retention`: whose demands suffer, where, and what recorders keep."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sdnctl_in_process import Net, new_net

CUT = ("core-a--pop-north", "com-aigues--pop-north")
AREAS = {"aigues": "Aigues", "calvas": "Calvas", "boisset": "Haut Pays", "dourbie": "Haut Pays"}


def prepared(folder: Path, kind: str = "memory") -> Net:
    net = new_net(folder, slim=False, kind=kind)
    for site, area in AREAS.items():
        net.edit("inventory/sites.yaml", f"  - id: {site}\n", f"  - id: {site}\n    area: {area}\n")
    net.edit("intents/video-protection.yaml", "owner: dsi-video", "retention: 30 d\nowner: dsi-video")
    return net


def groups(net: Net, by: str) -> dict[str, dict[str, Any]]:
    return {group["name"]: group for group in net.json("status", "--by", by)["groups"]}


def test_the_state_by_tenant_and_area(tmp_path: Path) -> None:
    net = prepared(tmp_path / "net")
    net.ok("apply", "--yes")
    assert groups(net, "area")["Calvas"]["levels"]["V3"] == ""  # what was never verified is not green

    net.ok("verify", "--live")
    before = net.json("status")
    assert (before["by"], before["groups"]) == ("application", [])
    total = sum(one["demands"] for one in before["applications"])

    tenants = groups(net, "tenant")
    assert sorted(tenants) == ["rhone-operator", "schools", "town"]
    assert tenants["town"]["applications"] == ["flood-sensors", "video-protection"]
    assert sum(one["demands"] for one in tenants.values()) == total
    assert {level for one in tenants.values() for level in one["levels"].values()} == {"ok"}

    areas = groups(net, "area")
    assert sorted(areas) == ["", "Aigues", "Calvas", "Haut Pays"]
    # a camera with two recorders; two gauges with one head each and a school; a circuit counts at both of its ends
    assert areas["Calvas"]["demands"] == 4
    assert areas["Haut Pays"]["applications"] == ["enterprise", "flood-sensors", "schools"]
    assert (areas["Haut Pays"]["demands"], areas["Aigues"]["demands"]) == (2 + 4 + 2, 4 + 2)
    text = net.ok("status", "--by", "area").out
    assert "Haut Pays" in text
    assert "(none)" in text


def test_what_one_area_lost_is_not_the_others_fault(tmp_path: Path) -> None:
    """Rules of one switch go: what ends there fails, and nothing else of the same applications."""
    net = prepared(tmp_path / "net")
    net.ok("apply", "--yes")
    with net.board.changing("com-calvas") as embedded:
        for key in [key for key, flow in embedded.rules.flows.items() if flow.table == 0 and flow.priority == 200]:
            del embedded.rules.flows[key]
    assert net("verify", "--live").code == 4
    applications = {one["application"]: one for one in net.json("status")["applications"]}
    assert applications["video-protection"]["levels"] == {"V1": "failed", "V2": "failed", "V3": "failed"}
    areas = groups(net, "area")
    assert areas["Calvas"]["levels"] == {"V1": "failed", "V2": "failed", "V3": "failed"}
    # what switches hold is not what was applied: that everybody is told
    assert areas["Aigues"]["levels"] == {"V1": "ok", "V2": "failed", "V3": "ok"}
    assert groups(net, "tenant")["town"]["levels"]["V3"] == "failed"


def test_what_recorders_keep(tmp_path: Path) -> None:
    net = prepared(tmp_path / "net", kind="")
    found = net.json("show", "retention")
    assert [(one["recorder"], one["streams"], one["rate"], one["retention"]) for one in found["retention"]] == [
        ("rec-1", 6, 46_200_000, 2_592_000),
        ("rec-2", 6, 46_200_000, 2_592_000),
    ]
    assert found["total"] == {"streams": 12, "rate": 92_400_000, "size": 2 * 46_200_000 * 2_592_000 // 8}
    one = net.json("show", "retention", "rec-2")
    assert one["total"]["size"] * 2 == found["total"]["size"]
    assert "29.9 TB" in net.ok("show", "retention").out
    unknown = net.json("status", "--by", "colour", code=64)
    assert unknown["diagnostics"][0]["hint"] == "one of application, tenant, area"


def test_a_cut_that_nobody_dealt_with_yet_is_seen(tmp_path: Path) -> None:
    """Switches repair what is protected, on what was to protect it; the rest is cut off until somebody acts."""
    net = prepared(tmp_path / "net")
    net.ok("apply", "--yes")
    hits = {one["application"]: one for one in net.json("lab", "cut", *CUT)["hits"]}
    assert {name for name, one in hits.items() if one["repaired"]} == {
        "enterprise",
        "flood-sensors",
        "video-protection",
    }
    assert hits["schools"]["lost"] == 2
    found = {one["application"]: one for one in net.json("status")["applications"]}
    for name, hit in hits.items():
        assert found[name]["cut_off"] == hit["lost"]
        assert found[name]["unprotected"] == hit["lost"] + hit["repaired"]
    text = " ".join(net.ok("status").out.split())
    assert "6 have less" in text
    assert "2 cut off" in text
    net.ok("lab", "heal")
    assert all(one["unprotected"] == 0 for one in net.json("status")["applications"])
