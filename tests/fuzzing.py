"""One harness for everything that reads bytes from outside: inputs by number, a watchdog, memory, a report.

An input is made from nothing but the seed of the run and its own number, so that any of them can be made again:

    python tests/fuzzing_targets.py NAME SEED NUMBER

What counts as a failure: an exception that is not `SdnctlError` with diagnostics (or what a target says that it
raises), a diagnostic that says nothing or not where, more than `PATIENCE` seconds for one input, more than
`ROOM` octets for one input, and memory that grows with the number of inputs.
"""

from __future__ import annotations

import atexit
import ctypes
import gc
import json
import logging
import re
import resource
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from random import Random
from types import FrameType

from sdnctl.errors import Diagnostic, SdnctlError

PATIENCE = 5.0
"""Seconds of CPU that one input may take."""
STANDSTILL = 120.0
"""Seconds that one input may take on a machine that does other things too: it waits for what never comes."""
ROOM = 1 << 30
"""Octets that one input may ask for beyond what the process has."""
GROWTH = 64 << 20
"""Octets by which the process may have grown between the end of the warming up and the end of the run."""
BLOCKS = 5
"""It may have grown in that time by one of Python's memory blocks for so many inputs: caches have an end."""
FEW_BLOCKS = 20_000
"""What short runs may keep."""
LONGEST = 2500
"""Characters of a diagnostic: who is shown more of a damaged file does not read it."""
_CODE = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")

Case = tuple[str, bytes]
"""What is read as (the name of a file, where a target reads several kinds), and its octets."""
Found = Iterable[Diagnostic] | None


@dataclass(frozen=True)
class Target:
    """Something that reads octets from outside.

    `parse` reads one case; what it returns are the faults it found, nothing where it accepts. `refusals`: errors
    of its own that it may raise beside `SdnctlError`. `placed`: each fault names a file. `soak`: how many inputs
    `make soak` gives it: a million, but where each is a whole database or folder. `sound`: it accepts its seeds.
    """

    name: str
    seeds: Callable[[], Sequence[Case]]
    mutate: Callable[[Random, Sequence[Case]], Case]
    parse: Callable[[Case], Found]
    refusals: tuple[type[Exception], ...] = ()
    placed: bool = False
    sound: bool = True
    sample: int = 100
    soak: int = 1_000_000


@dataclass
class Outcome:
    """What became of a run."""

    target: str
    seed: int
    accepted: int = 0
    refused: int = 0
    seconds: float = 0.0
    slowest: float = 0.0
    slowest_input: int = 0
    grown: int = 0
    blocks: int = 0
    faults: list[str] = field(default_factory=list)

    @property
    def inputs(self) -> int:
        return self.accepted + self.refused + len(self.faults)


class Hang(BaseException):
    """An input took too long; no handler of `Exception` may swallow it."""


class Fault(AssertionError):
    """A parser did something that it may not do."""


def case_of(target: Target, seeds: Sequence[Case], seed: int, number: int) -> Case:
    """The input of this number."""
    return target.mutate(Random(seed << 40 | number), seeds)


def fuzz(target: Target, count: int, seed: int, *, most_faults: int = 1, weigh: bool = True) -> Outcome:
    """Give a target `count` inputs; the outcome has the faults, each with how to see it again.

    Memory before and after is compared only where it is to `weigh`: collecting garbage takes longer than a sample.
    """
    seeds = target.seeds()
    for case in seeds:
        if target.sound and (faults := list(target.parse(case) or ())):
            raise Fault(f"{target.name}: a seed is refused: {faults[0]}")
    outcome = Outcome(target.name, seed)
    warm = max(1, count // 5) if weigh else count
    before = (0, 0)
    with _logged(), _bounded(), _watched() as arm:
        for number in range(count):
            if number == warm:
                before = _memory()
            case = case_of(target, seeds, seed, number)
            arm(PATIENCE)
            begun = time.thread_time()
            try:
                accepted = _one(target, case)
            except BaseException as error:
                arm(0)
                if isinstance(error, KeyboardInterrupt | SystemExit):
                    raise
                outcome.faults.append(_told(target, seed, number, case, error))
                if len(outcome.faults) >= most_faults:
                    break
                continue
            taken = time.thread_time() - begun
            outcome.seconds += taken
            if taken > outcome.slowest:
                outcome.slowest, outcome.slowest_input = taken, number
            if accepted:
                outcome.accepted += 1
            else:
                outcome.refused += 1
        arm(0)
    if weigh and not outcome.faults:
        after = _memory()
        outcome.grown, outcome.blocks = after[0] - before[0], after[1] - before[1]
        if outcome.grown > GROWTH or outcome.blocks > max(FEW_BLOCKS, count // BLOCKS):
            grown = f"{outcome.grown >> 20} MiB and {outcome.blocks} blocks"
            outcome.faults.append(f"{target.name}, seed {seed}: {grown} more memory after {count} inputs")
    return outcome


def _one(target: Target, case: Case) -> bool:
    """Whether a target accepts a case; raises what it may not raise, and Fault for what it may not say."""
    try:
        found = target.parse(case)
        said = list(found) if found is not None else []
        accepted = not said
    except SdnctlError as error:
        said, accepted = list(error.diagnostics), False
        if not said:
            raise Fault(f"{type(error).__name__} without a diagnostic") from error
    except target.refusals as error:
        if not str(error):
            raise Fault(f"{type(error).__name__} says nothing") from error
        return False
    for one in said:
        judge(one, target.placed)
    return accepted


def judge(one: Diagnostic, placed: bool = False) -> None:
    """Raise Fault for a diagnostic that does not say enough, or cannot be printed."""
    if not _CODE.fullmatch(one.code):
        raise Fault(f"a diagnostic with the code {one.code!r}")
    if not one.summary.strip():
        raise Fault(f"{one.code} says nothing")
    if len(str(one)) > LONGEST:
        raise Fault(f"{one.code} says too much: {len(str(one)):,} characters")
    if placed and one.source is None:
        raise Fault(f"no file with {one}")
    if one.source is not None and one.source.line is not None and one.source.line < 1:
        raise Fault(f"line {one.source.line} with {one.code}")
    try:
        f"{one}{json.dumps(one.to_json(), ensure_ascii=False)}".encode()
    except UnicodeEncodeError as error:
        raise Fault(f"{one.code} cannot be printed: {error}") from error


def _told(target: Target, seed: int, number: int, case: Case, error: BaseException) -> str:
    """A fault, and how to see it again."""
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    where = f"{place.tb_frame.f_code.co_filename}:{place.tb_lineno}" if place is not None else ""
    again = f"python tests/fuzzing_targets.py {target.name!r} {seed} {number}"
    what = f"{type(error).__name__}: {str(error)[:300]}"
    return f"{target.name}, input {number}: {what} at {where}\n  {case[0]} {case[1][:200]!r}\n  again: {again}"


# ── limits ───────────────────────────────────────────────────────────────────────────────────────


def _memory() -> tuple[int, int]:
    """Octets that the process has in memory, and Python's blocks, without garbage and what the allocator keeps."""
    gc.collect()
    if (trim := getattr(ctypes.CDLL(None), "malloc_trim", None)) is not None:
        trim(0)
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize(), sys.getallocatedblocks()


@contextmanager
def _bounded() -> Iterator[None]:
    """Whoever asks for more than `ROOM` in here gets MemoryError, and the input has a number."""
    old = resource.getrlimit(resource.RLIMIT_AS)
    size = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * resource.getpagesize()
    most = size + ROOM if old[1] == resource.RLIM_INFINITY else min(size + ROOM, old[1])
    resource.setrlimit(resource.RLIMIT_AS, (most, old[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, old)


@contextmanager
def _watched() -> Iterator[Callable[[float], None]]:
    """Gives a function that winds the watchdog up: `Hang` after so many seconds of CPU, or `STANDSTILL` of any."""
    if threading.current_thread() is not threading.main_thread():
        raise RuntimeError("signals reach the main thread only")

    def bark(number: int, frame: FrameType | None) -> None:
        kind = "seconds of CPU" if number == signal.SIGPROF else "seconds"
        raise Hang(f"more than {PATIENCE if number == signal.SIGPROF else STANDSTILL:g} {kind}")

    old = [(number, signal.signal(number, bark)) for number in (signal.SIGPROF, signal.SIGALRM)]

    def arm(seconds: float) -> None:
        signal.setitimer(signal.ITIMER_PROF, seconds)
        signal.setitimer(signal.ITIMER_REAL, STANDSTILL if seconds else 0)

    try:
        yield arm
    finally:
        arm(0)
        for number, handler in old:
            signal.signal(number, handler)


class _Formatter(logging.Handler):
    """Makes the text of each record, and keeps nothing."""

    def emit(self, record: logging.LogRecord) -> None:
        self.format(record)


@contextmanager
def _logged() -> Iterator[None]:
    """What parsers log can be printed, but a million lines of it are neither printed nor kept."""
    logger = logging.getLogger("sdnctl")
    handler, onwards = _Formatter(), logger.propagate
    logger.addHandler(handler)
    logger.propagate = False
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.propagate = onwards


# ── files ────────────────────────────────────────────────────────────────────────────────────────


@cache
def scratch() -> Path:
    """A folder of this process for parsers that read files, in memory where it can be; removed at the end."""
    memory = Path("/dev/shm")
    folder = Path(tempfile.mkdtemp(prefix="sdnctl-fuzz-", dir=memory if memory.is_dir() else None))
    atexit.register(shutil.rmtree, folder, True)
    return folder


@cache
def _room_for(name: str) -> str:
    """Where a file of this name is written, in a folder that is there."""
    path = scratch() / name
    path.parent.mkdir(parents=True, exist_ok=True)
    return str(path)


def written(case: Case, folder: str = "") -> Path:
    """The file of a case, with these octets."""
    name, data = case
    path = _room_for(f"{folder}/{name}" if folder else name)
    with open(path, "wb", buffering=0) as file:
        file.write(data)
    return Path(path)
