"""Who is which switch: `sdnctl controller admit`, `replace`, `bindings`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from sdnctl.cli.app import Invocation, controller, reporting

if TYPE_CHECKING:
    from sdnctl.store.bindings import Binding

Certificate = Annotated[
    str,
    typer.Option(
        help="SHA-256 of the certificate that it has to show (hex); default: the one that it shows first."
    ),
]


@controller.command()
@reporting
def admit(
    context: typer.Context,
    dpid: Annotated[str, typer.Argument(help="Datapath id of the switch, in hex.")],
    device: Annotated[str, typer.Argument(help="The switch of the inventory that it is.")],
    certificate: Certificate = "",
) -> None:
    """Admit a switch: say which device it is. A running controller takes it at once."""
    from sdnctl.usecases import admitting

    invocation: Invocation = context.obj
    made = admitting.admit(
        invocation.context,
        admitting.parse_dpid(dpid),
        device,
        admitting.parse_certificate(certificate),
        invocation.context.author,
    )
    _show(invocation, "controller admit", (made,))


@controller.command()
@reporting
def replace(
    context: typer.Context,
    device: Annotated[str, typer.Argument(help="The switch of the inventory that was replaced.")],
    dpid: Annotated[str, typer.Option("--dpid", help="Datapath id of the new switch, in hex.")],
    certificate: Certificate = "",
) -> None:
    """Let a new switch take the place of another: same role, same rules; the old one is refused from now on."""
    from sdnctl.usecases import admitting

    invocation: Invocation = context.obj
    made = admitting.replace(
        invocation.context,
        admitting.parse_dpid(dpid),
        device,
        admitting.parse_certificate(certificate),
        invocation.context.author,
    )
    _show(invocation, "controller replace", (made,))


@controller.command()
@reporting
def bindings(context: typer.Context) -> None:
    """Every switch that was admitted or replaced, by whom and when."""
    invocation: Invocation = context.obj
    _show(invocation, "controller bindings", invocation.context.store.bindings.all())


def _show(invocation: Invocation, command: str, found: tuple[Binding, ...]) -> None:
    from sdnctl.cli.listings import Listing

    rows = tuple(
        (one.device, f"{one.dpid:016x}", one.certificate, one.author, one.created, one.retired or "")
        for one in found
    )
    listing = Listing("bindings", ("device", "dpid", "certificate", "author", "created", "retired"), rows)
    # On a terminal the first digits of a digest and seconds do, and every row keeps to one line.
    short = tuple(
        (*row[:2], f"{row[2][:12]}…" if row[2] else "", row[3], *(at[:19].replace("T", " ") for at in row[4:]))
        for row in rows
    )
    shown = Listing(listing.what, listing.columns, short)
    invocation.output.show(command, lambda: listing.document, shown.render)
