"""Moves in a running controller: observed where they touch, followed round devices that are lost, and told of.

Whoever moves takes a turn before it comes here.
"""

from __future__ import annotations

from typing import Any

from sdnctl.daemon.events import Kind, Severity
from sdnctl.daemon.hub import Hub
from sdnctl.daemon.moving import Moved, Mover, Reconciled, Step, believed, cut_off, moves, named, touched
from sdnctl.errors import Diagnostic, LeaseHeld, SdnctlError
from sdnctl.store.lease import Lease, who_writes
from sdnctl.store.state import State
from sdnctl.usecases.following import complete


def need_lease(hub: Hub) -> Lease:
    """The lease; raises LeaseHeld on a standby."""
    if hub.lease is None:
        raise LeaseHeld(
            Diagnostic(
                "standby",
                "this controller is the standby: it changes nothing",
                hint=who_writes(hub.fleet.writer),
            )
        )
    return hub.lease


async def finish_pending(hub: Hub, lease: Lease) -> None:
    """Finish what somebody left half done, because nothing can be planned on it."""
    pending = await hub.compute(hub.context.store.pending)
    if pending is not None:
        await complete(hub.context, hub.fleet, lease, pending, lost="unknown", compute=hub.compute)


def mover(hub: Hub, lease: Lease, action: str, by: str | None = None) -> Mover:
    """Who moves in this controller; each stage is an event."""

    def progress(text: str, done: int = 0, total: int = 0) -> None:
        hub.events.publish(Kind.CHANGE_STAGE, action, text, done=done, total=total)

    return Mover(hub.context, hub.fleet, lease, "unknown", hub.compute, progress, by)


async def carry(
    hub: Hub, before: State, after: State, action: str, *, since: State | None = None, by: str | None = None
) -> Reconciled:
    """Take devices from one state to another, in a turn that is held; what changed `since` is told of.

    Only the devices that the move touches are asked what they hold. Raises what `follow` raises.
    """
    lease = need_lease(hub)
    since = since if since is not None else before
    fleet = hub.fleet
    hub.events.publish(Kind.CHANGE_BEGUN, action, action)
    try:
        fresh = await fleet.observe(await hub.compute(touched, before, after))
        absent = frozenset(fleet.devices()) - fleet.up
        seen = believed(before, fresh, absent)
        step, held = await mover(hub, lease, action, by).move(before, after, action, seen)
    except SdnctlError as error:
        failed(hub, action, error)
        raise
    moved = await hub.compute(moves, since.compiled, after.compiled)
    _tell(hub, action, step, moved, cut_off(since, after))
    steps = (step,) if step is not None else ()
    return Reconciled(after.down, since.down - after.down, held.unreachable, steps, moved)


def failed(hub: Hub, action: str, error: SdnctlError) -> None:
    """Tell of a move that was not made, or not to its end."""
    text = "; ".join(item.summary for item in error.diagnostics)
    hub.events.publish(
        Kind.CHANGE_FAILED,
        action,
        f"{action}: {text}",
        severity=Severity.CRITICAL,
        codes=sorted({item.code for item in error.diagnostics}),
    )


def _tell(hub: Hub, action: str, step: Step | None, moved: tuple[Moved, ...], lost: tuple[str, ...]) -> None:
    """Say what became of each trunk and demand."""
    publish = hub.events.publish
    for one in moved:
        ways: dict[str, Any] = {
            "before": one.links_before,
            "after": one.links_after,
            "applications": one.applications,
        }
        if one.elsewhere:
            publish(
                Kind.TRUNK_MOVED, f"trunk {one.trunk}", f"{one.trunk} runs over {named(one.links_after)}", **ways
            )
        if one.weaker:
            text = f"{one.trunk} has protection {one.grade_after} instead of {one.grade_before}"
            publish(Kind.PROTECTION_LOST, f"trunk {one.trunk}", text, severity=Severity.WARNING, **ways)
        elif one.stronger:
            text = f"{one.trunk} has protection {one.grade_after} again"
            publish(Kind.PROTECTION_RESTORED, f"trunk {one.trunk}", text, **ways)
    for demand in lost:
        text = f"{demand} has no way left"
        publish(Kind.CUT_OFF, f"demand {demand}", text, severity=Severity.CRITICAL, demand=demand)
    publish(
        Kind.CHANGE_DONE,
        action,
        f"{action}: done" if step is not None else f"{action}: nothing to do",
        snapshot=step.snapshot if step is not None else None,
        seconds=round(step.seconds, 3) if step is not None else 0.0,
        moved=sum(one.elsewhere for one in moved),
    )
