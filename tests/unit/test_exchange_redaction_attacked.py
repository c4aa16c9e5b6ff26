"""Redaction under attack: names in every spelling that people and programs use, positions in every notation.

What is looked for in the finished files is made plain in another way than `redaction` does it: everything that is
encoded is decoded, accents and ligatures are dissolved, and what is no letter or figure is dropped.
"""

from __future__ import annotations

import html
import re
import shutil
import struct
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import pytest
import yaml
from inventory_support import EXAMPLES

from sdnctl.document import Document
from sdnctl.errors import InputError
from sdnctl.exchange.redaction import Redaction, grid, redact
from sdnctl.inventory.lambert93 import to_grid
from sdnctl.usecases.context import Context
from sdnctl.usecases.exchanging_geojson import export_geojson
from sdnctl.usecases.exchanging_netbox import export_netbox
from sdnctl.usecases.gracethd import export_gracethd

SITE, NAME = "exchange", "Hôtel-Dieu de la Sœur Aimée"
SPELLINGS: tuple[Callable[[str], str], ...] = (
    str,
    str.upper,
    lambda text: unicodedata.normalize("NFD", text),
    lambda text: text.replace("œ", "oe").replace("ô", "o").replace("é", "e"),
    lambda text: re.sub(r"\W", "", text.title()),
    lambda text: re.sub(r"\W", "_", text),
    quote,
    lambda text: quote(unicodedata.normalize("NFD", text)),
    lambda text: html.escape(text).encode("ascii", "xmlcharrefreplace").decode(),
    lambda text: text.replace("ô", "&ocirc;").replace("é", "&eacute;").replace("œ", "&oelig;"),
    lambda text: text.encode("unicode_escape").decode().replace("\\x", "\\u00"),
    lambda text: text.replace(" ", "\u00a0").replace("-", "\u2011"),
)
FORMATS: dict[str, Callable[[Context, Path], object]] = {
    "map.geojson": lambda context, target: export_geojson(context, target, redacted=True),
    "layers": lambda context, target: export_geojson(context, target, redacted=True),
    "netbox": lambda context, target: export_netbox(context, target, redacted=True),
    "delivery": lambda context, target: export_gracethd(context, target, redacted=True),
    "delivery.gpkg": lambda context, target: export_gracethd(context, target, redacted=True),
}


def plain(text: str) -> str:
    text = unquote(html.unescape(text))
    text = re.sub(r"\\u([0-9a-fA-F]{4})", lambda match: chr(int(match[1], 16)), text)
    text = unicodedata.normalize("NFKD", text).casefold().replace("œ", "oe")
    return "".join(character for character in text if character.isalnum() and character.isascii())


def octets(target: Path) -> Iterator[bytes]:
    for path in [target] if target.is_file() else sorted(target.rglob("*")):
        yield path.name.encode()
        if path.is_file():
            yield path.read_bytes()


@pytest.fixture(scope="module")
def restricted(tmp_path_factory: pytest.TempPathFactory) -> Context:
    """The example with a site that is restricted and has a long name, which others mention."""
    folder = tmp_path_factory.mktemp("restricted") / "net"
    shutil.copytree(EXAMPLES / "small", folder)
    path = folder / "inventory/sites.yaml"
    data = yaml.safe_load(path.read_text(encoding="utf-8"))
    site = next(one for one in data["sites"] if one["id"] == SITE)
    site |= {"restricted": True, "name": NAME}
    others = [one for one in data["sites"] if one is not site]
    for number, spelling in enumerate(SPELLINGS):
        others[number % len(others)][("source", "owner")[number // len(others)]] = f"see {spelling(NAME)} 2"
    path.write_text(yaml.safe_dump(data, allow_unicode=True), encoding="utf-8")
    return Context(folder)


@pytest.mark.parametrize("name", FORMATS)
def test_no_octet_tells_of_a_restricted_site(restricted: Context, tmp_path: Path, name: str) -> None:
    plant = restricted.loaded.plant
    words = {SITE, NAME, *(one.id for one in plant.odfs.values() if one.site == SITE)}
    words |= {one.id for one in plant.switches.values() if one.site == SITE}
    position = plant.sites[SITE].position
    assert position is not None
    FORMATS[name](restricted, tmp_path / name)
    told = 0
    for content in octets(tmp_path / name):
        text = content.decode("utf-8", "replace")
        assert [word for word in words if len(plain(word)) > 3 and plain(word) in plain(text)] == []
        told += text.count("see redacted-1 2")
        for x, y in (position, to_grid(*position)):
            assert struct.pack("<2d", x, y) not in content
            assert struct.pack("<d", x) not in content
            assert not re.search(rf"(?<![\d.]){re.escape(repr(x))}\D{{1,5}}{re.escape(repr(y))}", text)
    assert told >= 5 or name.startswith("delivery")  # deliveries name owners and sources elsewhere


NOTATIONS: tuple[Callable[[float, float], str], ...] = (
    lambda x, y: f"{x}, {y}",
    lambda x, y: f"{y:.6f};{x:.6f}",
    lambda x, y: f"N{y:.5f}E{x:.5f}",
    lambda x, y: f"{y:.5f}".replace(".", ",") + " / " + f"{x:.5f}".replace(".", ","),
    lambda x, y: f"{_minutes(y)}N {_minutes(x)}E",
    lambda x, y: f"{_minutes(y)} N, {_minutes(x)} E".replace('"', "″").replace("'", "′"),
    lambda x, y: "x={:.1f} y={:.1f}".format(*to_grid(x, y)),
    lambda x, y: "{:.2f}\t{:.2f}".format(*to_grid(x, y)).replace(".", ","),
    lambda x, y: "{1:.0f} {0:.0f}".format(*to_grid(x, y)),
)


def _minutes(value: float) -> str:
    whole = round(value * 3600)
    return f"{whole // 3600}°{whole // 60 % 60}'{whole % 60}\""


@pytest.mark.parametrize("notation", NOTATIONS)
def test_positions_in_every_notation(notation: Callable[[float, float], str]) -> None:
    x, y = 4.3724, 43.8368
    text = f"12 m of cable, surveyed from {notation(x, y)} in 2019"
    assert Redaction({}, ((x, y),)).leaks(text, grid)
    assert not Redaction({}, ((x + 0.01, y),)).leaks(text, grid)
    assert not Redaction({}, ((x, y + 0.01),)).leaks(text, grid)


@pytest.mark.parametrize("name", ["map.geojson", "netbox", "delivery.gpkg"])
def test_a_note_with_its_position_is_not_written(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "net"
    shutil.copytree(EXAMPLES / "small", folder)
    path = folder / "inventory/sites.yaml"
    data: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    site = next(one for one in data["sites"] if one["id"] == SITE)
    site["restricted"] = True
    other = next(one for one in data["sites"] if one is not site)
    other["source"] = "surveyed from x={:.1f} y={:.1f}".format(*to_grid(*site["position"]))
    path.write_text(yaml.safe_dump(data, allow_unicode=True), encoding="utf-8")
    with pytest.raises(InputError, match="redaction-leaks"):
        FORMATS[name](Context(folder), tmp_path / name)
    assert not (tmp_path / name).exists()


def test_a_site_without_position_is_where_its_lines_end(restricted: Context) -> None:
    documents = dict(restricted.loaded.documents)
    sites = documents["inventory/sites.yaml"].value
    at = next(site.position for site in sites.sites if site.id == SITE)
    blind = tuple(site.model_copy(update={"position": None}) if site.id == SITE else site for site in sites.sites)
    documents["inventory/sites.yaml"] = Document("inventory/sites.yaml", sites.model_copy(update={"sites": blind}))
    assert redact(documents).redaction.near(at)
