"""A drawing as PNG, through matplotlib, which is an extra: loaded only when a PNG is asked for."""

from __future__ import annotations

import io
from contextlib import ExitStack
from importlib.resources import as_file
from typing import TYPE_CHECKING, Any

from sdnctl.drawing import assets, metrics
from sdnctl.drawing.canvas import Clipped, Drawing, Fill, Item, Marks, Stroke, Text, corners
from sdnctl.errors import Diagnostic, InputError

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.font_manager import FontProperties

DPI = 220
"""Dots per inch: an A3 sheet gets 3,638 by 2,573 of them."""

POINT = 72 / 25.4
"""Points in a millimetre."""


def png(drawing: Drawing, dpi: int = DPI) -> bytes:
    """The drawing as a PNG file; raises InputError where matplotlib is not installed."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise InputError(
            Diagnostic(
                "no-matplotlib",
                "a PNG needs matplotlib, which is not installed",
                detail=str(error),
                hint="pip install 'sdnctl[draw]', or write .svg or .html, which need nothing",
            )
        ) from error
    figure = Figure(figsize=(drawing.width / 25.4, drawing.height / 25.4), dpi=dpi)
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    axes.set_xlim(0, drawing.width)
    axes.set_ylim(drawing.height, 0)
    content = io.BytesIO()
    with ExitStack() as stack:
        _Painter(axes, stack).paint(drawing)
        figure.savefig(content, format="png", dpi=dpi, metadata={"Software": None, "Title": drawing.title})
    return content.getvalue()


class _Painter:
    """Puts items on axes in their order; `zorder` counts them, because matplotlib sorts by kind otherwise."""

    def __init__(self, axes: Axes, stack: ExitStack) -> None:
        self.axes = axes
        self.stack = stack  # keeps font files in their place until the picture is written
        self.order = 0.0
        self.files: dict[str, str] = {}

    def paint(self, drawing: Drawing) -> None:
        from matplotlib.patches import Rectangle

        for item in drawing.items:
            if not isinstance(item, Clipped):
                self.one(item)
                continue
            left, top, right, bottom = item.box
            window = Rectangle((left, top), right - left, bottom - top, transform=self.axes.transData)
            for inner in item.items:
                for artist in self.one(inner):
                    artist.set_clip_path(window)

    def one(self, item: Item) -> list[Artist]:
        """The artists of an item, on the axes."""
        self.order += 1
        if isinstance(item, Text):
            return self.text(item)
        made = self.stroke(item) if isinstance(item, Stroke) else self.shapes(item)
        made.set_zorder(self.order)
        self.axes.add_collection(made, autolim=False)
        return [made]

    def stroke(self, item: Stroke) -> Any:
        from matplotlib.collections import LineCollection

        return LineCollection(
            [list(line) for line in item.lines],
            colors=item.colour,
            linewidths=item.width * POINT,
            linestyles=_dashes(item.dash, item.width),
            alpha=item.opacity,
            capstyle="round" if item.round and not item.dash else "butt",
            joinstyle="round",
        )

    def shapes(self, item: Fill | Marks) -> Any:
        from matplotlib.collections import CircleCollection, PolyCollection

        style: dict[str, Any] = {
            "facecolors": item.fill,
            "edgecolors": item.colour or "none",
            "linewidths": item.width * POINT,
        }
        if isinstance(item, Fill):
            style |= {"alpha": item.opacity, "linestyles": _dashes(item.dash, item.width)}
            return PolyCollection([list(ring) for ring in item.rings], **style)
        if item.form == "circle":
            area = 3.141592653589793 * (item.radius * POINT) ** 2
            return CircleCollection([area], offsets=list(item.at), offset_transform=self.axes.transData, **style)
        return PolyCollection([list(corners(item.form, at, item.radius)) for at in item.at], **style)

    def text(self, item: Text) -> list[Artist]:
        """A text; where letters are spaced out, one artist each, because matplotlib cannot."""
        from matplotlib.patheffects import Normal, Stroke

        if not item.spacing:
            letters = [(item.at[0], item.text, item.anchor)]
        else:
            shift = {"start": 0.0, "middle": 0.5, "end": 1.0}[item.anchor]
            x = item.at[0] - shift * (metrics.width(item.text, item.size, item.face, item.spacing) - item.spacing)
            letters = []
            for letter in item.text:
                letters.append((x, letter, "start"))
                x += metrics.width(letter, item.size, item.face, item.spacing)
        halo = Stroke(linewidth=item.size * 0.22 * POINT, foreground=item.halo or None)
        layers = [[halo], [Normal()]] if item.halo else [[Normal()]]
        return [
            self.axes.text(
                x,
                item.at[1],
                text,
                color=item.colour,
                font=self.font(item.face, item.size),
                ha={"start": "left", "middle": "center", "end": "right"}[anchor],
                va="baseline",
                zorder=self.order,
                parse_math=False,
                path_effects=effects,
            )
            for effects in layers
            for x, text, anchor in letters
        ]

    def font(self, face: str, size: float) -> FontProperties:
        """A cut of the typeface, straight from its file, in mm."""
        from matplotlib.font_manager import FontProperties

        if face not in self.files:
            font = assets.resource("vendor", "barlow", f"BarlowSemiCondensed-{face}.ttf")
            self.files[face] = str(self.stack.enter_context(as_file(font)))
        return FontProperties(fname=self.files[face], size=size * POINT)


def _dashes(dash: tuple[float, ...], width: float) -> Any:
    """Strokes and gaps as matplotlib counts them: in multiples of the line's width."""
    return (0, tuple(part / width for part in dash)) if dash and width else "solid"
