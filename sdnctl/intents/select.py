"""Selectors: which endpoints fit what an application says about them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby

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
        and (not criteria.area or endpoint.area in criteria.area)
        and (not criteria.tags or endpoint.tags.issuperset(criteria.tags))
    )


@dataclass(frozen=True)
class Selection:
    """Where selectors look: endpoints in service, and names of others, which are not dangling but not used."""

    endpoints: Mapping[str, Endpoint]
    dormant: Collection[str]
    out: Diagnostics

    @cached_property
    def _by_kind(self) -> Mapping[str, tuple[Endpoint, ...]]:
        ordered = sorted(self.endpoints.values(), key=lambda endpoint: endpoint.kind)
        return {kind: tuple(some) for kind, some in groupby(ordered, key=lambda endpoint: endpoint.kind)}

    def select(self, document: Document[Application], path: KeyPath, selector: Selector) -> tuple[Endpoint, ...]:
        """The endpoints of the selector at `path`, in order of id; a diagnostic for none, and for unknown ids."""
        return self.narrow(document, path, selector, self._candidates(selector), "")

    def narrow(
        self,
        document: Document[Application],
        path: KeyPath,
        selector: Selector,
        among: Iterable[Endpoint],
        of_whom: str,
    ) -> tuple[Endpoint, ...]:
        """Those `among` some endpoints that fit; where none does, the diagnostic says: none `of_whom`."""
        parts: list[tuple[KeyPath, Criteria]] = [(path, selector)]
        if selector.select is not None:
            parts.append(((*path, "select"), selector.select))
        missing = False
        for place, criteria in parts:
            for index, name in enumerate(criteria.ids):
                missing |= self.named(document, (*place, "ids", index), name) is None
        found = tuple(endpoint for endpoint in among if all(fits(endpoint, one) for _, one in parts))
        if not found and not missing:
            self._nothing(document, path, [one for _, one in parts], of_whom)
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

    def _candidates(self, selector: Selector) -> Iterable[Endpoint]:
        """A superset of what can fit, small where ids or kinds are named."""
        if selector.ids:
            return (self.endpoints[name] for name in dict.fromkeys(selector.ids) if name in self.endpoints)
        kinds = selector.kind or (selector.select.kind if selector.select is not None else ())
        if kinds:
            return (one for kind in dict.fromkeys(kinds) for one in self._by_kind.get(kind, ()))
        return self.endpoints.values()

    def _nothing(
        self, document: Document[Application], path: KeyPath, criteria: list[Criteria], of_whom: str
    ) -> None:
        kinds = sorted({endpoint.kind for endpoint in self.endpoints.values()})
        areas = sorted({endpoint.area for endpoint in self.endpoints.values()} - {""})
        wanted = [kind for one in criteria for kind in one.kind if kind not in kinds]
        nowhere = [area for one in criteria for area in one.area if area not in areas]
        if not self.endpoints:
            hint = "There are no endpoints: write inventory/endpoints.csv."
        elif wanted:
            hint = f"No endpoint has the kind {wanted[0]}; there are: {', '.join(kinds)}."
        elif nowhere:
            hint = f"No endpoint is in {nowhere[0]}: areas are those of sites in inventory/sites.yaml."
        else:
            hint = (
                "Each criterion narrows the choice: take one out, or correct the tags in inventory/endpoints.csv."
            )
        self.out.error(
            "selector-empty",
            f"{_words(path)} selects no {of_whom or 'endpoint'}",
            address=f"application {document.value.application}",
            source=document.at(*path),
            hint=hint,
        )


def _words(path: KeyPath) -> str:
    """``roots``, or ``leaves of group 2``: where a selector stands, for people."""
    match path:
        case ("groups", int(index), side):
            return f"{side} of group {index + 1}"
        case ("terms", int(index), *_):
            return f"entry {index + 1} of terms"
        case _:
            return str(path[0])
