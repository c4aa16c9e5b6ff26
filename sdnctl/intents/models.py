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
    """A service class; its place in the list is its place in the admission ladder."""

    id: Id
    """Its name."""
    tc: Annotated[int, Field(ge=0, le=7)]
    """MPLS traffic class (RFC 5462); several classes may share one."""
    queue: Annotated[int, Field(ge=0, le=7)]
    """Queue of a port, 7 first."""
    dscp: DscpField
    """The DSCP of its packets, by name or number."""
    protected: bool = False
    """Whether a plan may interrupt it only when told so (`--allow-outage`)."""
    latency: DelayField | None = None
    """One-way target of intents that name none."""
    note: str = ""
    """For people."""


class CrisisProfile(Model):
    """Another order of the ladder, switched on in `network.yaml`; classes not listed follow in their order."""

    id: Id
    """Its name."""
    order: Annotated[tuple[Id, ...], Field(min_length=1)]
    """Classes in their order; those not listed follow."""
    note: str = ""
    """For people."""


class ClassesFile(Model):
    """`intents/classes.yaml`: the admission ladder, first class first."""

    classes: tuple[ClassModel, ...] = ()
    """The admission ladder: who is served first stands first."""
    crisis_profiles: tuple[CrisisProfile, ...] = ()
    """Other orders, one of which `network.yaml` may switch on."""


class TenantModel(Model):
    """An owner of services."""

    id: Id
    """Its name, as intents have it."""
    name: str = ""
    """What people call it."""
    quota: BitrateField | None = None
    """Limit of the sum of committed rates of its demands, both directions."""
    max_endpoints: Annotated[int, Field(ge=0)] | None = None
    """Limit of the endpoints that its demands touch."""


class TenantsFile(Model):
    """`intents/tenants.yaml`."""

    tenants: tuple[TenantModel, ...] = ()
    """Owners of services."""


# ── one file per application ─────────────────────────────────────────────────────────────────────


class Criteria(Model):
    """Endpoints that fit everything that is said.

    That is one of the ids, of the kinds, of the sites, of the areas, and all of the tags.
    """

    ids: Names = ()
    """One of these endpoints."""
    kind: Words = ()
    """Of one of these kinds."""
    site: Names = ()
    """At one of these sites."""
    area: Areas = ()
    """In one of these areas."""
    tags: Words = ()
    """With all of these tags."""

    @property
    def empty(self) -> bool:
        return not (self.ids or self.kind or self.site or self.area or self.tags)


class Selector(Criteria):
    """Criteria, written directly or under `select` (then both must fit)."""

    select: Criteria | None = None
    """Further criteria; both must fit."""

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
    """From leaf to root, or from a to b."""
    down: BitrateField
    """The other way."""

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
    """What a service may count on. What is not said here is said by the application, its class, or is `none`."""

    latency: DelayField | None = None
    """One way; by default the class's."""
    protection: Grade | None = None
    """What it survives; `none` by default."""
    avoid: tuple[Avoided, ...] | None = None
    """Links, switches, sites and shared risks (`zone:low-bank`) that it must not touch."""
    isolation: Literal["shared", "exclusive"] | None = None
    """`exclusive`: no trunk is shared with another tenant; `shared` by default."""


class Circuit(Model):
    """One point-to-point connection of a line application; what it leaves out is the application's."""

    id: Id
    """Its name within the application."""
    a: Id
    """One endpoint."""
    b: Id
    """The other endpoint."""
    bandwidth: Rates | None = None
    """Committed rate; by default the application's."""
    excess: Rates | None = None
    """Rate beyond it; by default the application's."""
    guarantees: Guarantees = Guarantees()
    """What differs from the application's."""
    mtu: OctetsField | None = None
    """Largest frame payload at its ports."""
    note: str = ""
    """For people."""


class Group(Model):
    """One of several parts of a tree or mesh that never meet each other."""

    roots: Selector | None = None
    """Roots of a tree's part."""
    leaves: Selector | None = None
    """Leaves of a tree's part."""
    members: Selector | None = None
    """Members of a mesh's part."""
    note: str = ""
    """For people."""


class OwnTerms(Model):
    """What some endpoints of a tree or mesh are promised instead; what it leaves out is the application's.

    It holds for pairs whose leaf `select` fits (in a mesh: one of the two members). Where several fit, each point
    (bandwidth, excess, one guarantee) is that of the first that says it.
    """

    select: Selector
    """The endpoints that it holds for."""
    bandwidth: Rates | None = None
    """Their committed rate."""
    excess: Rates | None = None
    """Their rate beyond it."""
    guarantees: Guarantees = Guarantees()
    """Their guarantees."""
    note: str = ""
    """For people."""

    @model_validator(mode="after")
    def _promises_something(self) -> OwnTerms:
        if self.bandwidth is None and self.excess is None and self.guarantees == Guarantees():
            raise ValueError("it changes nothing: write bandwidth, excess or guarantees")
        return self


class Application(Model):
    """`intents/<name>.yaml`: what one application needs, between whom, with what guarantees.

    A `tree` connects `roots` and `leaves`, leaves never reach each other; a `mesh` connects all `members`;
    a `line` has `circuits`. Trees and meshes may have several `groups` that never meet, and `terms` of some of
    their endpoints.
    """

    application: Id
    """Its name, once in the network."""
    tenant: Id
    """Whose it is: a name of `tenants.yaml`."""
    service_class: Annotated[Id, Field(alias="class")]
    """Its service class: a name of `classes.yaml`."""
    service: Service
    """How its endpoints meet: point to point, hub and spokes, or any to any."""
    roots: Selector | None = None
    """Endpoints in the middle of a tree."""
    leaves: Selector | None = None
    """Endpoints that reach the roots, and never each other."""
    members: Selector | None = None
    """Endpoints of a mesh."""
    groups: tuple[Group, ...] = ()
    """Parts of a tree or mesh that never meet."""
    circuits: tuple[Circuit, ...] = ()
    """Connections of a line."""
    bandwidth: Rates | None = None
    """Committed rate (CIR)."""
    excess: Rates | None = None
    """What may be used beyond it (EIR), if there is room."""
    terms: tuple[OwnTerms, ...] = ()
    """What some endpoints are promised instead."""
    guarantees: Guarantees = Guarantees()
    """What it may count on."""
    mtu: OctetsField | None = None
    """Largest frame payload at customers' ports; by default that of `network.yaml`."""
    retention: DurationField | None = None
    """How long roots keep what leaves send."""
    owner: str = ""
    """Whom to tell when it is hit."""
    note: str = ""
    """For people."""
