"""The end of a change in the audit trail, for changes that are made without a controller.

A snapshot leaves the line "begun" when it is journalled; what became of it is a line of its own, as the controller
writes it: the trail is only ever added to. A process that is killed leaves no second line.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from sdnctl.errors import SdnctlError, StoreError
from sdnctl.usecases.context import Context

_LONGEST = 64  # characters of the column


@contextmanager
def audited(context: Context, action: str, detail: str, plan: str | None = None) -> Iterator[None]:
    """Note that what is done inside is done, or the code of what it raised; `plan` is a fingerprint."""

    def note(result: str) -> None:
        context.store.record_audit(context.author, action, detail, plan=plan, result=result[:_LONGEST])

    try:
        yield
    except SdnctlError as error:
        with suppress(StoreError):  # what is raised already says more
            note(error.diagnostics[0].code)
        raise
    except BaseException:
        with suppress(StoreError):
            note("broken-off")
        raise
    note("done")
