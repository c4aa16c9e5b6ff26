"""OTDR traces of the network's fibres: read, laid over the records, compared with what was kept, and kept.

Traces of commissioning are in the network folder, `inventory/traces/`, named after where the instrument stood and
the wavelength: ``odf-gare_7-1550.sor``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sdnctl.drawing import reflections
from sdnctl.drawing.png import png
from sdnctl.drawing.svg import svg
from sdnctl.errors import Diagnostic, Diagnostics, InputError, Severity, Source, UsageError
from sdnctl.exchange.sor_read import read
from sdnctl.exchange.sor_trace import Settings, reflectogram, sor_file
from sdnctl.exchange.sor_write import write
from sdnctl.inventory.course import Course, course, fibre_metres
from sdnctl.inventory.fields import Wavelength
from sdnctl.inventory.finding import find_terminals, no_such
from sdnctl.inventory.otdr import Survey, survey
from sdnctl.inventory.otdr_both import BothWays, Meeting, at_odds, both_ways, meeting
from sdnctl.inventory.otdr_expected import Instrument, expected
from sdnctl.inventory.otdr_remarks import Remark, against_records, against_reference, ordered
from sdnctl.inventory.plant import Plant, StrandEnd, Terminal
from sdnctl.inventory.reflectogram import Reflectogram
from sdnctl.units import parse_length
from sdnctl.usecases.files import write_bytes

TRACES = Path("inventory", "traces")
LARGEST = 64 * 1024 * 1024
"""Bytes of a file that is still read: traces have kilobytes."""


@dataclass(frozen=True, slots=True)
class Question:
    """What to examine: a trace from `start` (a port, an ODF position, a strand; by default what the trace says).

    `other` is a trace from the far end, `reference` one of commissioning (by default the one kept). `strict`
    refuses a file whose checksum does not fit.
    """

    trace: Path
    start: str | None = None
    other: Path | None = None
    reference: Path | None = None
    settings: Settings = Settings()
    strict: bool = False


@dataclass(frozen=True, slots=True)
class Report:
    """What a trace says: laid over the records, beside that of commissioning, and from the other end.

    `both`: losses as the mean of both directions. `meeting`: the break as both ends see it; neither where the two
    traces cannot be of one fibre. `notes` are about
    files.
    """

    found: Survey
    reference: Survey | None
    other: Survey | None
    both: tuple[BothWays, ...]
    meeting: Meeting | None
    remarks: tuple[Remark, ...]
    notes: tuple[Diagnostic, ...]


def examine(folder: Path, plant: Plant, question: Question) -> Report:
    """Examine a trace; raises InputError for files that cannot be read and ends that are not there."""
    notes = Diagnostics()
    trace = read_trace(question.trace, question.settings, question.strict, notes)
    start = _start(plant, question.start, trace, notes)
    way = _course(plant, start, trace)
    reference = _reference(folder, plant, question, way, trace.wavelength, notes)
    found = survey(plant, way, trace, reference)
    other, odd = None, tuple[Remark, ...]()
    if question.other is not None:
        back = read_trace(question.other, Settings(index=question.settings.index), question.strict, notes)
        other = survey(plant, _back(plant, way, back), back)
        odd = at_odds(found, other, survey(plant, way, back))
    remarks = [*odd, *against_records(found), *(against_reference(found, reference) if reference else ())]
    return Report(
        found,
        reference,
        other,
        both_ways(found, other) if other and not odd else (),
        meeting(found, other) if other and not odd else None,
        ordered(remarks),
        notes.sorted(),
    )


def read_trace(path: Path, settings: Settings, strict: bool, notes: Diagnostics) -> Reflectogram:
    """A .sor file as a trace; raises InputError. Warnings and notes about it go to `notes`."""
    try:
        with path.open("rb") as stream:
            data = stream.read(LARGEST + 1)
    except OSError as error:
        raise InputError(
            Diagnostic("trace-unreadable", f"the trace {path} cannot be read", detail=str(error))
        ) from error
    if len(data) > LARGEST:
        raise InputError(
            Diagnostic(
                "sor-not-a-trace",
                f"{path.name} is not an OTDR trace",
                source=Source(str(path)),
                detail=f"It has more than {LARGEST:,} bytes; traces have kilobytes.",
                hint="Give a .sor file (Telcordia SR-4731), as instruments export it.",
            )
        )
    file, found = read(data, path.name)
    if strict and not file.checksum_ok:
        raise InputError(*(replace(one, severity=Severity.ERROR) for one in found))
    trace, more = reflectogram(file, path.name, settings)
    notes.extend((*found, *more))
    return trace


# ── where it was taken ───────────────────────────────────────────────────────────────────────────


def _start(plant: Plant, text: str | None, trace: Reflectogram, notes: Diagnostics) -> Terminal:
    """The end at which the instrument stood: as said, else as typed into the instrument."""
    if text is not None:
        return terminal(plant, text)
    number = re.search(r"\d+", trace.fibre)
    cable = plant.cables.get(trace.cable)
    if cable is None or number is None:
        raise UsageError(
            Diagnostic(
                "otdr-from-where",
                f"{trace.name} does not say at which end of which strand it was taken",
                detail=f"Its cable is {trace.cable!r}, its fibre {trace.fibre!r}, from {trace.origin!r}.",
                hint="Say it: --from odf-gare:7, --from core-a:3/tx or --from c-12:7.",
            )
        )
    side = "/b" if trace.origin == cable.b else ""
    name = f"{cable.id}{side}:{int(number[0])}"
    text = (
        f"{trace.name} is taken to be of strand {int(number[0])} of {cable.id} from {cable.b if side else cable.a}"
    )
    notes.items.append(Diagnostic("otdr-start", text, detail="As typed into it.", severity=Severity.NOTE))
    return terminal(plant, name)


def terminal(plant: Plant, text: str) -> Terminal:
    """One end by name; of a strand on an ODF, the position in front of it. Raises InputError."""
    found = find_terminals(plant, text)
    if len(found) > 1:
        names = " or ".join(str(one) for one in found)
        raise UsageError(
            Diagnostic("otdr-which-strand", f"port {text} has two strands", hint=f"Say which: {names}.")
        )
    end = found[0]
    return plant.position_at.get(end, end) if isinstance(end, StrandEnd) else end


def _course(plant: Plant, start: Terminal, trace: Reflectogram) -> Course:
    """The way of the trace's light; raises InputError where there is no glass, or none on the trace."""
    way = course(plant, start, trace.wavelength)
    if not way.stretches:
        raise InputError(
            Diagnostic(
                "otdr-no-glass",
                f"no glass leads away from {start}",
                detail=way.broken.text if way.broken else "A jumper leads to a port.",
                hint="Name the end at which the instrument stood.",
            )
        )
    if trace.end is None or trace.end.time <= 0:
        raise InputError(
            Diagnostic(
                "otdr-all-lead",
                f"the fibre of {trace.name} ends before its launch lead does",
                source=Source(trace.name),
                detail=f"The lead is {trace.metres(trace.lead):,.0f} m long.",
                hint="Correct it: --launch '500 m'.",
            )
        )
    return way


def _back(plant: Plant, way: Course, trace: Reflectogram) -> Course:
    """The same chain from its far end."""
    end = way.end
    back = _course(plant, end, trace)
    if abs(back.length - way.length) > 1.0:
        raise InputError(
            Diagnostic(
                "otdr-other-end",
                f"the chain cannot be followed back from {end}",
                detail=back.broken.text if back.broken else f"It leads to {back.end}.",
            )
        )
    return back


# ── traces of commissioning ──────────────────────────────────────────────────────────────────────


def _reference(
    folder: Path, plant: Plant, question: Question, way: Course, light: Wavelength, notes: Diagnostics
) -> Survey | None:
    """The trace of commissioning that is named, or one kept for this end, at this wavelength if possible."""
    path = question.reference
    if path is None:
        kept = kept_traces(folder, way.start)
        if not kept:
            return None
        path = kept.get(light) or kept[min(kept)]
        if path.resolve() == question.trace.resolve():
            return None
    then = read_trace(path, Settings(), question.strict, notes)
    return survey(plant, way if then.wavelength == light else _course(plant, way.start, then), then)


def kept_traces(folder: Path, start: Terminal) -> Mapping[Wavelength, Path]:
    """Traces kept for an end, by wavelength."""
    pattern = re.compile(rf"{re.escape(_stem(start))}-(\d+)\.sor")
    found = (folder / TRACES).glob("*.sor")
    return {Wavelength(int(name[1])): path for path in sorted(found) if (name := pattern.fullmatch(path.name))}


def _stem(start: Terminal) -> str:
    return re.sub(r"[^\w.-]", "_", str(start))


def keep(folder: Path, report: Report, trace: Path) -> Path:
    """Keep the examined trace as that of commissioning; its path in the folder.

    Raises InputError where one is kept already.
    """
    found = report.found
    kept = TRACES / f"{_stem(found.course.start)}-{found.trace.wavelength}.sor"
    path = folder / kept
    if path.exists():
        raise InputError(
            Diagnostic(
                "trace-kept",
                f"a trace of commissioning is kept for {found.course.start} at {found.trace.wavelength} nm",
                source=Source(str(kept)),
                hint="Remove that file if the fibre was accepted anew.",
            )
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    write_bytes(path, trace.read_bytes())
    return kept


# ── rehearsal ────────────────────────────────────────────────────────────────────────────────────


def rehearse(plant: Plant, start: str, out: Path, instrument: Instrument, cut: str | None = None) -> Course:
    """Write the trace that the records promise from an end; cut at a sheath mark, ``CABLE@METRES``, if given."""
    way = course(plant, terminal(plant, start), instrument.wavelength)
    at = _cut(plant, way, cut) if cut is not None else None
    write_bytes(out, write(sor_file(expected(way, instrument, at))))
    return way


def _cut(plant: Plant, way: Course, text: str) -> float:
    """The fibre metre of a sheath mark of a cable on the course."""
    name, _, mark = text.rpartition("@")
    if name not in plant.cables:
        raise InputError(no_such("cable", name, plant.cables))
    try:
        metres = parse_length(mark)
    except ValueError as error:
        raise UsageError(Diagnostic("usage", str(error), text, hint="Write it like 'c-12@412 m'.")) from None
    found = next(fibre_metres(way, name, metres), None)
    if found is None:
        raise InputError(
            Diagnostic(
                "cut-off-course",
                f"the light from {way.start} does not pass {text}",
                detail="It passes "
                + ", ".join(f"{one.cable} {one.enter:.0f}–{one.leave:.0f} m" for one in way.stretches),
            )
        )
    return found


# ── what is written beside the answer ────────────────────────────────────────────────────────────


def draw(report: Report, out: Path) -> None:
    """Draw the trace, in the format that the name asks for; raises UsageError for another one."""
    sheet = reflections.draw(report.found, report.reference)
    kind = out.suffix.lower()
    if kind == ".svg":
        write_bytes(out, svg(sheet).encode("utf-8"))
    elif kind == ".png":
        write_bytes(out, png(sheet))
    else:
        raise UsageError(
            Diagnostic(
                "no-such-format", f"{out.name} is not a picture", hint="give a name that ends in .svg or .png"
            )
        )


def write_json(out: Path, document: Mapping[str, Any]) -> None:
    """Write a document as JSON."""
    write_bytes(out, (json.dumps(document, indent=1, ensure_ascii=False) + "\n").encode("utf-8"))
