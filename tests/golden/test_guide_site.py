"""The user guide builds with mkdocs, in strict mode, without a warning, and asks for nothing from elsewhere."""

from __future__ import annotations

import logging
import re
from pathlib import Path

import pytest
from mkdocs.commands.build import build
from mkdocs.config import load_config

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("guide") / "site"
    said: list[str] = []

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            said.append(record.getMessage())

    listener = Listener(logging.WARNING)
    logger = logging.getLogger("mkdocs")
    logger.addHandler(listener)
    try:
        build(load_config(str(ROOT / "mkdocs.yml"), site_dir=str(folder), strict=True))
    finally:
        logger.removeHandler(listener)
    assert not said
    return folder


def test_every_page_of_the_guide_is_in_the_navigation(site: Path) -> None:
    """Also those that somebody adds: a page that nobody is led to is not read."""
    menu = (site / "index.html").read_text(encoding="utf-8")
    for page in (ROOT / "docs").rglob("*.md"):
        address = page.relative_to(ROOT / "docs").with_suffix(".html").as_posix().replace("README", "index")
        assert (site / address).exists(), address
        assert f'href="{address}"' in menu or address == "index.html", f"{address} is not in mkdocs.yml"


def test_questions_about_the_glass_stand_in_the_order_of_the_menu() -> None:
    """The page of questions and the menu lead through a day in one order, and leave no page out."""
    menu = re.findall(
        r": ((?:fibre-|gracethd)\S*\.md)$", (ROOT / "mkdocs.yml").read_text(encoding="utf-8"), re.MULTILINE
    )
    asked = re.findall(
        r"\(((?:fibre-|gracethd)[\w-]*\.md)", (ROOT / "docs" / "fibre.md").read_text(encoding="utf-8")
    )
    assert list(dict.fromkeys(asked)) == menu
    assert set(menu) == {
        path.name for pattern in ("fibre-*.md", "gracethd.md") for path in (ROOT / "docs").glob(pattern)
    }


def test_nothing_is_fetched_from_elsewhere(site: Path) -> None:
    fetched = re.compile(r"<(?:script|img|link|iframe)\b[^>]*\b(?:src|href)=[\"']?(?:https?:)?//[^\"'\s>]+")
    for page in site.rglob("*.html"):
        assert not fetched.findall(page.read_text(encoding="utf-8")), page.name


def test_links_out_of_the_guide_are_taken_along(site: Path) -> None:
    taken = site / "repository" / "lab" / "pipelines" / "gitlab-ci.yml.txt"
    assert taken.read_bytes() == (ROOT / "lab" / "pipelines" / "gitlab-ci.yml").read_bytes()
    assert 'href="repository/lab/pipelines/gitlab-ci.yml.txt"' in (site / "pipelines.html").read_text(
        encoding="utf-8"
    )
