"""Verbs of the lab: up, down, address, cut, heal."""

# No `from __future__ import annotations` here: Typer would compile each of them to show the help.
from enum import StrEnum
from typing import Annotated

import typer

from sdnctl.cli.app import Invocation, lab, reporting

CutArgument = Annotated[
    list[str],
    typer.Argument(help="Links, switches (node:NAME) or plant (duct:D1, segment:S4, chamber:C7, cable:K2 …)."),
]


class Kind(StrEnum):
    AUTO = "auto"
    OVS = "ovs"
    MEMORY = "memory"


@lab.command()
@reporting
def up(
    context: typer.Context,
    kind: Annotated[
        Kind, typer.Option(help="Open vSwitch, embedded switches, or whichever works here.")
    ] = Kind.AUTO,
    real_devices: Annotated[
        bool, typer.Option("--real-devices", help="Devices at their own addresses, not simulated ones.")
    ] = False,
    rates: Annotated[
        bool, typer.Option("--rates", help="Cables as fast as their links, with class queues (Open vSwitch).")
    ] = False,
) -> None:
    """Bring the network up on this machine, in a network namespace of its own."""
    from sdnctl.cli import views
    from sdnctl.usecases import labs

    invocation: Invocation = context.obj
    with invocation.output.progress("bringing switches up") as progress:
        running = labs.up(invocation.context, kind.value, progress, real_devices=real_devices, rates=rates)
    invocation.output.show("lab up", lambda: views.lab_document(running), lambda: views.lab(running))


@lab.command()
@reporting
def down(context: typer.Context) -> None:
    """Take the lab down; nothing of it is left."""
    from sdnctl.usecases import labs

    invocation: Invocation = context.obj
    was = labs.down(invocation.context)
    text = "the lab is down" if was else "there was no lab"
    invocation.output.show("lab down", lambda: {"ok": True, "was_up": was}, lambda: [text])


@lab.command()
@reporting
def address(
    context: typer.Context, switch: Annotated[str, typer.Argument(help="A switch (show switches).")]
) -> None:
    """Where a switch of the lab answers, for tools of its own: ovs-ofctl -O OpenFlow13 dump-flows ADDRESS."""
    from sdnctl.usecases import labs

    invocation: Invocation = context.obj
    found = labs.address(invocation.context, switch)
    invocation.output.value("lab address", lambda: {"ok": True, "switch": switch, "address": found}, found)


@lab.command()
@reporting
def cut(context: typer.Context, what: CutArgument) -> None:
    """Cut links, kill switches, or dig through plant; says what is hit."""
    from sdnctl.cli import stories
    from sdnctl.usecases import labs

    invocation: Invocation = context.obj
    hit = labs.cut(invocation.context, what)
    invocation.output.show("lab cut", lambda: stories.cut_document(hit), lambda: stories.cut(hit))


@lab.command()
@reporting
def heal(
    context: typer.Context,
    what: Annotated[list[str] | None, typer.Argument(help="As for cut; without it, everything.")] = None,
) -> None:
    """Mend what was cut."""
    from sdnctl.usecases import labs

    invocation: Invocation = context.obj
    links = labs.heal(invocation.context, what or [])
    text = f"healed: {', '.join(links) or 'nothing was cut'}"
    invocation.output.show("lab heal", lambda: {"ok": True, "links": list(links)}, lambda: [text])
