"""What was found in a delivery, for people, for programs and for a GIS."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable

from sdnctl.errors import Diagnostic, Severity
from sdnctl.exchange.gracethd.defects import Defect, Findings
from sdnctl.exchange.gracethd.keeping import FOLDER

_COLUMNS = (
    "grade",
    "code",
    "table",
    "row",
    "column",
    "file",
    "line",
    "longitude",
    "latitude",
    "text",
    "to_fill_in",
)


def report_files(findings: Findings, counts: dict[str, int], left: Iterable[Diagnostic]) -> dict[str, bytes]:
    """The files of a report by name in the network folder. `left`: what the network's own checks still say."""
    rest = list(left)
    return {
        f"{FOLDER}/defects.txt": _text(findings, counts, rest).encode("utf-8"),
        f"{FOLDER}/defects.csv": _csv(_COLUMNS, map(_row, findings.defects)),
        f"{FOLDER}/defects.json": _json(findings, counts, rest),
        f"{FOLDER}/defects.geojson": _geojson(findings.defects),
        f"{FOLDER}/inferred.csv": _csv(
            ("table", "row", "column", "value", "source"),
            ([one.table, one.row, one.column, one.value, one.source] for one in findings.inferred),
        ),
    }


def _row(one: Defect) -> list[str]:
    lon, lat = (f"{number:.7f}" for number in one.at) if one.at is not None else ("", "")
    line = "" if one.line is None else str(one.line)
    return [str(one.grade), one.code, one.table, one.row, one.column, one.file, line, lon, lat, one.text, one.ask]


def _csv(columns: Iterable[str], rows: Iterable[list[str]]) -> bytes:
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return stream.getvalue().encode("utf-8")


def _json(findings: Findings, counts: dict[str, int], left: list[Diagnostic]) -> bytes:
    document = {
        "format": 1,
        "counts": counts,
        "defects": [dict(zip(_COLUMNS, _row(one), strict=True)) for one in findings.defects],
        "inferred": [
            {"table": one.table, "row": one.row, "column": one.column, "value": one.value, "source": one.source}
            for one in findings.inferred
        ],
        "validate": [one.to_json() for one in left],
    }
    return (json.dumps(document, indent=1, ensure_ascii=False) + "\n").encode("utf-8")


def _geojson(defects: Iterable[Defect]) -> bytes:
    features = [
        json.dumps(
            {
                "type": "Feature",
                "properties": dict(zip(_COLUMNS, _row(one), strict=True)),
                "geometry": {"type": "Point", "coordinates": list(one.at)},
            },
            ensure_ascii=False,
        )
        for one in defects
        if one.at is not None
    ]
    return ('{"type": "FeatureCollection", "features": [\n' + ",\n".join(features) + "\n]}\n").encode("utf-8")


def _text(findings: Findings, counts: dict[str, int], left: list[Diagnostic]) -> str:
    """A table by kind of defect; then, object by object, what a person has to fill in."""
    lines = ["Read: " + (", ".join(f"{count:,} {what}" for what, count in counts.items() if count) or "nothing")]
    groups = list(findings.groups())
    if groups:
        lines += ["", f"{'error':>7} {'warning':>8} {'note':>6}  what                          for example"]
        for code, items in groups:
            graded = [sum(one.grade is grade for one in items) for grade in Severity]
            numbers = f"{graded[0] or '':>7} {graded[1] or '':>8} {graded[2] or '':>6}"
            lines.append(f"{numbers}  {code:<28}  {items[0].text}")
    asked = [one for one in findings.defects if one.ask]
    if asked:
        lines += ["", "To be filled in by a person:", ""]
        lines += [f"  {one.table} {one.row}: {one.text}. {one.ask}" for one in asked]
    if findings.inferred:
        lines += ["", f"{len(findings.inferred):,} values were inferred; each is in inferred.csv, with what from."]
    if left:
        lines += ["", "What `sdnctl validate` says of the network that was made:", ""]
        lines += [f"  {one}".replace("\n", "\n  ") for one in left]
    if len(lines) == 1:
        lines.append("Nothing is wrong with it.")
    return "\n".join(lines) + "\n"
