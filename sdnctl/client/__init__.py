"""A running controller as the command line sees it: found by its socket or URL, asked over HTTP."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sdnctl.client.remote import Remote


def find(folder: Path, where: str, author: Callable[[], str], store_url: str | None = None) -> Remote | None:
    """The controller to ask, None where there is none.

    `where`: its address, or ``auto`` for the one that runs for the folder. That one is passed over when it works
    on another store than `store_url`. Loads an HTTP client only where somebody answers.
    """
    from sdnctl.client.finding import find_socket, fingerprint, token_from_environment

    path = None if where != "auto" else find_socket(folder)
    if where == "auto" and path is None:
        return None
    from sdnctl.client.remote import Remote

    remote = Remote(where if path is None else f"unix:{path}", token=token_from_environment(), author=author())
    if path is not None and store_url and remote.get("/v1/controller").get("store") != fingerprint(store_url):
        remote.close()
        return None
    return remote
