"""A drawing as SVG 1.1, with the typeface inside."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from xml.sax.saxutils import escape, quoteattr

from sdnctl.drawing import assets
from sdnctl.drawing.canvas import Clipped, Drawing, Fill, Item, Marks, Spot, Stroke, Text, corners


def svg(drawing: Drawing) -> str:
    """The drawing as one SVG document; the same drawing gives the same text."""
    size = f"{_number(drawing.width)} {_number(drawing.height)}"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_number(drawing.width)}mm" '
        f'height="{_number(drawing.height)}mm" viewBox="0 0 {size}" role="img">',
        f"<title>{escape(drawing.title)}</title>",
        f"<desc>{escape(drawing.description)}</desc>",
        f"<style>{style()}</style>",
        *elements(drawing),
    ]
    return "\n".join((*parts, "</svg>", ""))


def style() -> str:
    """What all drawings share as CSS: the typeface, inside."""
    return f"{assets.font_css()}\ntext{{font-family:'{assets.FAMILY}','Segoe UI',sans-serif}}"


def elements(drawing: Drawing, prefix: str = "c") -> list[str]:
    """The drawing's items as SVG elements; `prefix` begins their ids, so that several fit into one document."""
    parts: list[str] = []
    for number, item in enumerate(drawing.items):
        if isinstance(item, Clipped):
            left, top, right, bottom = item.box
            parts.append(
                f'<clipPath id="{prefix}{number}"><rect x="{_number(left)}" y="{_number(top)}" '
                f'width="{_number(right - left)}" height="{_number(bottom - top)}"/></clipPath>'
                f'<g clip-path="url(#{prefix}{number})">'
            )
            parts.extend(_element(one) for one in item.items)
            parts.append("</g>")
        else:
            parts.append(_element(item))
    return parts


def _element(item: Item) -> str:
    if isinstance(item, Stroke):
        ends = "round" if item.round and not item.dash else "butt"
        look = f'stroke="{item.colour}" stroke-width="{_number(item.width)}" stroke-linejoin="round"'
        look += f' stroke-linecap="{ends}"{_dash(item.dash)}{_opacity(item.opacity)}'
        return f'<path d="{_lines(item.lines)}" fill="none" {look}/>'
    if isinstance(item, Fill):
        stroke = f' stroke="{item.colour}" stroke-width="{_number(item.width)}"' if item.colour else ""
        return (
            f'<path d="{_lines(item.rings, "Z")}" fill="{item.fill}" fill-rule="evenodd"{stroke}'
            f"{_dash(item.dash)}{_opacity(item.opacity)}/>"
        )
    return _marks(item) if isinstance(item, Marks) else _text(item)


def _marks(item: Marks) -> str:
    style = f'fill="{item.fill}" stroke="{item.colour}" stroke-width="{_number(item.width)}"'
    if item.form == "circle":
        r = _number(item.radius)
        circles = "".join(f'<circle cx="{_number(x)}" cy="{_number(y)}" r="{r}"/>' for x, y in item.at)
        return f"<g {style}>{circles}</g>"
    return f'<path d="{_lines((corners(item.form, at, item.radius) for at in item.at), "Z")}" {style}/>'


def _text(item: Text) -> str:
    weight, style = assets.FACES[item.face]
    look = f' font-weight="{weight}"' if weight != 400 else ""
    look += f' font-style="{style}"' if style != "normal" else ""
    look += f' text-anchor="{item.anchor}"' if item.anchor != "start" else ""
    look += f' letter-spacing="{_number(item.spacing)}"' if item.spacing else ""
    if item.halo:
        look += (
            f' stroke="{item.halo}" stroke-width="{_number(item.size * 0.22)}" stroke-linejoin="round"'
            ' paint-order="stroke"'
        )
    return (
        f'<text x="{_number(item.at[0])}" y="{_number(item.at[1])}" font-size="{_number(item.size)}"'
        f" fill={quoteattr(item.colour)}{look}>{escape(item.text)}</text>"
    )


def _lines(lines: Iterable[Sequence[Spot]], end: str = "") -> str:
    """Path data: absolute starts, relative steps of hundredths of a millimetre."""
    parts = []
    for line in lines:
        x, y = round(line[0][0] * 100), round(line[0][1] * 100)
        steps = [f"M{_number(x / 100)} {_number(y / 100)}"]
        for point in line[1:]:
            nx, ny = round(point[0] * 100), round(point[1] * 100)
            steps.append(f"l{_number((nx - x) / 100)} {_number((ny - y) / 100)}")
            x, y = nx, ny
        parts.append("".join(steps) + end)
    return "".join(parts)


def _dash(dash: tuple[float, ...]) -> str:
    return f' stroke-dasharray="{" ".join(map(_number, dash))}"' if dash else ""


def _opacity(opacity: float) -> str:
    return f' opacity="{_number(opacity)}"' if opacity < 1 else ""


def _number(value: float) -> str:
    """At most two decimals, without zeros that say nothing."""
    return f"{value:.2f}".rstrip("0").rstrip(".") if value else "0"
