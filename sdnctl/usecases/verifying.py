"""Verify: V1 on desired or read-back rules, V2 what switches hold, V3 probes in a lab; verdicts are kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sdnctl.compiler.ir import Compiled
from sdnctl.compiler.protection import promised, stranded
from sdnctl.dataplane.values import RuleSet
from sdnctl.errors import Diagnostic, InputError, UsageError
from sdnctl.southbound.fleet import Observation
from sdnctl.store.records import Verdict, now
from sdnctl.store.state import State, loads
from sdnctl.usecases.computing import waited
from sdnctl.usecases.context import Context
from sdnctl.usecases.progress import Progress, silent
from sdnctl.verify import v1
from sdnctl.verify.held import HeldReport, compare
from sdnctl.verify.probes import V3Report, judge, label_stacks, probes
from sdnctl.verify.report import Report
from sdnctl.verify.report import Verdict as DemandVerdict

PROBES = 5_000
"""How many frames V3 sends unless told otherwise: a second or two of a software switch's first packets."""

FAILURES: Mapping[str, tuple[str, ...]] = {
    "none": (),
    "link": ("link",),
    "srlg": ("srlg",),
    "node": ("node",),
    "all": ("link", "srlg", "node"),
}


@dataclass(frozen=True)
class Proof:
    """V1 of one state."""

    report: Report

    @property
    def ok(self) -> bool:
        return self.report.ok

    @property
    def violations(self) -> tuple[Diagnostic, ...]:
        return self.report.diagnostics()

    @property
    def sentence(self) -> str:
        """What was checked, in one sentence."""
        checked = self.report.checked
        verdict = "proven" if self.ok else "[bold red]refuted[/]"
        return (
            f"{verdict} for {checked.demands} demands under {checked.failures} single failures "
            f"({checked.walks} walks)"
        )

    @property
    def document(self) -> dict[str, Any]:
        return self.report.to_json()


@dataclass(frozen=True)
class Verification:
    """What was verified; levels that were not asked for, or could not be, are None."""

    subject: str
    v1: Report
    v2: HeldReport | None = None
    v3: V3Report | None = None
    why_no_v3: str = ""
    sampled: bool = False  # V3 sent a spread sample, because there are more probes than were asked for

    @property
    def ok(self) -> bool:
        return self.v1.ok and (self.v2 is None or self.v2.ok) and (self.v3 is None or self.v3.ok)

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        found = self.v1.diagnostics()
        if self.v2 is not None:
            found += self.v2.diagnostics()
        if self.v3 is not None:
            found += self.v3.diagnostics()
        return found


def prove(
    compiled: Compiled,
    rules: Mapping[str, RuleSet],
    failures: tuple[str, ...] = FAILURES["all"],
    down: frozenset[str] = frozenset(),
    drained: frozenset[str] = frozenset(),
) -> Proof:
    """V1 on `rules`, for what `compiled` promises while `down` links are down and switches are drained."""
    report = v1.verify(
        compiled.topology,
        compiled.settings,
        compiled.classes,
        promised(compiled, down, drained),
        compiled.trunks,
        rules,
        failures,
        down=down,
    )
    lost = stranded(compiled, down) if down else frozenset[str]()
    return Proof(
        replace(report, verdicts=tuple(_excused(one) if one.demand in lost else one for one in report.verdicts))
    )


def _excused(verdict: DemandVerdict) -> DemandVerdict:
    """A demand that is cut off is not delivered; anything else that is wrong with it stays wrong."""
    kept = tuple(one for one in verdict.violations if one.code != "blackhole")
    return replace(
        verdict, violations=kept, remarks=(*verdict.remarks, "cut off: no way is left while links are down")
    )


def verify(
    context: Context,
    *,
    live: bool = False,
    rules: Path | None = None,
    failures: str = "all",
    most: int = PROBES,
    progress: Progress = silent,
) -> Verification:
    """V1 on the applied rules; with `live` on rules read back, and V2, and V3 where a lab is running.

    V3 sends at most `most` probes (0: all of them). With `rules`, V1 on a compiled file. Verdicts about the
    applied state are kept for `status`.
    """
    kinds = kinds_of(failures)
    if rules is not None:
        state = _read(rules)
        return Verification(
            str(rules), prove(state.compiled, state.rules, kinds, state.down, state.drained).report
        )
    snapshot, state = context.need_applied()
    if not live:
        return Verification(
            "applied rules", prove(state.compiled, state.rules, kinds, state.down, state.drained).report
        )
    progress("reading back", 0, 3)
    observation = waited(_observe(context, state))
    progress("proving the rules that were read", 1, 3)
    report, held = read_back(state, observation, kinds)
    progress("probing", 2, 3)
    probed, why = _probe(context, state, most)
    sampled = probed is not None and sum(one.positive + one.negative for one in probed.applications) == most
    found = Verification("rules read back", report, held, probed, why, sampled)
    context.store.record_verdicts(verdicts_of(snapshot.id, state, found))
    return found


def kinds_of(failures: str) -> tuple[str, ...]:
    """The kinds of failures behind a word of `FAILURES`; raises UsageError for another one."""
    kinds = FAILURES.get(failures)
    if kinds is None:
        raise UsageError(
            Diagnostic(
                "no-such-failures", f"--failures {failures} is not known", hint=f"one of {', '.join(FAILURES)}"
            )
        )
    return kinds


def read_back(state: State, observation: Observation, kinds: tuple[str, ...]) -> tuple[Report, HeldReport]:
    """V1 on the rules that were read, and V2: that they are those that were applied."""
    applied = {device: state.confirmed.get(device, RuleSet()) for device in observation.rules}
    held = compare(applied, observation.rule_sets)
    read = {device: found for device, found in observation.rule_sets.items() if found is not None}
    return prove(state.compiled, read, kinds, state.down, state.drained).report, held


def _read(path: Path) -> State:
    try:
        return loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            Diagnostic(
                "rules-unreadable",
                f"{path} cannot be read",
                detail=str(error),
                hint="`sdnctl compile -o` writes such a file",
            )
        ) from error


async def _observe(context: Context, state: State) -> Observation:
    async with context.fleet(state.compiled.topology) as fleet:
        return await fleet.observe()


def _probe(context: Context, state: State, most: int) -> tuple[V3Report | None, str]:
    """Real frames between the lab's hosts, or the reason why there are none."""
    lab = context.lab
    if lab is None:
        return None, "no lab is running: nothing to send probes from"
    sent = probes(state.compiled.demands, label_stacks(state.rules), most or None)
    if not sent:
        return None, "nothing is asked of this network: no frame to send"
    with lab.prober() as prober:
        return judge(sent, prober.exchange(sent)), ""


def verdicts_of(snapshot: int, state: State, found: Verification) -> list[Verdict]:
    """What `status` will show of this, by application and level; a failure's detail names the demands at fault.

    It names none where the whole application is: the rules are not what was applied, or nothing is promised.
    """
    made = now()
    proof = {one.application: one for one in found.v1.applications}
    violated: dict[str, list[str]] = {}
    for each in found.v1.verdicts:
        if each.violations:
            violated.setdefault(each.application, []).append(each.demand)
    verdicts = []
    for name in sorted({demand.application for demand in state.compiled.demands}):
        one = proof.get(name)  # an application that is cut off altogether promises nothing
        if one is None or one.violated or found.v1.faults:
            guilty = [] if found.v1.faults else violated.get(name, [])
            verdicts.append(Verdict(name, "V1", made, snapshot, "failed", " ".join(sorted(guilty))))
        else:
            verdicts.append(Verdict(name, "V1", made, snapshot, "ok", ", ".join(one.residual)))
        if found.v2 is not None:
            verdicts.append(Verdict(name, "V2", made, snapshot, "ok" if found.v2.ok else "failed", ""))
        if found.v3 is not None:
            probed = [item for item in found.v3.applications if item.application == name]
            guilty = sorted({fault.demand for item in probed for fault in item.faults})
            well = probed and not guilty
            verdicts.append(Verdict(name, "V3", made, snapshot, "ok" if well else "failed", " ".join(guilty)))
    return verdicts
