"""The store's tables (SQLAlchemy Core); the migrations create exactly these (a test compares them)."""

from __future__ import annotations

from sqlalchemy import BigInteger, Float, ForeignKey, Index, Integer, LargeBinary, MetaData, String, Table, Text

from sdnctl.store.cells import held, moment

metadata = MetaData()
_ID = BigInteger().with_variant(Integer, "sqlite")  # SQLite counts INTEGER keys only

snapshots = Table(
    "snapshots",
    metadata,
    held("id", _ID, primary_key=True),
    moment("created"),  # ISO 8601, UTC
    held("author", String(200)),
    held("reason", String(32)),  # apply, rollback, reconcile
    held("state", String(16)),  # pending, applied, abandoned
    held("parent", _ID, ForeignKey("snapshots.id"), empty=True),
    held("plan", String(64), empty=True),
    held("fingerprint", String(64)),
    held("summary", Text()),
    held("content", LargeBinary()),  # zlib-compressed JSON
    Index("snapshots_state", "state", "id"),
)

plans = Table(
    "plans",
    metadata,
    held("fingerprint", String(64), primary_key=True),
    moment("created"),
    held("content", LargeBinary()),
)

journal = Table(
    "journal",
    metadata,
    held("id", _ID, primary_key=True),
    moment("created"),
    held("snapshot", _ID, ForeignKey("snapshots.id")),
    held("event", String(32)),  # begin, stage, staged, stopped, end, abandoned
    held("detail", Text()),  # JSON
    Index("journal_snapshot", "snapshot", "id"),
)

leases = Table(
    "leases",
    metadata,
    held("name", String(64), primary_key=True),
    held("holder", String(200)),
    held("until", Float()),  # seconds since the epoch
    held("generation", BigInteger()),
)

audit = Table(
    "audit",
    metadata,
    held("id", _ID, primary_key=True),
    moment("created"),
    held("author", String(200)),
    held("action", String(64)),
    held("detail", Text()),
    held("plan", String(64), empty=True),  # fingerprint of the plan it was about
    held("result", String(64), empty=True),  # begun, done, or the code of what stopped it
)

tokens = Table(
    "tokens",
    metadata,
    held("id", _ID, primary_key=True),
    held("name", String(100)),
    held("role", String(16)),  # viewer, operator, admin
    held("tenants", Text()),  # JSON; empty: the whole network
    held("hash", String(64)),  # SHA-256, hex
    moment("created"),
    held("author", String(200)),
    moment("expires", empty=True),
    moment("used", empty=True),
    moment("revoked", empty=True),
    Index("tokens_hash", "hash", unique=True),
    Index("tokens_name", "name", unique=True),
)

verdicts = Table(
    "verdicts",
    metadata,
    held("application", String(200), primary_key=True),
    held("level", String(8), primary_key=True),  # V1, V2, V3
    moment("created"),
    held("snapshot", _ID, ForeignKey("snapshots.id")),
    held("verdict", String(16)),  # ok, degraded, failed
    held("detail", Text()),
)

bindings = Table(
    "bindings",
    metadata,
    held("id", _ID, primary_key=True),
    held("device", String(200)),
    held("dpid", String(16)),  # hex: 64 bits are more than a signed integer holds
    held("certificate", String(64)),  # SHA-256, hex; empty: any, or none
    moment("created"),
    held("author", String(200)),
    moment("retired", empty=True),
    Index("bindings_device", "device"),
)

freezes = Table(
    "freezes",
    metadata,
    held("device", String(200), primary_key=True),
    moment("since"),
    held("by", String(200)),  # who acknowledged it; empty: nobody did
    held("found", Text()),  # JSON: marks of what differs
)

secrets = Table(
    "secrets",
    metadata,
    held("name", String(64), primary_key=True),
    moment("created"),
    held("value", LargeBinary()),
)
