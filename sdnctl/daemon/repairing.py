"""One repair: some switches back to what was applied, planned from what they hold, journalled like any change."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sdnctl.daemon.events import Kind, Severity
from sdnctl.daemon.hub import Hub
from sdnctl.daemon.moving import believed, named
from sdnctl.daemon.turns import Urgency
from sdnctl.errors import SdnctlError
from sdnctl.plan.model import Plan
from sdnctl.southbound.fleet import Observation
from sdnctl.store.lease import Lease
from sdnctl.store.state import State
from sdnctl.usecases.applying import summarise
from sdnctl.usecases.following import follow
from sdnctl.usecases.planning import plan_between


@dataclass(frozen=True)
class Repair:
    """Whose repair, and the switches that nobody may touch for it."""

    hub: Hub
    frozen: Collection[str] = ()

    async def run(self, devices: Collection[str]) -> frozenset[str] | None:
        """Put these switches right, and what waits for them elsewhere; returns those that were changed.

        None where it could not be done: an error is told as an event, not raised, and the next look sees what is
        left.
        """
        hub = self.hub
        async with hub.turns.turn(Urgency.REPAIR, f"repair {named(devices)}", "drift"):
            lease = hub.lease
            if lease is None or await hub.compute(hub.context.store.pending) is not None:
                return None  # not ours to write, or somebody's half-done change comes first
            try:
                return await self._in_turn(lease, devices)
            except SdnctlError as error:
                text = "; ".join(item.summary for item in error.diagnostics)
                hub.events.publish(
                    Kind.CHANGE_FAILED,
                    f"switches {named(devices)}",
                    f"{named(devices)} could not be put right: {text}",
                    severity=Severity.CRITICAL,
                    devices=sorted(devices),
                    reason="repair",
                )
                return None

    async def _in_turn(self, lease: Lease, devices: Collection[str]) -> frozenset[str]:
        hub = self.hub
        applied = await hub.compute(hub.applied)
        if applied is None:
            return frozenset()
        before = applied[1]
        seen = await self._seen(before, devices)
        after, plan = await hub.compute(_planned, before, seen)
        while strangers := _touched(plan) & seen.assumed:  # a plan must not rest on what is only believed
            seen = seen.updated(await hub.fleet.observe(sorted(strangers)))
            after, plan = await hub.compute(_planned, before, seen)
        if plan.empty and after is before:
            return frozenset()
        touched = _touched(plan)
        what = f"repair {named(touched or devices)}"
        hub.events.publish(
            Kind.CHANGE_BEGUN,
            f"switches {named(touched or devices)}",
            f"{what}: {summarise(plan)}",
            devices=sorted(touched),
            reason="repair",
        )
        number, held = await follow(
            hub.context,
            hub.fleet,
            lease,
            after,
            before,
            plan,
            seen,
            reason="repair",
            summary=f"{what}: {summarise(plan)}",
            lost="unknown",
            compute=hub.compute,
        )
        lost = touched & set(held.unreachable)
        but = f", but {named(lost)} was lost on the way or did not keep it" if lost else ""
        hub.events.publish(
            Kind.CHANGE_DONE,
            f"snapshot {number}",
            f"{what} is done{but}",
            severity=Severity.WARNING if lost else Severity.INFO,
            snapshot=number,
            devices=sorted(touched),
            reason="repair",
        )
        return touched

    async def _seen(self, state: State, devices: Collection[str]) -> Observation:
        """What these switches hold, and those that a change waits for; all others are believed."""
        up = self.hub.fleet.up
        waiting = {*state.silent, *state.doubtful}
        waiting.update(switch for holders in state.baseline.quarantine.values() for switch in holders)
        asked = ({*devices} | waiting) & (up | {*self.hub.fleet.devices("attachments")}) - set(self.frozen)
        fresh = await self.hub.fleet.observe(sorted(asked))
        return believed(state, fresh, state.rules.keys() - up)


def _planned(before: State, seen: Observation) -> tuple[State, Plan]:
    """The same state with what was learned of its switches, and the plan to it."""
    after = before.after(before, seen.read)
    return after, plan_between(after, seen, before)


def _touched(plan: Plan) -> frozenset[str]:
    return frozenset(device for stage in plan.stages for device in stage.changes)
