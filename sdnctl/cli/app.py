"""The program: global options, groups of verbs, and one place where errors become exit codes."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ParamSpec, cast

import typer

from sdnctl.cli.helping import fitted
from sdnctl.cli.output import Format, Output
from sdnctl.errors import Diagnostic, Diagnostics, SdnctlError, UsageError

if TYPE_CHECKING:
    from sdnctl.usecases.context import Context
    from sdnctl.usecases.reporting import Report

P = ParamSpec("P")

# Typer has carried its own copy of click since 0.2x; its public exception leads to the right base classes.
_CommandLineError: type[Exception] = typer.BadParameter.__mro__[1]

_SETTINGS = {"help_option_names": ["-h", "--help"]}
app = typer.Typer(
    name="sdnctl",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings=_SETTINGS,
)
lab = typer.Typer(
    help="A running network on this machine: real Open vSwitch bridges, or embedded switches.",
    rich_markup_mode=None,
)
controller = typer.Typer(help="The controller's own moves after cuts, healing and drift.", rich_markup_mode=None)
inventory = typer.Typer(
    help="Questions about the glass: where it runs, what is free, what it carries.", rich_markup_mode=None
)
REPORTING = frozenset({"validate", "verify", "inventory check", "fmt", "hook check"})
"""Verbs whose findings can be printed as SARIF and JUnit."""

FIRST = ("init", "validate", "show", "explain", "compile", "plan", "apply", "verify", "status", "drift", "history")
"""The order in which help lists the verbs that a day begins with; the others follow."""

app.add_typer(lab, name="lab")
app.add_typer(controller, name="controller")
app.add_typer(inventory, name="inventory")


@dataclass
class Invocation:
    """The global options of one run."""

    folder: Path
    store: str | None
    output: Output
    controller: str = "auto"

    @cached_property
    def context(self) -> Context:
        from sdnctl.usecases.context import Context

        return Context(self.folder, self.store, self.controller)

    def report(self, report: Report, exit_code: int) -> None:
        """Print findings in the form that was asked for, and for whoever reads the log on stderr too."""
        from sdnctl.cli.reports import text

        self.output.diagnostics(report.findings)
        typer.echo(text(report, self.output.format, exit_code))

    def fail(self, command: str, error: SdnctlError) -> int:
        """Print an error in the form that was asked for; returns the exit code."""
        if not self.output.format.is_report or command not in REPORTING or isinstance(error, UsageError):
            return self.output.fail(command, error)
        from sdnctl.usecases.reporting import by_file
        from sdnctl.workspace.read import network_files

        files = network_files(self.folder, Diagnostics())
        self.report(by_file(command, self.folder, files, error.diagnostics), error.exit_code)
        return error.exit_code

    def close(self) -> None:
        if "context" in self.__dict__:
            self.context.close()


def _version(value: bool) -> None:
    if value:
        from sdnctl import __version__

        typer.echo(f"sdnctl {__version__}")
        raise typer.Exit


@app.callback()
def options(
    context: typer.Context,
    network: Annotated[
        Path,
        typer.Option("--network", "-n", envvar="SDNCTL_NETWORK", help="The network folder (default: this one)."),
    ] = Path(),
    store: Annotated[
        str | None,
        typer.Option(
            envvar="SDNCTL_STORE", help="SQLAlchemy URL of the store (default: .sdnctl/store.db in the network)."
        ),
    ] = None,
    format: Annotated[
        Format, typer.Option("--format", "-f", envvar="SDNCTL_FORMAT", help="How to print results.")
    ] = Format.TEXT,
    controller: Annotated[
        str,
        typer.Option(
            envvar="SDNCTL_CONTROLLER",
            help="The running controller to ask: unix:PATH, http(s)://HOST:PORT, none, or auto: the network's.",
        ),
    ] = "auto",
    _v: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """SDN controller and fibre inventory: one graph from splice to flow rule."""
    context.obj = Invocation(network, store, Output(format), controller)


def reporting(command: Callable[P, int | None]) -> Callable[P, None]:
    """Turn a command's result into the exit code, and its `SdnctlError` into diagnostics and theirs."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        context = cast(typer.Context, kwargs["context"])
        invocation = cast(Invocation, context.obj)
        try:
            _check_format(invocation.output.format, verb(context))
            code = command(*args, **kwargs) or 0
        except SdnctlError as error:
            code = invocation.fail(verb(context), error)
        finally:
            invocation.close()
        if code:
            raise typer.Exit(code)

    return run


def _check_format(form: Format, command: str) -> None:
    """Raise UsageError, before anything is done, for a report of a verb that has no findings."""
    if form.is_report and command not in REPORTING:
        raise UsageError(
            Diagnostic(
                "no-report",
                f"`{command}` has no findings to print as {form}",
                f"sdnctl {command}",
                hint=f"{', '.join(sorted(REPORTING))} have; others print text, json or markdown",
            )
        )


def verb(context: typer.Context) -> str:
    """The command as it is typed after ``sdnctl``: ``plan``, ``lab up``."""
    return context.command_path.partition(" ")[2]


def run() -> None:
    """Run the program; usage errors exit with 64, an interrupt with 130, a reader that left silently with 1."""
    from sdnctl.cli import (  # noqa: F401  (they add their verbs)
        daily,
        fibre,
        formats,
        identities,
        labs,
        live,
        pipelines,
        running,
        setup,
        tokens,
    )
    from sdnctl.cli.garbage import spare_collections

    spare_collections()
    # Pydantic would read the metadata of every installed distribution to find instruments that nobody asked for.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # an arrow that a terminal cannot show must not end an apply
            stream.reconfigure(errors="backslashreplace")
    try:
        code = fitted(typer.main.get_command(app), FIRST)(standalone_mode=False)
        sys.stdout.flush()
    except typer.Abort:
        sys.exit(130)
    except _CommandLineError as error:
        sys.exit(_usage(error))
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is still buffered has nowhere to go
        sys.exit(1)
    sys.exit(code if isinstance(code, int) else 0)


def _usage(error: Any) -> int:
    """Explain a command line that cannot be parsed; without a verb, show the verbs."""
    if error.message == "Missing command.":
        typer.echo(error.ctx.get_help(), err=True)
        return UsageError.exit_code
    where = error.ctx.command_path if error.ctx else "sdnctl"
    hint = f"`{where} --help` shows what it takes"
    option = getattr(error, "option_name", "")
    if error.ctx and any(option in known.opts for known in error.ctx.find_root().command.params):
        hint = f"it is for all verbs and stands before them: `sdnctl {option} … {verb(error.ctx)}`"
    found = Diagnostic("usage", error.format_message(), where, hint=hint)
    invocation = error.ctx.obj if error.ctx else None
    output = invocation.output if isinstance(invocation, Invocation) else Output()
    return output.fail(verb(error.ctx) if error.ctx else "", UsageError(found))
