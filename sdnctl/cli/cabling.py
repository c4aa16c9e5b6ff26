"""What discovery found, as a table: from the document that the API gives (`Discovered.document`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sdnctl.cli.listings import Listing


def cabling(document: Mapping[str, Any]) -> Listing:
    """One row for each cable, those that are not as planned first."""
    apart = {**document["quarantined_links"], **document["quarantined_ports"]}
    rows = [
        (
            one["kind"]
            + (" (quarantined)" if any(name in apart for name in (*one["links"], *one["ports"])) else ""),
            " – ".join(one["ports"]),
            ", ".join(one["links"]),
            one["summary"],
        )
        for one in sorted(document["cables"], key=lambda one: one["kind"] in ("confirmed", "unseen"))
    ]
    return Listing("cables", ("state", "ports", "links", "what"), tuple(rows))
