"""Which tenants there are: those that something is applied for, and those of the folder."""

from __future__ import annotations

from collections.abc import Iterable

from sdnctl.errors import Diagnostic, InputError
from sdnctl.usecases.context import Context
from sdnctl.workspace.folder import load_network


def check_tenants(context: Context, wanted: Iterable[str]) -> None:
    """Raise InputError, with those that are known, for tenants that do not exist; where none is known, all may.

    The folder is read only when what is applied does not answer the question, and counts only when it has no
    fault: a tenant that is about to be applied for may have its token before.
    """
    wanted = sorted(set(wanted))
    if not wanted:
        return
    known = _applied(context)
    if known.issuperset(wanted):
        return
    known |= _in_folder(context)
    unknown = [name for name in wanted if name not in known]
    if known and unknown:
        raise InputError(
            *(
                Diagnostic(
                    "unknown-tenant",
                    f"there is no tenant {name}",
                    address=f"tenant {name}",
                    hint=f"known are {', '.join(sorted(known))}",
                )
                for name in unknown
            )
        )


def _applied(context: Context) -> frozenset[str]:
    applied = context.applied()
    return frozenset(one.tenant for one in applied[1].compiled.demands) if applied is not None else frozenset()


def _in_folder(context: Context) -> frozenset[str]:
    try:
        network = load_network(context.folder).network  # as it is now: a controller runs for years
    except InputError:
        return frozenset()
    return frozenset(network.tenants) | {one.tenant for one in network.demands}
