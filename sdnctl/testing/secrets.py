"""What no error of a driver may show."""

from __future__ import annotations

from collections.abc import Iterable


def assert_hidden(error: BaseException, secrets: Iterable[str]) -> None:
    """Neither the error nor what caused it shows a secret: causes are what a traceback prints."""
    secrets = tuple(secrets)
    shown: BaseException | None = error
    while shown is not None:
        for secret in secrets:
            assert secret not in f"{shown} {shown!r}", f"a secret is in a {type(shown).__name__}"
        shown = shown.__cause__ or (None if shown.__suppress_context__ else shown.__context__)
