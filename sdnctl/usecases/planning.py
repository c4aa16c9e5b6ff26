"""From the folder to a plan: compile on the applied baseline, prove it (V1), observe, compare."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from sdnctl.compiler.pipeline import compile_network
from sdnctl.dataplane.values import RuleSet, SwitchSettings
from sdnctl.errors import DeviceError, Diagnostic, InputError, OutageRefused, VerificationFailed
from sdnctl.plan.diff import make_plan
from sdnctl.plan.model import Effect, Observed, Plan, Stage
from sdnctl.plan.serialise import loads as loads_plan
from sdnctl.southbound.fleet import Observation
from sdnctl.store.records import now
from sdnctl.store.state import State, loads
from sdnctl.usecases.computing import waited
from sdnctl.usecases.context import Context, baseline_of
from sdnctl.usecases.verifying import Proof, prove


@dataclass(frozen=True)
class Prepared:
    """A plan with all that it was made from, so that it can be explained and applied."""

    plan: Plan
    desired: State
    applied: State | None
    proof: Proof | None
    observation: Observation

    @property
    def faults(self) -> Mapping[str, DeviceError]:
        """Why devices could not be asked."""
        return self.observation.faults

    @property
    def unanswered(self) -> bool:
        """Whether no switch could be asked, so that what would change is not known."""
        return self.desired.compiled.topology.nodes.keys() <= set(self.plan.unknown)

    @property
    def pending(self) -> bool:
        """Whether something is to be changed: what the plan has, or what waits for a switch that is silent."""
        if not self.plan.empty or self.unanswered:
            return True
        before = self.applied.rules if self.applied is not None else {}
        return any(self.desired.rules.get(device) != before.get(device) for device in self.plan.unknown)


def compile_folder(context: Context, baseline: str = "store") -> State:
    """What git says, compiled on the baseline; links the controller knows to be down are avoided.

    Raises InputError or CompileError with every fault.
    """
    everything_up = context.network()  # before the store is opened: bad input does not even leave an empty store
    start, applied = baseline_of(context, baseline)
    network = context.network(applied.down, applied.drained) if applied is not None else everything_up
    return State(compile_network(network, start), network.down, drained=network.drained)


def proven(state: State) -> Proof:
    """V1 on the desired rules under every single failure; raises VerificationFailed with the counterexamples.

    A demand that the network cannot carry while links are down is a warning of the compiler, not a fault of
    the rules.
    """
    report = prove(state.compiled, state.rules, down=state.down, drained=state.drained)
    if report.violations:
        raise VerificationFailed(*report.violations)
    return report


def plan_between(
    desired: State,
    observation: Observation,
    applied: State | None,
    *,
    created: str | None = None,
    doubtful: Mapping[str, tuple[RuleSet, ...]] | None = None,
    arrange: Callable[[tuple[Stage, ...]], tuple[Stage, ...]] | None = None,
) -> Plan:
    """The plan that takes the observed devices to the desired state.

    `doubtful`: what devices that do not answer may hold beside what was applied last (`State.doubtful`). `arrange`
    may divide the stages further.
    """
    return make_plan(
        desired.compiled.settings.name,
        desired.compiled,
        observation.rules,
        applied.compiled if applied is not None else None,
        created=created or now(),
        rules=desired.rules,
        applied_rules=applied.confirmed if applied is not None else None,
        settings_observed=settings_of(observation),
        target=desired.compiled_fingerprint,
        doubtful={**(applied.doubtful if applied is not None else {}), **(doubtful or {})},
        arrange=arrange,
        attached=observation.attachments,
    )


def settings_of(observation: Observation) -> dict[str, SwitchSettings | None]:
    """What settings drivers reported, None where one did not answer."""
    return {device: one.settings if one is not None else None for device, one in observation.settings.items()}


async def observe(context: Context, desired: State, applied: State | None) -> Observation:
    """Read back every device of the desired and of the applied state: those that left are to be cleared."""
    before = applied.compiled.topology if applied is not None else None
    async with context.fleet(desired.compiled.topology, before) as fleet:
        return await fleet.observe()


def _observe(context: Context, desired: State, applied: State | None, against: str) -> Observation:
    if against == "live":
        return waited(observe(context, desired, applied))
    nodes, devices = desired.compiled.topology.nodes, desired.compiled.topology.devices
    if against == "empty":
        return Observation(
            {node: Observed(RuleSet()) for node in nodes},
            attachments={device: Observed(RuleSet(), attachments={}) for device in devices},
        )
    try:
        other = loads(Path(against).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            Diagnostic(
                "against-unreadable",
                f"{against} cannot be read",
                detail=str(error),
                hint="give live, empty, or a file that `sdnctl compile -o` wrote",
            )
        ) from error
    held = other.compiled.attachments
    return Observation(
        {node: Observed(other.rules.get(node, RuleSet())) for node in nodes},
        attachments={device: Observed(RuleSet(), attachments=held.get(device, {})) for device in devices},
    )


def prepare(context: Context, *, against: str = "live", baseline: str = "store") -> Prepared:
    """Everything up to the plan: nothing is changed anywhere."""
    desired = compile_folder(context, baseline)
    proof = proven(desired)
    state = applied_or_given(context, baseline)
    observation = _observe(context, desired, state, against)
    plan = plan_between(desired, observation, state)
    return Prepared(plan, desired, state, proof, observation)


def applied_or_given(context: Context, baseline: str) -> State | None:
    """What was applied; where no store tells, as in a checkout elsewhere, what the baseline's file says."""
    applied = context.applied()
    if applied is not None:
        return applied[1]
    return None if baseline == "none" else baseline_of(context, baseline)[1]


def read_plan(path: Path) -> Plan:
    """A plan from a file; raises AlteredPlan when its text does not match its fingerprint."""
    try:
        return loads_plan(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            Diagnostic(
                "plan-unreadable",
                f"the plan {path} cannot be read",
                detail=str(error),
                hint="make one with `sdnctl plan -o FILE`",
            )
        ) from error


def check_outage(plan: Plan, allowed: frozenset[str]) -> None:
    """Raise OutageRefused when the plan would interrupt a protected class that is not among the `allowed`."""
    refused = interrupted(plan, allowed)
    if refused:
        raise OutageRefused(*refused)


def interrupted(plan: Plan, allowed: frozenset[str] = frozenset()) -> tuple[Diagnostic, ...]:
    """The protected classes this plan would interrupt, beyond those that the operator allows."""
    return tuple(
        Diagnostic(
            "outage",
            f"{impact.demands} demands of class {impact.service_class} would be interrupted",
            address=f"intent {impact.application}",
            detail=impact.reason,
            hint=f"go ahead with --allow-outage {impact.service_class}",
        )
        for impact in plan.impacts
        if impact.effect is Effect.OUTAGE and impact.protected and impact.service_class not in allowed
    )
