"""The synoptic of cables: a small network as one graph, a large one as communes and then strips of cables."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

from sdnctl.drawing.canvas import Drawing
from sdnctl.drawing.fibre.net import Joined, Spotted, net
from sdnctl.drawing.fibre.paper import A3_WIDE, Caption, Column, Sheets, table
from sdnctl.drawing.fibre.strips import draw_strips, strips, use
from sdnctl.inventory.synoptic import Kind, Node, Section, Synoptic

MOST_NODES, MOST_LINES = 40, 60
"""What one sheet holds as a graph; more becomes strips."""
LEGEND = (
    "Not to scale. Boxes are sites, circles closures, dots places where a cable ends. At a line: its code, "
    "strands, metres of sheath, used/free strands. Dashed: not in service."
)
LEGEND_STRIPS = (
    "Not to scale. Boxes are sites, circles closures, dots places where a cable ends. Above a line: code "
    "and strands; below: metres of sheath, used/free strands; below a closure: its drops. Dashed: not in service."
)
LEGEND_AREAS = (
    "Not to scale. At a line: cables between two communes, strands in all, used/free where fewest are free."
)
NOWHERE = "no commune recorded"


def draw(found: Synoptic, caption: Caption) -> tuple[Drawing, ...]:
    """The sheets, A3."""
    sheets = Sheets(caption, A3_WIDE)
    lines = [one for sections in found.sections.values() for one in sections]
    if len(found.nodes) <= MOST_NODES and len(lines) <= MOST_LINES:
        sheets.line_of(LEGEND)
        sheets.y += 1.0
        net(sheets, [_spotted(found, one) for one in found.nodes.values()], [_joined(one) for one in lines])
        return sheets.done()
    by_area = _areas(found)
    if len(by_area) > 1:
        _overview(sheets, found)
        index = len(sheets.pages)
        sheets.turn()  # the list of communes, filled in when it is known where they are
    starts: dict[str, int] = {}
    for area in sorted(by_area):
        if not starts and len(by_area) > 1:
            sheets.turn()
        sheets.heading(area, 30.0)
        if not starts:
            sheets.line_of(LEGEND_STRIPS)
            sheets.y += 1.0
        starts[area] = len(sheets.pages)
        draw_strips(sheets, found, strips(found, by_area[area]))
    if len(by_area) > 1:
        _index(sheets, index, found, by_area, starts)
    return sheets.done()


def _spotted(found: Synoptic, node: Node) -> Spotted:
    notes = []
    if node.kind is Kind.SITE:
        notes += list(node.boxes)
    drops = found.drops.get(node.id, ())
    if drops:
        notes.append(_count(len(drops), "drop"))
    return Spotted(node.id, str(node.kind), tuple(notes), node.at or (0.0, 0.0))


def _joined(one: Section) -> Joined:
    figures = f"{one.strands} · {one.length:,.0f} m · {use(one)}"
    return Joined(one.a, one.b, one.cable, figures, one.strands, not one.in_service)


def _areas(found: Synoptic) -> Mapping[str, list[str]]:
    """Area → the cables that begin in it."""
    by_area: dict[str, list[str]] = defaultdict(list)
    for name, sections in found.sections.items():
        by_area[found.nodes[sections[0].a].area or NOWHERE].append(name)
    return by_area


def _overview(sheets: Sheets, found: Synoptic) -> None:
    """Areas as boxes, and all cables between two of them as one line."""
    where: dict[str, list[tuple[float, float]]] = defaultdict(list)
    counts: dict[str, dict[Kind, int]] = defaultdict(lambda: defaultdict(int))
    for node in found.nodes.values():
        area = node.area or NOWHERE
        counts[area][node.kind] += 1
        if node.at is not None:
            where[area].append(node.at)
    between: dict[tuple[str, str], list[Section]] = defaultdict(list)
    for sections in found.sections.values():
        a, b = (found.nodes[end].area or NOWHERE for end in (sections[0].a, sections[-1].b))
        if a != b:
            fewest = min(sections, key=lambda one: one.free)
            between[min(a, b), max(a, b)].append(replace(fewest, a=min(a, b), b=max(a, b)))
    nodes = [
        Spotted(
            area,
            "site",
            (f"{_count(found_[Kind.SITE], 'site')}, {_count(found_[Kind.CLOSURE], 'closure')}",),
            _middle(where[area]),
        )
        for area, found_ in sorted(counts.items())
    ]
    lines = []
    for (a, b), cables in sorted(between.items()):
        strands, used = sum(one.strands for one in cables), sum(one.used for one in cables)
        code = _count(len(cables), "cable")
        lines.append(Joined(a, b, code, f"{strands} · {used}/{strands - used}", strands))
    sheets.line_of(LEGEND_AREAS)
    sheets.y += 1.0
    net(sheets, nodes, lines)


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _middle(points: Sequence[tuple[float, float]]) -> tuple[float, float]:
    count = max(len(points), 1)
    return sum(x for x, _ in points) / count, sum(y for _, y in points) / count


def _index(
    sheets: Sheets, page: int, found: Synoptic, by_area: Mapping[str, Sequence[str]], starts: Mapping[str, int]
) -> None:
    """Where each area's cables are drawn, on the sheet that was left free for it."""
    last, y = sheets.pages[page + 1 :], sheets.y
    del sheets.pages[page + 1 :]
    sheets.y = 36.0
    sheets.heading("Cables by commune")
    columns = (
        Column("commune", 50),
        Column("sites", 20, "end"),
        Column("closures", 20, "end"),
        Column("cables", 20, "end"),
        Column("km of sheath", 24, "end"),
        Column("drops", 20, "end"),
        Column("sheet", 20, "end"),
    )
    table(sheets, columns, (_index_row(found, area, by_area[area], starts[area]) for area in sorted(by_area)))
    sheets.pages += last
    sheets.y = y


def _index_row(found: Synoptic, area: str, cables: Sequence[str], sheet: int) -> Sequence[str]:
    inside = [node for node in found.nodes.values() if (node.area or NOWHERE) == area]
    metres = sum(one.length for name in cables for one in found.sections[name])
    drops = sum(len(found.drops.get(node.id, ())) for node in inside)
    return (
        area,
        str(sum(node.kind is Kind.SITE for node in inside)),
        str(sum(node.kind is Kind.CLOSURE for node in inside)),
        str(len(cables)),
        f"{metres / 1000:.1f}",
        str(drops),
        str(sheet),
    )
