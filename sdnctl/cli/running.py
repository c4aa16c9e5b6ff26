"""The command that stays: `sdnctl controller run`."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sdnctl.cli.app import Invocation, controller, reporting
from sdnctl.errors import Diagnostic, InputError

if TYPE_CHECKING:
    from sdnctl.daemon.hub import Part


class Log(StrEnum):
    JSON = "json"
    TEXT = "text"


def parts() -> tuple[Part, ...]:
    """Everything that a controller does, each part knowing only the hub; InputError where FastAPI is missing."""
    try:
        from sdnctl.api.server import Server
    except ModuleNotFoundError as error:
        raise InputError(
            Diagnostic(
                "no-api",
                f"the API of a controller needs the package {error.name}",
                address="controller api",
                hint="pip install 'sdnctl[api]'",
            )
        ) from error
    from sdnctl.daemon.admission import Admission
    from sdnctl.daemon.discovery import Discovery
    from sdnctl.daemon.drift import DriftWatch
    from sdnctl.daemon.failures import Failures
    from sdnctl.daemon.logs import EventLog
    from sdnctl.daemon.telemetry import Telemetry

    discovery = Discovery()
    server = Server(discovery=discovery)
    return (EventLog(), server, Failures(), DriftWatch(), discovery, Admission(), Telemetry())


@controller.command()
@reporting
def run(
    context: typer.Context,
    standby: Annotated[
        bool,
        typer.Option(
            "--standby/--no-standby", help="While another controller holds the lease, wait and take over."
        ),
    ] = True,
    log: Annotated[Log | None, typer.Option(help="How to log on stderr (default: text on a terminal).")] = None,
    listen: Annotated[
        list[str] | None,
        typer.Option(help="Where switches dial in: ptcp:PORT[:HOST], pssl:…, punix:PATH (repeatable)."),
    ] = None,
    api: Annotated[
        str | None,
        typer.Option(help="Where the API answers: unix:PATH or HOST:PORT (default: .sdnctl/controller.sock)."),
    ] = None,
) -> None:
    """Run the controller until it is stopped (SIGTERM, Ctrl-C): keep the network as it was applied."""
    import asyncio
    import logging

    from sqlalchemy import make_url

    from sdnctl.daemon.controller import Controller
    from sdnctl.daemon.logs import set_up
    from sdnctl.daemon.plugged import plugged
    from sdnctl.daemon.settings import read_settings
    from sdnctl.usecases.context import Context

    invocation: Invocation = context.obj
    set_up(log.value if log is not None else None)
    options: dict[str, Any] = {}
    if listen:
        options["listen"] = tuple(listen)
    if api is not None:
        options["api"] = api

    where = make_url(invocation.store) if invocation.store else f"in {invocation.folder.absolute() / '.sdnctl'}"
    logging.getLogger("sdnctl.cli").info("starting, store %s", where)  # a URL is shown without its password
    own = Context(invocation.folder, invocation.store)  # whether a controller runs here already or not

    every = (*parts(), *plugged(read_settings(invocation.folder).parts))

    async def work() -> None:
        await Controller(own, every, standby=standby, options=options).run()

    asyncio.run(work())
