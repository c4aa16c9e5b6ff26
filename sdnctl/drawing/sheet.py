"""The map as a sheet for the wall: A3, the map in a frame, title, legend and sources in a column beside it."""

from __future__ import annotations

from math import log10

from sdnctl.drawing import palette
from sdnctl.drawing.canvas import Box, Drawing, Fill, Stroke, Text
from sdnctl.drawing.column import Column
from sdnctl.drawing.mapframe import Frame, MapFrame
from sdnctl.drawing.scene import Point, Scene
from sdnctl.wording import counted

LONG, SHORT = 420.0, 297.0
MARGIN = 10.0
COLUMN = 86.0
GAP = 7.0


def sheet(scene: Scene) -> Drawing:
    """The sheet of a scene."""
    drawing = Drawing(LONG, SHORT, f"{scene.name}: network map", _description(scene))
    drawing.add(Fill((_ring((0, 0, LONG, SHORT)),), "#ffffff"))
    box = (MARGIN, MARGIN, LONG - MARGIN - COLUMN - GAP, SHORT - MARGIN)
    frame = Frame.around(box, _points(scene))
    furniture = (box[0], box[3] - 17, box[0] + 70, box[3])
    drawing.add(MapFrame(scene, frame).draw([furniture]))
    if scene.placed:
        drawing.add(*_scale_bar(frame), *_north(frame))
    drawing.add(Stroke((_ring(box),), palette.INK, 0.25))
    left = LONG - MARGIN - COLUMN
    drawing.add(*Column(scene, (left, MARGIN, LONG - MARGIN, SHORT - MARGIN)).items())
    return drawing


def _points(scene: Scene) -> list[Point]:
    """What must be on the map; areas may run out of it."""
    points = [site.position for site in scene.sites]
    points += [one.position for one in scene.endpoints]
    points += [point for one in scene.segments for point in one.line]
    return points


def _ring(box: Box) -> tuple[Point, ...]:
    left, top, right, bottom = box
    return (left, top), (right, top), (right, bottom), (left, bottom), (left, top)


def _scale_bar(frame: Frame) -> list[Fill | Stroke | Text]:
    """Four fields of a round length each, about fifty millimetres together."""
    wanted = 12.5 / frame.scale
    power = 10 ** int(log10(wanted))
    field = max((step * power for step in (1, 2, 5, 10) if step * power <= wanted * 1.3), default=power)
    wide, x, y = field * frame.scale, frame.box[0] + 17, frame.box[3] - 8.0
    items: list[Fill | Stroke | Text] = []
    for number in range(4):
        left = x + number * wide
        colour = palette.INK if number % 2 == 0 else "#ffffff"
        items.append(Fill((_ring((left, y, left + wide, y + 1.3)),), colour, palette.INK, 0.2))
    kilometres = field >= 1000
    for number in (0, 2, 4):
        value = number * field / (1000 if kilometres else 1)
        unit = (" km" if kilometres else " m") if number == 4 else ""
        items.append(
            Text(
                (x + number * wide, y - 1.1),
                f"{value:g}{unit}",
                2.7,
                palette.INK,
                anchor="middle",
                halo=palette.AREA_FILL,
            )
        )
    return items


def _north(frame: Frame) -> list[Fill | Stroke | Text]:
    x, y = frame.box[0] + 7.5, frame.box[3] - 5.5
    return [
        Fill((((x, y - 8.5), (x + 2.1, y), (x, y - 1.8)),), palette.INK, palette.INK, 0.25),
        Fill((((x, y - 8.5), (x - 2.1, y), (x, y - 1.8)),), "#ffffff", palette.INK, 0.25),
        Text((x, y - 9.4), "N", 3.4, palette.INK, "SemiBold", "middle", halo=palette.AREA_FILL),
    ]


def _description(scene: Scene) -> str:
    things = {"sites": scene.sites, "links": scene.links, "endpoints": scene.endpoints}
    parts = ", ".join(counted(len(found), name) for name, found in things.items()) + f"; {scene.state}."
    return f"{parts} Cut: {', '.join(scene.cut)}." if scene.cut else parts
