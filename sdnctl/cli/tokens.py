"""Who may use the controller's API: `sdnctl controller token add`, `list`, `revoke`."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sdnctl.cli.app import Invocation, controller, reporting

if TYPE_CHECKING:
    from sdnctl.store.tokens import Token

token = typer.Typer(help="Who may use the controller's API.", rich_markup_mode=None)
controller.add_typer(token, name="token")
NameArgument = Annotated[str, typer.Argument(help="Of the token, for the audit trail.")]


class RoleName(StrEnum):
    """The roles of `sdnctl.store.tokens`, which costs too much to load for the help."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    ADMIN = "admin"


@token.command()
@reporting
def add(
    context: typer.Context,
    name: NameArgument,
    role: Annotated[
        RoleName, typer.Option(help="viewer reads; operator changes the network; admin gives out tokens, too.")
    ] = RoleName.VIEWER,
    tenant: Annotated[
        list[str] | None, typer.Option(help="Sees and changes only this tenant's applications (repeatable).")
    ] = None,
    days: Annotated[int | None, typer.Option(min=1, max=3650, help="Until it expires; default: never.")] = None,
) -> None:
    """Make a token and print it: this once, for only its hash is kept."""
    from sdnctl.store.tokens import Role
    from sdnctl.usecases.tenants import check_tenants

    invocation: Invocation = context.obj
    if invocation.context.controller is None:  # which looks itself
        check_tenants(invocation.context, tenant or ())
    expires = datetime.now(UTC) + timedelta(days=days) if days is not None else None
    made, text = invocation.context.store.tokens.add(
        name, Role(role.value), invocation.context.author, tenants=tuple(tenant or ()), expires=expires
    )
    invocation.output.value("controller token add", lambda: {"token": document(made), "text": text}, text)


@token.command("list")
@reporting
def list_(context: typer.Context) -> None:
    """Every token that was ever made, and when it was used last."""
    invocation: Invocation = context.obj
    _show(invocation, "controller token list", invocation.context.store.tokens.all())


@token.command()
@reporting
def revoke(context: typer.Context, name: NameArgument) -> None:
    """End a token for good, from this moment on."""
    invocation: Invocation = context.obj
    ended = invocation.context.store.tokens.revoke(name, invocation.context.author)
    _show(invocation, "controller token revoke", (ended,))


def document(one: Token) -> dict[str, Any]:
    """A token as JSON, the same as the API's; its number in the store is nobody's business."""
    return {name: value for name, value in asdict(one).items() if name != "id"}


def _show(invocation: Invocation, command: str, found: tuple[Token, ...]) -> None:
    from sdnctl.cli.output import table

    def render() -> list[Any]:
        shown = table("", "token", "role", "tenants", "made (UTC)", "used last", "state")
        for one in found:
            made, used = (moment[:16].replace("T", " ") if moment else "" for moment in (one.created, one.used))
            shown.add_row(one.name, one.role, " ".join(one.tenants) or "all", made, used or "never", _state(one))
        return [shown]

    invocation.output.show(command, lambda: {"tokens": [document(one) for one in found]}, render)


def _state(one: Token) -> str:
    if one.revoked is not None:
        return f"[red]revoked {one.revoked[:10]}[/]"
    if one.expires is None:
        return "[green]valid[/]"
    return f"[green]until {one.expires[:10]}[/]" if one.valid(datetime.now(UTC)) else "[red]expired[/]"
