"""The `controller:` section of `network.yaml`: how a running controller behaves.

What stands here is read by `sdnctl controller run` and by nothing else: it does not change what is compiled. Each
field has a field of the same name in `sdnctl.daemon.settings.ControllerSettings`, where times are seconds.
"""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from sdnctl.units import Delay, DelayField

_SECOND = 1e6  # a Delay counts microseconds

FileReference = Annotated[str, Field(pattern=r"^file:.+$", examples=["file:/etc/sdnctl/controller.pem"])]


DriftPolicy: TypeAlias = Literal["report", "repair", "freeze"]


class Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


class Tls(Model):
    """The controller's own key and certificate, and the authority that its switches' certificates are of."""

    private_key: FileReference
    """The controller's private key (PEM)."""
    certificate: FileReference
    """Its certificate (PEM)."""
    ca_certificate: FileReference
    """The authority of its switches' certificates (PEM)."""


class ApiTls(Model):
    """The key and certificate of the API, and the authority of its clients' certificates, where they need any."""

    private_key: FileReference
    """The private key of the API (PEM)."""
    certificate: FileReference
    """Its certificate, with the names or addresses that clients ask it by (PEM)."""
    client_ca: FileReference | None = None
    """The authority of its clients' certificates (PEM); without it, clients need none."""


class ControllerSection(Model):
    """How a running controller behaves.

    `listen`: addresses that switches dial in to (`ptcp:6653`, `pssl:6653:192.0.2.1`, `punix:PATH`). `tls`: for
    `pssl:` here and `ssl:` in `equipment.yaml`. `api`: `unix:PATH` or `HOST:PORT`, which `api_tls` encrypts.
    `flap_limit`: a link that goes down so often in a row is damped; `flap_half_life`: how fast that is forgotten.
    `drift_interval`: between two read-backs of everything. `drift`: what is done when rules of a service class (or
    of any other: `default`) are not as applied, `report`, `repair` (as if nothing is said) or `freeze`.
    `poll_interval`: between two looks at switches that do not report changes of their ports by themselves.
    `telemetry_interval`: between two readings of port counters, `0 s` for none. `discovery_interval`,
    `discovery_edge_interval`: between two beacons of a trunk port, and of a customer port, `0 s` for none;
    `discovery_missed`: how many may be missed in a row before a port is called silent. `stop_timeout`: how long a
    change that is being made may take to end when the controller is told to stop. `parts`: what plugins add to the
    controller, by name, with their options.
    """

    listen: tuple[str, ...] = ()
    """Addresses that switches dial in to (`ptcp:6653`, `pssl:6653:192.0.2.1`, `punix:PATH`)."""
    tls: Tls | None = None
    """For `pssl:` here and `ssl:` in `equipment.yaml`."""
    api: str = ""
    """Where the API listens: `unix:PATH` or `HOST:PORT`; by default a socket in `.sdnctl/`."""
    api_tls: ApiTls | None = None
    """TLS where the API listens at `HOST:PORT`."""
    flap_limit: Annotated[int, Field(ge=2, le=8)] = 3
    """A link that goes down so often in a row is damped."""
    flap_half_life: Annotated[DelayField, Field(gt=0)] = Delay(60 * _SECOND)
    """How fast that is forgotten."""
    drift_interval: DelayField = Delay(60 * _SECOND)
    """Time between two read-backs of everything."""
    drift: dict[str, DriftPolicy] = Field(
        default_factory=dict, examples=[{"default": "repair", "scada": "freeze"}]
    )
    """What is done when rules of a class (or of any other: `default`) are not as applied; `repair` if nothing is
    said."""
    poll_interval: DelayField = Delay(2 * _SECOND)
    """Time between two looks at switches that do not report changes of ports by themselves."""
    telemetry_interval: DelayField = Delay(30 * _SECOND)
    """Time between two readings of port counters; `0 s` for none."""
    discovery_interval: DelayField = Delay(30 * _SECOND)
    """Time between two beacons of a trunk port; `0 s` for none."""
    discovery_edge_interval: DelayField = Delay(60 * _SECOND)
    """Time between two beacons of a customer port; `0 s` for none."""
    discovery_missed: Annotated[int, Field(ge=1, le=100)] = 3
    """Beacons in a row that may be missed before a port is called silent."""
    stop_timeout: DelayField = Delay(30 * _SECOND)
    """How long a change that is being made may take to end when the controller is told to stop."""
    parts: dict[str, dict[str, str]] = Field(
        default_factory=dict, examples=[{"snmp-traps": {"listen": "udp:0.0.0.0:162"}}]
    )
    """What plugins add to the controller, by name, with their options."""
