"""The map in headless Chromium: it opens from a file, asks for nothing, and does what a person wants of it."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from chromium_page import Page, browser, chromium, file_url
from matplotlib import image
from sdnctl_in_process import Net

from sdnctl.compiler.ir import Compiled
from sdnctl.compiler.pipeline import compile_network
from sdnctl.usecases.labs import elements, hit_by
from sdnctl.workspace.folder import load_network

EXAMPLES = Path(__file__).parents[2] / "lab" / "examples"


@dataclass(frozen=True)
class Shown:
    """A page that is open, and the network that it shows."""

    page: Page
    url: str
    compiled: Compiled


@pytest.fixture(scope="module")
def window() -> Iterator[Page]:
    if not chromium():
        if os.environ.get("CI"):
            pytest.fail("the browser tier cannot run: chromium is not installed")
        pytest.skip("browser tier: chromium is not installed")
    with browser() as page:
        yield page


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small example below a path with blanks, with an outline of its town."""
    folder = tmp_path_factory.mktemp("a town") / "small"
    shutil.copytree(EXAMPLES / "small", folder)
    ring = [[4.20, 43.77], [4.45, 43.77], [4.45, 43.92], [4.20, 43.92], [4.20, 43.77]]
    feature = {
        "type": "Feature",
        "properties": {"area": "Vallerive", "source": "drawn for this test"},
        "geometry": {"type": "Polygon", "coordinates": [ring]},
    }
    text = json.dumps({"type": "FeatureCollection", "features": [feature]})
    (folder / "inventory" / "areas.geojson").write_text(text, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def made(folder: Path) -> tuple[str, Compiled]:
    out = folder / "map.html"
    Net(folder).ok("show", "map", "-o", out)
    return file_url(out), compile_network(load_network(folder).network)


@pytest.fixture
def shown(window: Page, made: tuple[str, Compiled]) -> Iterator[Shown]:
    """The page, freshly opened; afterwards it must have kept silent and to itself."""
    window.requests.clear()
    window.complaints.clear()
    url, compiled = made
    window.open(url)
    yield Shown(window, url, compiled)
    window.run("document.title")
    assert window.complaints == []
    assert {request.partition(":")[0] for request in window.requests} == {"file", "data"}
    assert {request.partition("#")[0] for request in window.requests if request.startswith("file")} == {url}


def spot(page: Page, key: str) -> tuple[float, float]:
    """Where in the window a thing is, a line at its middle; the map is moved there first."""
    page.run(f"""(() => {{
        const {{ net, map }} = window.sdnctlMap;
        const thing = net.byKey.get({json.dumps(key)});
        const line = thing.lines && thing.lines[0];
        const middle = line && line.length > 2 ? line[Math.floor(line.length / 2)] : line
            ? [(line[0][0] + line[1][0]) / 2, (line[0][1] + line[1][1]) / 2] : thing.at;
        window.wanted = middle;
        map.setView(middle, 16, {{ animate: false }});
    }})()""")
    page.wait("!document.querySelector('.leaflet-zoom-anim')")
    x, y = page.run("(p => [p.x, p.y])(window.sdnctlMap.map.latLngToContainerPoint(window.wanted))")
    return x, y


def told(page: Page) -> dict[str, int]:
    """The figures of the open card."""
    found = page.run(
        "Object.fromEntries([...document.querySelectorAll('#card [data-count]')]"
        ".map(one => [one.dataset.count, parseInt(one.textContent.replace(/\\s/g, ''), 10)]))"
    )
    assert isinstance(found, dict)
    return found


def rows(page: Page) -> dict[str, list[int]]:
    """Application → demands by fate, from the open card."""
    found = page.run(
        "Object.fromEntries([...document.querySelectorAll('#card tr[data-application]')].map(row => "
        "[row.dataset.application, [...row.cells].slice(2).map(cell => Number(cell.textContent))]))"
    )
    assert isinstance(found, dict)
    return found


def pixels(page: Page) -> float:
    """Share of the window that is neither paper nor white."""
    picture = image.imread(io.BytesIO(page.screenshot()))[:, :, :3]
    return float((picture.min(axis=2) < 0.85).mean())


# ── it opens ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("width", "height", "touch"), [(1400, 900, False), (390, 844, True)])
def test_it_opens_and_shows_the_network(shown: Shown, width: int, height: int, touch: bool) -> None:
    page = shown.page
    page.open(shown.url, width, height, touch=touch)
    assert page.run("document.querySelector('h1').textContent") == "Vallerive"
    assert pixels(page) > 0.02
    # Every site is in the part of the window that nothing covers.
    free = page.run("""(() => {
        const { net, map } = window.sdnctlMap;
        const panel = document.getElementById('panel').getBoundingClientRect();
        const size = map.getSize();
        return net.sites.every(site => {
            const p = map.latLngToContainerPoint(site.at);
            const hidden = p.x < panel.right && p.y < panel.bottom;
            return p.x > 0 && p.y > 0 && p.x < size.x && p.y < size.y && !hidden;
        });
    })()""")
    assert free
    assert page.run("document.documentElement.scrollWidth <= window.innerWidth")
    names = page.run("[...document.querySelectorAll('.name')].map(one => one.textContent)")
    assert "Datacentre" in names


def test_names_do_not_run_over_each_other(shown: Shown) -> None:
    overlaps = shown.page.run("""(() => {
        const boxes = [...document.querySelectorAll('.name')].map(one => one.getBoundingClientRect());
        return boxes.flatMap((a, i) => boxes.slice(i + 1).filter(b =>
            a.left < b.right - 2 && b.left < a.right - 2 && a.top < b.bottom - 4 && b.top < a.bottom - 4)).length;
    })()""")
    assert overlaps == 0
    names = shown.page.run("[...document.querySelectorAll('.name')].map(one => one.textContent)")
    assert {"Datacentre", "Old exchange", "North point of presence", "West point of presence"} <= set(names)
    assert "Vallerive" in names


# ── what one does with it ────────────────────────────────────────────────────────────────────────


def test_layers_are_switched_on_and_off(shown: Shown) -> None:
    page = shown.page
    names = page.run("[...document.querySelectorAll('.layer input')].map(one => one.id)")
    assert set(names) == {
        f"layer-{name}"
        for name in (
            *("areas", "zones", "segments", "cables", "links", "chambers", "closures", "endpoints", "sites"),
        )
    }
    before = pixels(page)
    for name in ("links", "segments", "sites", "endpoints", "zones"):
        page.press(f"#layer-{name}")
        assert page.run(f"document.getElementById('layer-{name}').checked") is False
    assert pixels(page) < before - 0.003
    for name in ("links", "segments", "sites", "endpoints", "zones"):
        page.press(f"#layer-{name}")
    assert pixels(page) == pytest.approx(before, abs=0.0005)
    page.press("#layer-cables")
    assert pixels(page) != pytest.approx(before, abs=0.0002)


def test_search_finds_an_endpoint_and_goes_there(shown: Shown) -> None:
    page = shown.page
    page.run("void window.sdnctlMap.map.setView([43.9, 4.2], 15, { animate: false })")
    page.press("#search")
    page.type("10.20.0.3")
    assert page.run("document.querySelector('#results button span').textContent") == "cam-03"
    page.key("Enter", 13)
    page.wait("!document.getElementById('card').hidden")
    assert page.run("document.querySelector('#card h2').textContent") == "cam-03"
    inside = page.run(
        "window.sdnctlMap.map.getBounds().contains(window.sdnctlMap.net.byKey.get('endpoint:cam-03').at)"
    )
    assert inside
    facts = page.run("document.getElementById('card').textContent")
    for expected in ("com-calvas:10", "10.20.0.3/32", "video-protection", "not verified yet"):
        assert expected in facts
    page.key("Escape", 27)
    assert page.run("document.getElementById('card').hidden")


def test_search_knows_everything_that_has_a_name(shown: Shown) -> None:
    page = shown.page
    load = page.run("Object.keys(window.sdnctlMap.net.things)")
    missing = page.run(
        "Object.keys(window.sdnctlMap.net.things).filter(name => !name.startsWith('declared:')"
        " && !window.sdnctlMap.named(name))"
    )
    assert len(load) > 200
    assert missing == []


@pytest.mark.parametrize(
    ("key", "thing"),
    [
        ("segment:s-pont-n-pont-s", "segment:s-pont-n-pont-s"),
        ("segment:s-datacentre-dc-s", "segment:s-datacentre-dc-s"),
        ("chamber:ch-carrefour", "chamber:ch-carrefour"),
        ("site:estel", "building:estel"),
        ("site:north", "building:north"),
    ],
)
def test_a_click_tells_what_a_cut_takes_down(shown: Shown, key: str, thing: str) -> None:
    """The figures on the page are those of the library: links, demands, and each application's."""
    page, compiled = shown.page, shown.compiled
    if not key.startswith("site"):  # sites are drawn above everything
        for layer in ("sites", "endpoints"):
            page.press(f"#layer-{layer}")
    if key.startswith("segment"):
        for layer in ("links", "chambers"):
            page.press(f"#layer-{layer}")
    page.click(*spot(page, key))
    page.wait("!document.getElementById('card').hidden")
    assert page.run("location.hash") == f"#{key.replace(':', '%3A')}"
    links, nodes = elements(compiled.topology, [thing])
    down = compiled.topology.down(links, nodes)
    hits = hit_by(compiled, down, nodes)
    figures = told(page)
    assert figures["links"] == len(down)
    assert figures["demands"] == sum(hit.demands for hit in hits)
    assert figures["repaired"] == sum(hit.repaired for hit in hits)
    assert figures["standby"] == sum(hit.standby for hit in hits)
    assert figures["lost"] + figures["severed"] == sum(hit.lost for hit in hits)
    assert {name: (row[0], row[1], row[2] + row[3]) for name, row in rows(page).items()} == {
        hit.application: (hit.repaired, hit.standby, hit.lost) for hit in hits
    }
    assert page.run("document.querySelector('.leaflet-base-pane').classList.contains('back')")


def test_what_nothing_depends_on_says_so(shown: Shown) -> None:
    page = shown.page
    idle = page.run("window.sdnctlMap.net.segments.find(one => !window.sdnctlMap.eventOf(one)).key")
    page.run(f"window.sdnctlMap.choose(window.sdnctlMap.net.byKey.get({json.dumps(idle)}))")
    assert "No lit link" in page.run("document.querySelector('#card .loss').textContent")


def test_an_application_shows_its_paths(shown: Shown) -> None:
    page = shown.page
    before = page.screenshot()
    page.run("document.querySelector('.service[data-application=flood-sensors]').scrollIntoView()")
    page.press(".service[data-application=flood-sensors]")
    page.wait("!document.getElementById('card').hidden")
    assert "scada" in page.run("document.getElementById('card').textContent")
    assert page.screenshot() != before
    demand = "flood-sensors/flood-2>scada-1"
    page.run(f"window.sdnctlMap.choose(window.sdnctlMap.net.byKey.get('demand:{demand}'))")
    trunk = next(one for one in shown.compiled.trunks if demand in one.demands)
    chips = page.run(
        "[...[...document.querySelectorAll('#card .block')].find(one => one.textContent.startsWith('Path'))"
        ".querySelectorAll('.chip')].map(one => one.textContent)"
    )
    assert chips == list(trunk.path.links)


def test_a_link_to_a_thing_opens_on_it(shown: Shown) -> None:
    page = shown.page
    page.send("Page.navigate", url="about:blank")  # else only the fragment would change
    page.open(f"{shown.url}#site%3Awest")
    page.wait("!document.getElementById('card').hidden")
    assert page.run("document.querySelector('#card h2').textContent") == "West point of presence"


# ── with --cut, and after an apply ───────────────────────────────────────────────────────────────


def test_a_cut_that_was_asked_for_is_there_at_once(window: Page, folder: Path) -> None:
    out = folder / "cut map.html"
    net = Net(folder)
    document = net.json("show", "map", "-o", out, "--cut", "chamber:ch-carrefour", "--cut", "node:com-estel")
    window.complaints.clear()
    window.open(file_url(out))
    window.wait("!document.getElementById('card').hidden")
    figures = told(window)
    assert figures["links"] == len(document["cut"]["links"])
    assert figures["switches"] == 1
    assert figures["severed"] == sum(row["severed"] for row in document["demands"].values()) > 0
    assert figures["repaired"] == sum(row["repaired"] for row in document["demands"].values())
    assert window.complaints == []


def test_a_network_of_links_only_without_positions(window: Page, tmp_path: Path) -> None:
    folder = tmp_path / "bare"
    shutil.copytree(EXAMPLES / "small-links", folder)
    sites = folder / "inventory" / "sites.yaml"
    text, removed = re.subn(r",? *position: \[[^\]]*\]", "", sites.read_text(encoding="utf-8"))
    assert removed == 12
    sites.write_text(text, encoding="utf-8")
    Net(folder).ok("show", "map", "-o", folder / "map.html")
    window.complaints.clear()
    window.open(file_url(folder / "map.html"))
    assert window.run("document.querySelector('.leaflet-control-scale')") is None
    assert "distances mean nothing" in window.run("document.getElementById('panel').textContent")
    assert window.run("window.sdnctlMap.net.sites.length") == 12
    assert pixels(window) > 0.02
    assert window.complaints == []


def test_an_applied_network_shows_proofs_and_what_is_down(tmp_path: Path) -> None:
    """On embedded switches: verdicts by application, a link that was cut, and one that the controller pinned."""
    shutil.copytree(EXAMPLES / "small", tmp_path / "net")
    net = Net(tmp_path / "net")
    net.ok("lab", "up", "--kind", "memory")
    try:
        net.ok("apply", "--yes")
        net.ok("verify", "--live")
        net.ok("lab", "cut", "core-a--pop-south")
        out = net.folder / "map.html"
        net.ok("show", "map", "--live", "-o", out)
        links, applications = embedded(out)
        assert {key for key, state in links.items() if state == "down"} == {"core-a--pop-south"}
        assert set(applications) == {"enterprise", "flood-sensors", "schools", "video-protection"}
        assert all(levels == {"V1": "ok", "V2": "ok", "V3": "ok"} for levels in applications.values())
        net.ok("controller", "reconcile")
        net.ok("show", "map", "-o", out)
        links, applications = embedded(out)
        assert {key for key, state in links.items() if state} == {"core-a--pop-south"}
        assert links["core-a--pop-south"] == "pinned"
        assert all(levels["V1"] == "stale" for levels in applications.values())
    finally:
        net.ok("lab", "down")


def embedded(out: Path) -> tuple[dict[str, str], dict[str, dict[str, str]]]:
    """Link → state and application → verdicts, from a page."""
    found = re.search(r'id="data">(.*?)</script>', out.read_text(encoding="utf-8"), re.DOTALL)
    assert found
    data = json.loads(found.group(1))
    return {row[0]: data["words"][row[-1]] for row in data["links"]}, {
        row[0]: row[4] for row in data["applications"]
    }
