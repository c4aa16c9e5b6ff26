"""Whether controller and client were made for each other: the number of the form that they talk in.

Documents for everybody carry `format`, which changes once in years. What only our own client reads (rules as they
are packed, snapshots, tokens) changes more often, and a controller goes on running while the command line beside
it is updated; so every answer says in a header which form it has.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sdnctl.errors import Diagnostic, SdnctlError, brief

HEADER = "Sdnctl-Dialect"
DIALECT = 2
"""Raised with every change of what `sdnctl.client` reads that an older one would not understand."""


@contextmanager
def understood(where: str) -> Iterator[None]:
    """Round the reading of an answer: raises SdnctlError where it is not what this client knows."""
    try:
        yield
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError) as error:
        raise differs(where, f"{type(error).__name__}: {error}") from error


def differs(where: str, detail: str) -> SdnctlError:
    """The controller is older or newer than this client."""
    return SdnctlError(
        Diagnostic(
            "controller-differs",
            "the controller answers in a form that is not known here",
            address=f"controller {where}",
            detail=brief(detail),
            hint="it is of another version than this command: start the controller again after the update",
        )
    )
