"""`inventory works cut-cable`: shown as a diff, written all or not at all, and everything goes on."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from inventory_support import example_plant
from sdnctl_in_process import sdnctl

from sdnctl.errors import InputError
from sdnctl.inventory.history import Spot, called_now, laid_as
from sdnctl.inventory.links import optical_links
from sdnctl.inventory.naming import link_names
from sdnctl.inventory.splitting import plan_cut
from sdnctl.usecases import works
from sdnctl.usecases.context import Context
from sdnctl.workspace.folder import Loaded, load_network

CUT = ("inventory", "works", "cut-cable", "c-south-west", "--at", "fc-moulin", "--closure", "k-moulin")


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cut") / "original"
    assert sdnctl("init", folder, "--example", "small").code == 0
    return folder


@pytest.fixture
def net(original: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(original, tmp_path / "a network"))


@pytest.fixture(scope="module")
def made(original: Path) -> works.Rewriting:
    """The cut at a new closure; it fits every copy of the network."""
    return works.cut_cable(Context(original), "c-south-west", "1.75 km", "new-box")


def texts(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): path.read_text() for path in sorted(folder.rglob("*")) if path.is_file()
    }


def names(loaded: Loaded) -> list[tuple[str, bool]]:
    links = optical_links(loaded.plant)[0]
    return sorted(zip(link_names(loaded.plant, links), (link.usable for link in links), strict=True))


def test_links_and_services_go_on(net: Path) -> None:
    before = load_network(net)
    result = sdnctl("-n", net, "-f", "json", *CUT, "--yes")
    assert result.code == 0, result.err
    told = json.loads(result.out)
    assert (told["far"], told["splices"], told["new_closure"], told["written"]) == (
        "c-south-west-2",
        70,
        False,
        True,
    )
    after = load_network(net)
    assert names(after) == names(before)
    assert set(after.network.topology.links) == set(before.network.topology.links)
    assert [one.code for one in after.diagnostics] == [one.code for one in before.diagnostics]
    assert {one.id for one in after.network.demands} == {one.id for one in before.network.demands}
    spot = Spot("c-south-west-2", 13, 100.0)
    assert called_now(after.plant, laid_as(after.plant, spot)) == spot
    assert laid_as(after.plant, spot)[:2] == ("c-south-west", 13)
    mill = after.plant.closures["k-moulin"]
    assert dict(mill.opened) == {}
    assert (net / "inventory/closures.yaml").read_text().startswith("# ")  # comments stay


def test_what_is_dark_meanwhile_is_told(net: Path) -> None:
    """The cable carries a link of two strands, of which protected classes are the business."""
    told = json.loads(sdnctl("-n", net, "-f", "json", *CUT, "--dry-run").out)
    assert [one["name"] for one in told["dark"]] == ["pop-south--pop-west"]
    words = ("inventory", "works", "cut-cable", "c-dc-carrefour", "--at", "ch-boulevard", "--closure", "k-new")
    said = " ".join(sdnctl("-n", net, *words, "--dry-run").out.split())
    assert "dark until it is spliced: core-a--pop-north: scada, video, education" in said


def test_the_diff_is_what_is_written(net: Path) -> None:
    before = texts(net)
    shown = sdnctl("-n", net, "-f", "json", *CUT, "--dry-run")
    assert texts(net) == before
    other = net.parent / "patched"
    shutil.copytree(net, other)
    diff = json.loads(shown.out)["diff"]
    subprocess.run(["git", "apply", "-p1"], input=diff, text=True, check=True, cwd=other)
    assert sdnctl("-n", net, *CUT, "--yes").code == 0
    assert texts(other) == texts(net)
    text = sdnctl("-n", other, *CUT, "--dry-run")
    assert text.code == 1  # it ends there now
    assert "ends at fc-moulin" in text.err


def test_without_a_terminal_it_asks_for_yes(net: Path) -> None:
    before = texts(net)
    result = sdnctl("-n", net, *CUT)
    assert result.code == 64
    assert "not-confirmed" in result.err
    assert texts(net) == before


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("c-south-wst", "fc-moulin", "k"), "Did you mean c-south-west"),
        (("c-south-west", "south", "k"), "ends at south: there is nothing to cut"),
        (("c-south-west", "ch-canal", "k"), "does not pass ch-canal"),
        (("c-south-west", "1 km", "k"), "The nearest are"),
        (("c-south-west", "9 km", "k"), "is 3.857 km long"),
        (("c-south-west", "fc-moulin", "k-vigne"), "stands at ch-vigne, not at fc-moulin"),
        (("c-south-west", "fc-moulin", "k", "c-mill"), "is a cable c-mill already"),
        (("c-south-west", "fc-moulin", "k", "core-a"), "is a switch core-a already"),
    ],
)  # fmt: skip
def test_what_stands_against_it_is_said(arguments: tuple[str, ...], said: str) -> None:
    with pytest.raises(InputError) as caught:
        plan_cut(example_plant("small"), *arguments)
    (fault,) = caught.value.diagnostics
    assert said in f"{fault.summary} {fault.hint}"


def test_a_mark_means_the_chamber_there(made: works.Rewriting) -> None:
    assert (made.place, made.spliced, made.cut.new_closure) == ("fc-moulin", 70, True)


@pytest.mark.parametrize("at", [1, 2, 3])
def test_all_files_are_written_or_none(
    net: Path, made: works.Rewriting, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    before = texts(net)
    assert len(made.after) == 4
    real, calls = os.replace, []

    def replace(source: object, target: object) -> None:
        calls.append(target)
        if len(calls) == at:
            raise OSError(28, "No space left on device")
        real(source, target)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "replace", replace)
    with pytest.raises(InputError) as caught:
        works.write(net, made)
    monkeypatch.undo()
    assert caught.value.diagnostics[0].summary == "nothing was changed"
    assert texts(net) == before


def test_a_folder_that_changed_meanwhile_is_left_alone(net: Path, made: works.Rewriting) -> None:
    with (net / "inventory/odfs.yaml").open("a") as file:
        file.write("# somebody was here\n")
    before = texts(net)
    with pytest.raises(InputError) as caught:
        works.write(net, made)
    assert caught.value.diagnostics[0].code == "folder-changed"
    assert texts(net) == before


def test_what_names_the_cable_elsewhere_names_both_parts(net: Path) -> None:
    schools, control = net / "intents/schools.yaml", net / "topology/control.yaml"
    avoiding = schools.read_text().replace("guarantees:\n", 'guarantees:\n  avoid: ["cable:c-south-west"]\n')
    schools.write_text(avoiding)
    control.write_text(
        "controllers: [south, west]\nlinks:\n  - {id: m-1, a: south, b: west, cables: [c-south-west]}\n"
    )
    result = sdnctl("-n", net, *CUT, "--yes")
    assert result.code == 0, result.err
    assert '"cable:c-south-west", "cable:c-south-west-2"' in schools.read_text()
    assert "cables: [c-south-west, c-south-west-2]" in control.read_text()
