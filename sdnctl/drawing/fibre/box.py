"""The plan of a splice box, as crews open it by: cables in and out, every open tube, cassette by cassette.

All colours are those of the cable types; all that colour says, a number or letter says, too.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from sdnctl.drawing.canvas import Drawing, Fill, Marks, Stroke, Text
from sdnctl.drawing.fibre.nodes import NODE_COLUMNS, node_rows
from sdnctl.drawing.fibre.paper import FAINT, HEAD, INK, SOFT, Column, Sheets, table
from sdnctl.drawing.fibre.plan import BoxPlan, Service
from sdnctl.drawing.fibre.swatch import HEIGHT, fitted, line, named, rectangle, swatch
from sdnctl.inventory.closures import HeldCable, Joint, State
from sdnctl.inventory.colours import strand_mark, strands_of, tube_mark
from sdnctl.inventory.fields import format_numbers
from sdnctl.inventory.plant import Side, StrandEnd

LETTERS = {State.SPLICED: "S", State.UNCUT: "U", State.WAITING: "W", State.CONNECTORISED: "C"}
ADDED, GONE = "#dcefdc", "#f6dfd9"
ADDED_INK, GONE_INK = "#0b6b2b", "#b3260b"
LINE = 4.5
"""Height of a row of a cassette."""
ARM, TIGHT, FEW = 13.0, 10.5, 5
"""Height that a cable takes beside the box; where there are more than a few, it has to do with less."""
POSITIONS = "Cassettes as recorded; positions are counted in the order of the records."
COUNTED = "Positions, and cassettes marked *, are counted in the order of the records: nobody recorded them."
TUBE = 24.0
"""Width of the tube's column in the table of strands."""


def draw(plan: BoxPlan) -> tuple[Drawing, ...]:
    """The sheets of a box, A4."""
    sheets = Sheets(plan.caption)
    _arms(sheets, plan)
    _cables(sheets, plan)
    for note in plan.notes:
        sheets.line_of(note)
    _strands(sheets, plan)
    _cassettes(sheets, plan)
    _nodes(sheets, plan)
    _services(sheets, plan)
    return sheets.done()


# ── the box with its cables ──────────────────────────────────────────────────────────────────────


def _arms(sheets: Sheets, plan: BoxPlan) -> None:
    """The box with the cables that come in from their end a on its left, and go on to their end b on its right."""
    rows = _paired(plan.held.cables)
    arm = ARM if len(rows) <= FEW else TIGHT
    high = max(len(rows), 1) * arm + 8.0
    top, middle = sheets.y, (sheets.left + sheets.right) / 2
    left, right = middle - 24.0, middle + 24.0
    sheets.add(Fill((rectangle(left, top, right - left, high),), HEAD, INK, 0.5))
    sheets.add(
        Text((middle, top + 4.6), plan.held.closure.id, *_name(plan.held.closure.id, 44.0), anchor="middle")
    )
    for index, (into, out) in enumerate(rows):
        y = top + 8.0 + arm * (index + 0.45)
        if into is not None:
            _arm(sheets, into, "a", sheets.left, left, y)
        if out is not None:
            _arm(sheets, out, "b", right, sheets.right, y)
        if into is not None and into is out:
            passing = len(into.strands(State.UNCUT))
            sheets.add(Stroke((((left, y), (right, y)),), SOFT, 0.8, (2.0, 1.2)))
            text = f"{passing} of {into.kind.strands} pass uncut"
            sheets.add(Text((middle, y - 1.4), text, 2.4, SOFT, anchor="middle"))
    sheets.y = top + high + 5.0


def _name(text: str, room: float) -> tuple[float, str, str]:
    return fitted(text, 3.4, room, "SemiBold")[1], INK, "SemiBold"


def _paired(cables: Sequence[HeldCable]) -> list[tuple[HeldCable | None, HeldCable | None]]:
    """Rows of the picture: a cable that passes takes both sides; those that end here share rows."""
    rows: list[tuple[HeldCable | None, HeldCable | None]] = [(one, one) for one in cables if one.passes]
    into = [one for one in cables if one.sides == ("a",)]
    out = [one for one in cables if one.sides == ("b",)]
    for index in range(max(len(into), len(out))):
        rows.append((into[index] if index < len(into) else None, out[index] if index < len(out) else None))
    return rows


def _arm(sheets: Sheets, held: HeldCable, side: Side, x1: float, x2: float, y: float) -> None:
    sheets.add(line(x1, y, x2, y, INK, 1.6), line(x1, y, x2, y, "#ffffff", 0.5))
    room, middle = x2 - x1 - 4.0, (x1 + x2) / 2
    head, size = fitted(held.id, 3.2, room, "SemiBold")
    sheets.add(Text((middle, y - 2.0), head, size, INK, "SemiBold", "middle"))
    towards = (
        f"{'from' if side == 'a' else 'to'} {held.towards(side)} · {held.kind.strands} strands, {held.kind.id}"
    )
    text, size = fitted(towards, 2.5, room)
    sheets.add(Text((middle, y + 4.0), text, size, SOFT, anchor="middle"))


def _cables(sheets: Sheets, plan: BoxPlan) -> None:
    columns = (
        Column("cable", 33),
        Column("type", 22),
        Column("colours", 20),
        Column("from", 28),
        Column("to", 28),
        Column("open tubes", 26),
        *(Column(str(state), 15, "end") for state in (State.SPLICED, State.UNCUT, State.WAITING)),
        Column("plugs", 10, "end"),
        Column("lit", 9, "end"),
    )
    table(sheets, columns, (_cable_row(plan, held) for held in plan.held.cables))
    sheets.y += 3.0


def _cable_row(plan: BoxPlan, held: HeldCable) -> Sequence[str]:
    kind, every = held.kind, len(held.opened) == held.kind.tubes
    tubes = f"all {kind.tubes}" if every else f"{format_numbers(tuple(sorted(held.opened)))} of {kind.tubes}"
    lit = sum(plan.lit(held, strand) for strand in range(1, kind.strands + 1))
    return (
        held.id,
        f"{kind.strands} in {kind.tubes}, {kind.fibre}",
        kind.colours,
        held.cable.a,
        held.cable.b,
        tubes if held.opened else "none",
        *(str(len(held.strands(state))) for state in (State.SPLICED, State.UNCUT, State.WAITING)),
        str(len(held.strands(State.CONNECTORISED))),
        str(lit),
    )


# ── strands by tube ──────────────────────────────────────────────────────────────────────────────


def _strands(sheets: Sheets, plan: BoxPlan) -> None:
    sheets.heading("Strands in open tubes", 24.0)
    sheets.line_of("S spliced, U uncut, W waiting, C on a connector; a dot: light runs there.", 2.4)
    sheets.y += 1.0
    for held in plan.held.cables:
        _cable_strands(sheets, plan, held)


def _cable_strands(sheets: Sheets, plan: BoxPlan, held: HeldCable) -> None:
    modulo = len(strands_of(held.kind, 1))
    per_row = 12 if modulo > 6 else 6
    in_line = 1 if per_row == 12 else 2  # two small tubes side by side
    sheets.room(LINE * 3)
    sheets.add(Text((sheets.left, sheets.y + 3.2), held.id, 3.0, INK, "SemiBold"))
    sheets.y += 4.8
    cell = (sheets.wide / in_line - TUBE) / per_row
    tubes = sorted(held.opened)
    for start in range(0, len(tubes), in_line):
        lines = max(-(-modulo // per_row), 1)
        sheets.room(lines * LINE)
        for place, tube in enumerate(tubes[start : start + in_line]):
            left = sheets.left + place * sheets.wide / in_line
            sheets.add(*named(left + 1.0, sheets.y + 0.7, tube_mark(held.kind, tube), INK, TUBE - 2.0))
            for index, strand in enumerate(strands_of(held.kind, tube)):
                x = left + TUBE + cell * (index % per_row)
                _strand(sheets, plan, held, strand, x, sheets.y + LINE * (index // per_row) + 0.7)
        sheets.y += lines * LINE
    _rest(sheets, plan, held)


def _strand(sheets: Sheets, plan: BoxPlan, held: HeldCable, strand: int, x: float, y: float) -> None:
    sheets.add(*swatch(x, y, strand_mark(held.kind, strand).strand))
    letter = LETTERS[held.states[strand - 1]]
    sheets.add(Text((x + 7.0, y + 2.3), letter, 2.5, INK, "SemiBold"))
    if plan.lit(held, strand):
        sheets.add(Marks(((x + 10.0, y + 1.5),), "circle", 0.65, INK, INK, 0.0))


def _rest(sheets: Sheets, plan: BoxPlan, held: HeldCable) -> None:
    """What the picture of strands leaves open: closed tubes, and which side of a cut strand waits."""
    closed = tuple(tube for tube in range(1, held.kind.tubes + 1) if tube not in held.opened)
    if closed:
        count = held.kind.strands - len(held.concerned)
        what = "tube" if len(closed) == 1 else "tubes"
        sheets.line_of(
            f"{what} {format_numbers(closed)} closed: {count} strands pass, nothing happens to them here"
        )
    if held.passes:
        for other, side, strands in plan.held.waiting():
            if other is held:
                sheets.line_of(f"waiting towards {side} ({held.towards(side)}): {format_numbers(strands)}")
    sheets.y += 2.0


# ── cassettes ────────────────────────────────────────────────────────────────────────────────────

_CABLE, _MARK, _SLOT, _LOSS = 27.0, 18.0, 10.0, 9.0


def _cassettes(sheets: Sheets, plan: BoxPlan) -> None:
    gone: dict[int, list[Joint]] = defaultdict(list)
    for joint in plan.removed:
        gone[joint.cassette].append(joint)
    here = plan.held.cassettes
    if here or gone:
        first = min({*here, *gone})
        sheets.room(LINE * (len(here.get(first, ())) + len(gone[first]) + 1) + 12.0)
        sheets.line_of(POSITIONS if all(joint.recorded for joint in plan.held.joints) else COUNTED, 2.2)
        sheets.y += 1.0
    for number in sorted({*here, *gone}):
        joints = here.get(number, ())
        rows = [*((joint, False) for joint in joints), *((joint, True) for joint in gone[number])]
        sheets.room(LINE * (len(rows) + 1) + 8.0)
        counted = not all(joint.recorded for joint, _ in rows)
        _cassette_head(sheets, number, len(joints), counted=counted)
        for joint, removed in rows:
            if sheets.room(LINE):
                _cassette_head(sheets, number, len(joints), counted=counted)
            _joint(sheets, plan, joint, removed=removed)
        sheets.y += 3.5


def _cassette_head(sheets: Sheets, number: int, count: int, *, counted: bool) -> None:
    sheets.add(Fill((rectangle(sheets.left, sheets.y, sheets.wide, 5.6),), HEAD))
    title = f"Cassette {number}{'*' if counted else ''}"
    sheets.add(Text((sheets.left + 1.0, sheets.y + 4.0), title, 3.2, INK, "SemiBold"))
    x = sheets.left + _CABLE
    for text, wide in (
        ("tube", _MARK),
        ("strand", _MARK),
        ("position", _SLOT),
        ("strand", _MARK),
        ("tube", _MARK),
    ):
        if text == "position":
            sheets.add(Text((x + wide / 2, sheets.y + 4.0), "pos.", 2.3, SOFT, anchor="middle"))
        else:
            sheets.add(Text((x + 1.0, sheets.y + 4.0), text, 2.3, SOFT))
        x += wide
    sheets.add(Text((x + 1.0, sheets.y + 4.0), f"{count} splice{'' if count == 1 else 's'}", 2.3, SOFT))
    sheets.add(Text((x + _CABLE + _LOSS - 1.0, sheets.y + 4.0), "dB", 2.3, SOFT, anchor="end"))
    sheets.add(Text((x + _CABLE + _LOSS + 1.0, sheets.y + 4.0), "what runs there", 2.3, SOFT))
    sheets.y += 5.6


def _joint(sheets: Sheets, plan: BoxPlan, joint: Joint, *, removed: bool) -> None:
    new = (joint.a, joint.b) in plan.new
    top, colour = sheets.y, GONE_INK if removed else ADDED_INK if new else INK
    if new or removed:
        fill = GONE if removed else ADDED
        sheets.add(Fill((rectangle(sheets.left, top, sheets.wide, LINE),), fill))
        sign = "−" if removed else "+"
        sheets.add(Text((sheets.left - 1.2, top + 3.4), sign, 4.2, colour, "SemiBold", "end"))
    _half(sheets, plan, joint.a, sheets.left, colour, mirrored=False)
    x = sheets.left + _CABLE + 2 * _MARK
    middle = x + _SLOT / 2
    y = top + LINE / 2
    sheets.add(line(x - 1.5, y, x + _SLOT, y, colour, 0.25))
    sheets.add(Marks(((middle, y),), "circle", 1.9, "#ffffff", colour, 0.2))
    sheets.add(Text((middle, y + 0.85), str(joint.slot), 2.4, colour, "SemiBold", "middle"))
    _half(sheets, plan, joint.b, x + _SLOT, colour, mirrored=True)
    x += _SLOT + 2 * _MARK + _CABLE
    loss = "" if joint.loss is None else f"{joint.loss:.2f}"
    sheets.add(Text((x + _LOSS - 1.0, top + 3.1), loss, 2.4, colour, anchor="end"))
    x += _LOSS
    text = "removed" if removed else _runs(plan.on(joint.a) or plan.on(joint.b))
    shown, size = fitted(f"new · {text}" if new else text, 2.4, sheets.right - x - 1.5)
    sheets.add(Text((x + 1.0, top + 3.1), shown, size, colour if text else SOFT))
    if removed:
        sheets.add(line(sheets.left, y, sheets.left + _CABLE * 2 + _MARK * 4 + _SLOT, y, colour, 0.3))
    sheets.y += LINE
    sheets.add(line(sheets.left, sheets.y, sheets.right, sheets.y, FAINT, 0.12))


def _half(sheets: Sheets, plan: BoxPlan, end: StrandEnd, x: float, colour: str, *, mirrored: bool) -> None:
    """One side of a splice: cable, tube, strand, from the outside inwards."""
    held = plan.cable(end.cable)
    mark, y = strand_mark(held.kind, end.strand), sheets.y + (LINE - HEIGHT) / 2
    label = f"{held.id}/{end.side}" if held.passes else held.id
    text, size = fitted(label, 2.5, _CABLE - 2.0)
    at = x + 2 * _MARK + 1.0 if mirrored else x + 1.0
    sheets.add(Text((at, sheets.y + 3.1), text, size, colour))
    first, second = (mark.strand, mark.tube) if mirrored else (mark.tube, mark.strand)
    start = x if mirrored else x + _CABLE
    sheets.add(*named(start + 0.5, y, first, colour, _MARK - 1.0))
    sheets.add(*named(start + _MARK + 0.5, y, second, colour, _MARK - 1.0))


def _runs(services: Sequence[Service]) -> str:
    """Names with the first of their classes; the table at the end has all."""
    return "; ".join(map(_short, services)) or "dark"


def _short(one: Service) -> str:
    if not one.classes:
        return one.name
    more = f" +{len(one.classes) - 1}" if len(one.classes) > 1 else ""
    return f"{one.name} · {one.classes[0]}{more}"


# ── passive nodes ────────────────────────────────────────────────────────────────────────────────


def _nodes(sheets: Sheets, plan: BoxPlan) -> None:
    wide = (24.0, 38.0, 46.0, 22.0, 60.0)
    sized = zip(NODE_COLUMNS, wide, strict=True)
    columns = [Column(head, size, "end" if head == "dB" else "start") for head, size in sized]
    for node in plan.held.nodes:
        sheets.y += 1.5
        sheets.heading(node.title[0].upper() + node.title[1:], LINE * (len(node.ports) + 2))
        table(sheets, columns, node_rows(plan, node))
        sheets.y += 1.5


# ── what runs here ───────────────────────────────────────────────────────────────────────────────


def _services(sheets: Sheets, plan: BoxPlan) -> None:
    rows = list(_service_rows(plan))
    if not rows:
        return
    sheets.heading("What runs here", 15.0)
    columns = (Column("link or line", 45), Column("service classes", 70), Column("strands", 75))
    table(sheets, columns, rows)


def _service_rows(plan: BoxPlan) -> Iterator[Sequence[str]]:
    """Each link and line with the strands of the box that it runs on."""
    found: dict[Service, dict[str, set[int]]] = defaultdict(lambda: defaultdict(set))
    for (cable, strand, _), services in plan.services.items():
        for one in services:
            found[one][cable].add(strand)
    for one in sorted(found, key=lambda one: one.name):
        strands = ", ".join(
            f"{key}:{format_numbers(tuple(sorted(found[one][key])))}" for key in sorted(found[one])
        )
        yield one.name, ", ".join(one.classes) or "none", strands
