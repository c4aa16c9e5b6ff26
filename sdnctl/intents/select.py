"""Selectors: which endpoints fit what an application says about them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from sdnctl.document import Document, KeyPath
from sdnctl.errors import Diagnostics
from sdnctl.intents.demand import Endpoint
from sdnctl.intents.models import Application, Criteria, Selector
from sdnctl.intents.references import dangling


def fits(endpoint: Endpoint, criteria: Criteria) -> bool:
    """Whether an endpoint fits everything that is said."""
    return (
        (not criteria.ids or endpoint.id in criteria.ids)
        and (not criteria.kind or endpoint.kind in criteria.kind)
        and (not criteria.site or endpoint.site in criteria.site)
        and endpoint.tags.issuperset(criteria.tags)
    )


@dataclass(frozen=True, slots=True)
class Selection:
    """Where selectors look: endpoints in service, and names of others, which are not dangling but not used."""

    endpoints: Mapping[str, Endpoint]
    dormant: Collection[str]
    out: Diagnostics

    def select(self, document: Document[Application], side: str, selector: Selector) -> tuple[Endpoint, ...]:
        """The endpoints of `roots` or `leaves`, in order of id; a diagnostic for none, and for unknown ids."""
        parts: list[tuple[KeyPath, Criteria]] = [((side,), selector)]
        if selector.select is not None:
            parts.append(((side, "select"), selector.select))
        missing = False
        for path, criteria in parts:
            for index, name in enumerate(criteria.ids):
                missing |= self.named(document, (*path, "ids", index), name) is None
        found = tuple(
            endpoint for endpoint in self.endpoints.values() if all(fits(endpoint, one) for _, one in parts)
        )
        if not found and not missing:
            self._nothing(document, side, [one for _, one in parts])
        return tuple(sorted(found, key=lambda endpoint: endpoint.id))

    def named(self, document: Document[Application], path: KeyPath, name: str) -> Endpoint | None:
        """One endpoint by id; a diagnostic where there is none, a warning where it is not in service."""
        address = f"application {document.value.application}"
        if name in self.dormant:
            self.out.warning(
                "not-in-service",
                f"endpoint {name} is not in service",
                address=address,
                source=document.at(*path),
                detail="It gets no service until its status says so.",
                hint="Change its status in inventory/endpoints.csv when that has become true.",
            )
        elif name not in self.endpoints:
            dangling("endpoint", name, self.endpoints, address, document.at(*path), self.out)
        return self.endpoints.get(name)

    def _nothing(self, document: Document[Application], side: str, criteria: list[Criteria]) -> None:
        kinds = sorted({endpoint.kind for endpoint in self.endpoints.values()})
        wanted = [kind for one in criteria for kind in one.kind if kind not in kinds]
        if not self.endpoints:
            hint = "There are no endpoints: write inventory/endpoints.csv."
        elif wanted:
            hint = f"No endpoint has the kind {wanted[0]}; there are: {', '.join(kinds)}."
        else:
            hint = (
                "Each criterion narrows the choice: take one out, or correct the tags in inventory/endpoints.csv."
            )
        self.out.error(
            "selector-empty",
            f"{side} selects no endpoint",
            address=f"application {document.value.application}",
            source=document.at(side),
            hint=hint,
        )
