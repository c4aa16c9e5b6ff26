"""Services of the reference network: how many there are of what, where they stand, and that their files fit."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Mapping
from ipaddress import ip_network
from itertools import pairwise
from pathlib import Path

import pytest

from lab.reference import services
from lab.reference.communes import communes
from lab.reference.demography import INHABITANTS_PER_SCHOOL, SPURS
from lab.reference.intents_table import resolved
from lab.reference.plant import build
from sdnctl.intents.demand import Demand, Grade, Service
from sdnctl.intents.models import Application
from sdnctl.intents.retention import storage

ROOT = Path(__file__).resolve().parents[2]
PRIVATE = [ip_network(net) for net in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")]

COUNTS = {
    "camera": 800,
    "flood-sensor": 40,
    "traffic-light": 180,
    "bollard": 32,
    "plate-reader": 32,
    "wifi-ap": 120,
    "lora-gateway": 30,
    "town-hall": 39,
    "premises": 400,
    "handover": 400,
    "recorder": 4,
    "m2m-handover": 1,
}


@pytest.fixture(scope="module")
def files() -> Mapping[str, str]:
    return services.files(build())


@pytest.fixture(scope="module")
def rows(files: Mapping[str, str]) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(files["inventory/endpoints.csv"])))


@pytest.fixture(scope="module")
def asked(files: Mapping[str, str]) -> tuple[dict[str, Application], tuple[Demand, ...]]:
    """Applications and demands; resolving them raises with every fault there is."""
    return resolved(files, {point.site: point.area for point in build().points})


def of(demands: tuple[Demand, ...], name: str) -> list[Demand]:
    return [demand for demand in demands if demand.application == name]


# ── endpoints ────────────────────────────────────────────────────────────────────────────────────


def test_there_are_as_many_as_the_city_has(rows: list[dict[str, str]]) -> None:
    kinds = Counter(row["kind"] for row in rows)
    assert {kind: kinds[kind] for kind in COUNTS} == COUNTS
    people = sum(one.population for one in communes().values())
    assert kinds["school"] == round(people / INHABITANTS_PER_SCHOOL)
    assert {row["id"] for row in rows if row["kind"] == "town-hall"} == {f"hall-{key}" for key in communes()}
    at_customers = sum(row["terminal"] != "" for row in rows)
    assert 2000 <= at_customers <= 2200


def test_two_thirds_of_the_cameras_are_in_nimes(rows: list[dict[str, str]]) -> None:
    points = {point.terminal: point for point in build().points}
    cameras = [row for row in rows if row["kind"] == "camera"]
    assert len({row["terminal"] for row in cameras}) == 450
    inside = sum(points[row["terminal"]].area == "Nîmes" for row in cameras)
    assert abs(inside / len(cameras) - 2 / 3) < 0.01
    assert {points[row["terminal"]].area for row in cameras} == {one.name for one in communes().values()}


def test_every_drop_point_serves_somebody_and_endpoints_stand_where_their_glass_does(
    rows: list[dict[str, str]],
) -> None:
    points = {point.terminal: point for point in build().points}
    used = [row for row in rows if row["terminal"]]
    assert {row["terminal"] for row in used} == set(points)
    for row in used:
        point = points[row["terminal"]]
        assert (row["site"], row["device"], int(row["port"])) == (point.site, point.switch, point.port)
    customers = {(point.switch, point.port) for point in points.values()}
    hubs = {(row["device"], int(row["port"])) for row in rows if not row["terminal"]}
    assert not customers & hubs


def test_names_and_addresses_are_unique_and_private(rows: list[dict[str, str]]) -> None:
    assert len({row["id"] for row in rows}) == len(rows)
    nets = sorted(
        (ip_network(text) for row in rows for text in row["prefixes"].split(";") if text),
        key=lambda net: (net.version, net),
    )
    assert len(nets) > 1800
    for net in nets:
        assert any(net.version == one.version and net.subnet_of(one) for one in PRIVATE), net  # type: ignore[arg-type]
    for one, two in pairwise(nets):
        assert not one.overlaps(two), (one, two)
    macs = [row["mac"] for row in rows if row["mac"]]
    assert len(set(macs)) == len(macs) > 1800
    assert all(mac.startswith("02:") for mac in macs)  # locally administered, of one device


def test_frames_on_a_shared_port_differ_by_vlan_or_address(rows: list[dict[str, str]]) -> None:
    ports = Counter((row["device"], row["port"], row["vlan"], row["prefixes"]) for row in rows)
    assert max(ports.values()) == 1
    behind = Counter((row["device"], row["port"]) for row in rows if row["terminal"])
    assert sum(count > 1 for count in behind.values()) > 300


# ── intents ──────────────────────────────────────────────────────────────────────────────────────


def test_every_service_has_its_file_with_owner_tenant_and_guarantees(
    asked: tuple[dict[str, Application], tuple[Demand, ...]],
) -> None:
    applications, demands = asked
    city = "video-protection command-centre image-search flood-sensors flood-expert traffic-lights traffic-central"
    small = "bollards parking ticketing air-quality wifi m2m lorawan management"
    halls = "schools town-halls shared-it neticenter backups cloud"
    operators = {name for name in applications if name.startswith("operateur-")}
    assert len(operators) == 4
    assert set(applications) == {*f"{city} {small} {halls}".split(), *operators}
    for one in applications.values():
        assert one.owner
        assert one.guarantees.protection is not None
    assert 6_000 <= len(demands) <= 8_000
    assert {demand.grade for demand in demands} == set(Grade)
    assert {demand.service for demand in demands} == set(Service)


def test_a_camera_has_one_home_and_eight_hundred_make_two_petabytes(
    asked: tuple[dict[str, Application], tuple[Demand, ...]],
) -> None:
    applications, demands = asked
    up = [demand for demand in of(demands, "video-protection") if demand.egress.kind == "recorder"]
    assert len(up) == len({demand.ingress.id for demand in up}) == 800
    assert Counter(demand.cir for demand in up) == {4_500_000: 480, 12_500_000: 320}
    retention = applications["video-protection"].retention
    assert retention is not None
    kept = storage(demands, {"video-protection": retention})
    assert sum(one.rate for one in kept) == 6_160_000_000
    assert abs(sum(one.size for one in kept) - 2e15) < 0.005e15
    assert [one.root.id for one in kept] == ["rec-n1", "rec-n2", "rec-r1", "rec-r2"]
    assert {one.root.site for one in kept} == {"neticenter", "richelieu"}
    assert all(180 <= one.leaves <= 220 for one in kept)


def test_green_waves_stay_in_their_corridor(asked: tuple[dict[str, Application], tuple[Demand, ...]]) -> None:
    _, demands = asked
    lights = of(demands, "traffic-lights")
    met = {(demand.ingress.id, demand.egress.id) for demand in lights}
    corridors: dict[str, set[str]] = {}
    for demand in lights:
        (tag,) = (tag for tag in demand.ingress.tags if tag.startswith("corridor-"))
        corridors.setdefault(tag, set()).add(demand.ingress.id)
    assert len(corridors) == 36
    assert met == {(one, two) for some in corridors.values() for one in some for two in some if one != two}
    assert {demand.egress.id for demand in of(demands, "traffic-central")} > set().union(*corridors.values())


def test_town_halls_meet_each_other_and_operators_their_own(
    asked: tuple[dict[str, Application], tuple[Demand, ...]], rows: list[dict[str, str]]
) -> None:
    applications, demands = asked
    assert len(of(demands, "town-halls")) == 39 * 38
    owners = {row["id"]: row["owner"] for row in rows}
    circuits = [demand for demand in demands if demand.application.startswith("operateur-")]
    assert len(circuits) == 2 * 400
    for demand in circuits:
        assert owners[demand.ingress.id] == owners[demand.egress.id] == demand.tenant == demand.application
    for name in applications:
        if name.startswith("operateur-"):
            some = of(demands, name)
            assert {demand.egress.site for demand in some if demand.egress.kind == "handover"} == {
                "neticenter",
                "richelieu",
            }
            assert Grade.DISJOINT in {demand.grade for demand in some}


def test_nothing_is_promised_at_the_end_of_a_spur(
    asked: tuple[dict[str, Application], tuple[Demand, ...]],
) -> None:
    _, demands = asked
    names = {communes()[key].name for key in SPURS}
    there = [demand for demand in demands if names & set(demand.areas)]
    assert len({demand.application for demand in there}) > 5
    assert {demand.grade for demand in there} == {Grade.NONE}


# ── files ────────────────────────────────────────────────────────────────────────────────────────


def test_what_is_committed_is_what_the_generator_writes(files: Mapping[str, str]) -> None:
    for name, text in files.items():
        committed = ROOT / name
        assert committed.read_bytes() == text.encode(), f"{name} differs: `make reference` writes it"
    written = {path.name for path in (ROOT / "intents").glob("*.yaml")}
    assert written == {name.removeprefix("intents/") for name in files if name.endswith(".yaml")}


def test_the_generator_writes_the_same_again(files: Mapping[str, str], tmp_path: Path) -> None:
    (tmp_path / "intents").mkdir()
    (tmp_path / "intents" / "old.yaml").write_text("application: gone\n")
    services.write(build(), tmp_path)
    assert not (tmp_path / "intents" / "old.yaml").exists()
    found = {str(path.relative_to(tmp_path)): path for path in tmp_path.rglob("*") if path.is_file()}
    assert set(found) == set(files)
    assert all(path.read_bytes() == files[name].encode() for name, path in found.items())


def test_the_readme_counts_every_application(
    files: Mapping[str, str], asked: tuple[dict[str, Application], tuple[Demand, ...]]
) -> None:
    applications, demands = asked
    text = files["intents/README.md"]
    rows = re.findall(r"^\| (\S+) \| \S+ \| \S+ \| (?:tree|mesh|line) \| \d+ \| (\d+) \|", text, re.MULTILINE)
    counts = Counter(demand.application for demand in demands)
    assert dict(rows) == {name: str(counts[name]) for name in applications}
    assert "| together | 800 | 6.16 Gbit/s | | 2 PB |" in text
