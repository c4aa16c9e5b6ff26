"""Pictures of the user guide are what the program draws: made anew by `--update-golden`, held to their drawings.

Each is drawn by a command on the small example. The PNG in `docs/` carries the fingerprint of that drawing: when
the program draws something else, this test fails without a browser, and `--update-golden` paints the picture with
Chromium.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from chromium_page import browser, file_url
from sdnctl_in_process import sdnctl

if TYPE_CHECKING:
    from PIL import Image

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
DATE = re.compile(r"20\d\d-\d\d-\d\d")
KEY = "sdnctl-drawing"
EDGE = 12
MM = 96 / 25.4
"""Pixels of a millimetre on a page."""


@dataclass(frozen=True)
class Picture:
    """A command of the guide whose drawing is DRAWING; `before` are those that it needs."""

    name: str
    command: str
    before: tuple[str, ...] = ()
    scale: float = 1.6

    @property
    def path(self) -> Path:
        return DOCS / f"{self.name}.png"


TRACES = (
    "inventory otdr --from core-a:3/tx --save before.sor",
    "inventory otdr before.sor --from core-a:3/tx --keep",
    "inventory otdr --from core-a:3/tx --save after.sor --cut c-carrefour-north@700m",
)
NIGHT = ("apply --yes", "verify --live", "lab cut segment:s-lycee-no-w")
"""Last of all: maps say whether anything is applied."""
PICTURES = (
    Picture("first-hour-map", "show map -o DRAWING --cut segment:s-pont-n-pont-s", scale=1.0),
    Picture("daily-work-line", "inventory line core-a:3/tx -o DRAWING"),
    Picture("fibre-closures-plan", "inventory closure k-moulin -o DRAWING"),
    Picture("fibre-closures-edit", "inventory closure k-moulin --edit mill.yaml -o DRAWING"),
    Picture("fibre-closures-synoptic", "inventory synoptic -o DRAWING", scale=1.2),
    Picture("fibre-cut-zone", "show map -o DRAWING --cut zone:low-bank", scale=1.0),
    Picture("fibre-otdr-trace", "inventory otdr after.sor --from core-a:3/tx --draw DRAWING", TRACES),
    Picture("daily-work-status", "status", NIGHT, scale=0.9),
)
EDITS = """closure: k-moulin
edits:
  - {splice: "c-south-west/a:15-16", with: "c-mill:3-4", loss: 0.06 dB}
  - {park: "c-mill:1"}
  - {open: c-south-west, tube: 3}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    made = tmp_path_factory.mktemp("pictures") / "net"
    assert sdnctl("init", made, "--example", "small").code == 0
    (made / "mill.yaml").write_text(EDITS, encoding="utf-8")
    assert sdnctl("-n", made, "lab", "up", "--kind", "memory").code == 0
    with contextlib.chdir(made):
        yield made
        assert sdnctl("-n", made, "lab", "down").code == 0


def drawn(picture: Picture, folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The drawing as SVG, with the date that guides have."""
    for line in picture.before:
        assert sdnctl("-n", folder, *line.split()).code == 0, line
    if "DRAWING" not in picture.command:
        return terminal(picture.command, folder, monkeypatch)
    path = folder / "drawing.svg"
    done = sdnctl("-n", folder, *picture.command.replace("DRAWING", str(path)).split())
    assert done.code == 0, done.err
    return DATE.sub("2026-03-31", path.read_text(encoding="utf-8"))


def terminal(command: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """What a terminal of 80 columns shows, in its colours."""
    from rich.console import Console
    from rich.terminal_theme import SVG_EXPORT_THEME
    from rich.text import Text

    for name, value in {"COLUMNS": "80", "FORCE_COLOR": "1", "TERM": "xterm-256color"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("NO_COLOR", raising=False)
    said = sdnctl("-n", folder, *command.split())
    assert said.code == 0, said.err
    text = re.sub(r"\d\d:\d\d:\d\d UTC, \S+@\S+(?=\))", "10:15:00 UTC, ana@noc", DATE.sub("2026-03-31", said.out))
    console = Console(record=True, width=80, file=io.StringIO(), force_terminal=True)
    console.print(Text.from_ansi(text.strip("\n")))
    made = console.export_svg(title=f"$ sdnctl {command}", theme=SVG_EXPORT_THEME, unique_id="guide")
    return re.sub(r"@font-face \{.*?\}", "", made, flags=re.DOTALL).replace("Fira Code", "DejaVu Sans Mono")


def fingerprint(drawing: str) -> str:
    """Of what is drawn; typefaces are left out."""
    return hashlib.sha256(re.sub(r"url\(data:[^)]*\)", "", drawing).encode()).hexdigest()[:16]


def painted(drawing: str, picture: Picture, folder: Path) -> bytes:
    """The drawing as Chromium paints it, without empty margins, in few colours."""
    from PIL import Image
    from PIL.PngImagePlugin import PngInfo

    page = folder / "drawing.html"
    page.write_text(f"<meta charset=utf-8><style>body{{margin:0}}</style>{drawing}", encoding="utf-8")
    wide, high = (float(one) for one in re.findall(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', drawing)[0])
    unit = MM if re.search(r'<svg[^>]*width="[\d.]+mm"', drawing) else 1.0
    with browser() as shown:
        shown.send(
            "Emulation.setDeviceMetricsOverride",
            width=round(wide * unit),
            height=round(high * unit),
            deviceScaleFactor=picture.scale,
            mobile=False,
        )
        shown.loaded = False
        shown.send("Page.navigate", url=file_url(page))
        shown.wait("document.readyState === 'complete' && document.fonts.status === 'loaded'")
        found = base64.b64decode(shown.send("Page.captureScreenshot", format="png")["data"])
    image = cropped(Image.open(io.BytesIO(found)).convert("RGB"))
    about = PngInfo()
    about.add_text(KEY, fingerprint(drawing))
    out = io.BytesIO()
    image.quantize(256, Image.Quantize.MAXCOVERAGE, kmeans=1, dither=Image.Dither.NONE).save(
        out, "PNG", optimize=True, pnginfo=about
    )
    return out.getvalue()


def cropped(image: Image.Image) -> Image.Image:
    """Without margins, and without the foot of a sheet that ends long before it."""
    from PIL import Image, ImageChops

    blank = Image.new("RGB", image.size, image.getpixel((0, 0)))
    marks = ImageChops.difference(image, blank).convert("L").point(lambda value: 255 if value > 8 else 0)
    left, top, right, bottom = marks.getbbox() or (0, 0, *image.size)
    rows = [top, *(row for row in range(top, bottom) if marks.crop((left, row, right, row + 1)).getbbox())]
    foot = [above for above, below in pairwise(rows) if below - above > image.height / 8 and below > bottom * 0.9]
    bottom = foot[-1] if foot else bottom
    return image.crop(
        (max(left - EDGE, 0), max(top - EDGE, 0), min(right + EDGE, image.width), min(bottom + EDGE, image.height))
    )


@pytest.mark.parametrize("picture", PICTURES, ids=lambda picture: picture.name)
def test_a_picture_is_what_the_program_draws(
    picture: Picture, folder: Path, monkeypatch: pytest.MonkeyPatch, pytestconfig: pytest.Config
) -> None:
    drawing = drawn(picture, folder, monkeypatch)
    wanted = f"{KEY}\0{fingerprint(drawing)}".encode()
    if pytestconfig.getoption("--update-golden") and not (
        picture.path.exists() and wanted in picture.path.read_bytes()
    ):
        picture.path.write_bytes(painted(drawing, picture, folder))
    held = picture.path.read_bytes()
    assert wanted in held, "run this test with --update-golden"
    assert len(held) < 160_000


def test_every_picture_is_shown_by_a_page_and_says_what_it_shows() -> None:
    shown: dict[str, str] = {}
    for page in [*DOCS.rglob("*.md"), ROOT / "README.md"]:
        for words, name in re.findall(r"!\[([^\]]*)\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
            assert (page.parent / name).is_file(), f"{page.name}: {name}"
            shown[Path(name).name] = words
    assert {path.name for path in DOCS.glob("*.png")} == set(shown)
    assert min(len(words.split()) for words in shown.values()) >= 2
