"""Models of the `intents/` files: service classes, tenants, and one file per application.

What one value can say about itself is checked here; what refers to other files, and whether the parts of an
application fit its service, is checked by `resolve` over all applications at once.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, GetJsonSchemaHandler, model_validator
from pydantic_core import CoreSchema

from sdnctl.intents.demand import Grade, Service
from sdnctl.intents.fields import Areas, Avoided, DscpField, Names, Words
from sdnctl.inventory.fields import Id
from sdnctl.units import BitrateField, DelayField, DurationField, OctetsField, parse_bitrate


class Model(BaseModel):
    """Immutable; a key that is not known is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, defer_build=True)


# ── classes.yaml, tenants.yaml ───────────────────────────────────────────────────────────────────


class ClassModel(Model):
    """A service class; its place in the list is its place in the admission ladder.

    `tc` is the MPLS traffic class (RFC 5462): eight values, so several classes may share one. `latency` is the
    one-way target of intents that name none. A plan may interrupt a `protected` class only when told so.
    """

    id: Id
    tc: Annotated[int, Field(ge=0, le=7)]
    queue: Annotated[int, Field(ge=0, le=7)]
    dscp: DscpField
    protected: bool = False
    latency: DelayField | None = None
    note: str = ""


class CrisisProfile(Model):
    """Another order of the ladder, switched on in `network.yaml`; classes not listed follow in their order."""

    id: Id
    order: Annotated[tuple[Id, ...], Field(min_length=1)]
    note: str = ""


class ClassesFile(Model):
    """`intents/classes.yaml`: the admission ladder, first class first."""

    classes: tuple[ClassModel, ...] = ()
    crisis_profiles: tuple[CrisisProfile, ...] = ()


class TenantModel(Model):
    """An owner of services. `quota` limits the sum of the committed rates of all its demands, both directions."""

    id: Id
    name: str = ""
    quota: BitrateField | None = None
    max_endpoints: Annotated[int, Field(ge=0)] | None = None


class TenantsFile(Model):
    """`intents/tenants.yaml`."""

    tenants: tuple[TenantModel, ...] = ()


# ── one file per application ─────────────────────────────────────────────────────────────────────


class Criteria(Model):
    """Endpoints that fit everything that is said.

    That is one of the ids, of the kinds, of the sites, of the areas, and all of the tags.
    """

    ids: Names = ()
    kind: Words = ()
    site: Names = ()
    area: Areas = ()
    tags: Words = ()

    @property
    def empty(self) -> bool:
        return not (self.ids or self.kind or self.site or self.area or self.tags)


class Selector(Criteria):
    """Criteria, written directly or under `select` (then both must fit)."""

    select: Criteria | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Selector:
        if self.empty and (self.select is None or self.select.empty):
            raise ValueError(
                "it would select every endpoint: write ids, kind, site, area or tags, such as 'kind: camera'"
            )
        return self


class Rates(Model):
    """Bit rates each way. Tree: `up` from a leaf to a root, per leaf and root. Line: `up` from a to b.

    A single rate is meant for both ways. In a mesh, which has no up and down, it holds from each member to each.
    """

    up: BitrateField
    down: BitrateField

    @model_validator(mode="before")
    @classmethod
    def _both_ways(cls, data: Any) -> Any:
        if isinstance(data, dict | cls):
            return data
        parse_bitrate(data)  # a bare number gets the words about units, not about mappings
        return {"up": data, "down": data}

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        mapping = handler.resolve_ref_schema(handler(core))
        return {"anyOf": [{"type": "string", "examples": ["10 Mbit/s"]}, mapping]}


class Guarantees(Model):
    """What a service may count on. What is not said here is said by the application, its class, or is `none`.

    `avoid`: links, switches, sites and shared risks (``kind:id``) that it must not touch. `isolation`
    exclusive: no trunk is shared with another tenant.
    """

    latency: DelayField | None = None
    protection: Grade | None = None
    avoid: tuple[Avoided, ...] | None = None
    isolation: Literal["shared", "exclusive"] | None = None


class Circuit(Model):
    """One point-to-point connection of a line application; what it leaves out is the application's."""

    id: Id
    a: Id
    b: Id
    bandwidth: Rates | None = None
    excess: Rates | None = None
    guarantees: Guarantees = Guarantees()
    mtu: OctetsField | None = None
    note: str = ""


class Group(Model):
    """One of several parts of a tree or mesh that never meet each other."""

    roots: Selector | None = None
    leaves: Selector | None = None
    members: Selector | None = None
    note: str = ""


class OwnTerms(Model):
    """What some endpoints of a tree or mesh are promised instead; what it leaves out is the application's.

    It holds for pairs whose leaf `select` fits (in a mesh: one of the two members). Where several fit, each point
    (bandwidth, excess, one guarantee) is that of the first that says it.
    """

    select: Selector
    bandwidth: Rates | None = None
    excess: Rates | None = None
    guarantees: Guarantees = Guarantees()
    note: str = ""

    @model_validator(mode="after")
    def _promises_something(self) -> OwnTerms:
        if self.bandwidth is None and self.excess is None and self.guarantees == Guarantees():
            raise ValueError("it changes nothing: write bandwidth, excess or guarantees")
        return self


class Application(Model):
    """`intents/<name>.yaml`: what one application needs, between whom, with what guarantees.

    A `tree` connects `roots` and `leaves`, leaves never reach each other; a `mesh` connects all `members`;
    a `line` has `circuits`. Trees and meshes may have several `groups` that never meet, and `terms` of some of
    their endpoints. `bandwidth` is the committed rate (CIR), `excess` what may be used beyond it (EIR).
    `retention` says how long the roots keep what the leaves send.
    """

    application: Id
    tenant: Id
    service_class: Annotated[Id, Field(alias="class")]
    service: Service
    roots: Selector | None = None
    leaves: Selector | None = None
    members: Selector | None = None
    groups: tuple[Group, ...] = ()
    circuits: tuple[Circuit, ...] = ()
    bandwidth: Rates | None = None
    excess: Rates | None = None
    terms: tuple[OwnTerms, ...] = ()
    guarantees: Guarantees = Guarantees()
    mtu: OctetsField | None = None
    retention: DurationField | None = None
    owner: str = ""
    note: str = ""
