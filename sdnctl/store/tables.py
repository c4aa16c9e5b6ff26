"""The store's tables (SQLAlchemy Core); the migrations create exactly these (a test compares them)."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
)

metadata = MetaData()
_ID = BigInteger().with_variant(Integer, "sqlite")  # SQLite autoincrements INTEGER only

snapshots = Table(
    "snapshots",
    metadata,
    Column("id", _ID, primary_key=True, autoincrement=True),
    Column("created", String(32), nullable=False),  # ISO 8601, UTC
    Column("author", String(200), nullable=False),
    Column("reason", String(32), nullable=False),  # apply, rollback, reconcile
    Column("state", String(16), nullable=False),  # pending, applied, abandoned
    Column("parent", _ID, ForeignKey("snapshots.id"), nullable=True),
    Column("plan", String(64), nullable=True),
    Column("fingerprint", String(64), nullable=False),
    Column("summary", Text, nullable=False),
    Column("content", LargeBinary, nullable=False),  # zlib-compressed JSON
    Index("snapshots_state", "state", "id"),
)

plans = Table(
    "plans",
    metadata,
    Column("fingerprint", String(64), primary_key=True),
    Column("created", String(32), nullable=False),
    Column("content", LargeBinary, nullable=False),
)

journal = Table(
    "journal",
    metadata,
    Column("id", _ID, primary_key=True, autoincrement=True),
    Column("created", String(32), nullable=False),
    Column("snapshot", _ID, ForeignKey("snapshots.id"), nullable=False),
    Column("event", String(32), nullable=False),  # begin, stage, staged, stopped, end, abandoned
    Column("detail", Text, nullable=False),  # JSON
    Index("journal_snapshot", "snapshot", "id"),
)

leases = Table(
    "leases",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("holder", String(200), nullable=False),
    Column("until", Float, nullable=False),  # seconds since the epoch
    Column("generation", BigInteger, nullable=False),
)

audit = Table(
    "audit",
    metadata,
    Column("id", _ID, primary_key=True, autoincrement=True),
    Column("created", String(32), nullable=False),
    Column("author", String(200), nullable=False),
    Column("action", String(64), nullable=False),
    Column("detail", Text, nullable=False),
    Column("plan", String(64), nullable=True),  # fingerprint of the plan it was about
    Column("result", String(64), nullable=True),  # begun, done, or the code of what stopped it
)

tokens = Table(
    "tokens",
    metadata,
    Column("id", _ID, primary_key=True, autoincrement=True),
    Column("name", String(100), nullable=False),
    Column("role", String(16), nullable=False),  # viewer, operator, admin
    Column("tenants", Text, nullable=False),  # JSON; empty: the whole network
    Column("hash", String(64), nullable=False),  # SHA-256, hex
    Column("created", String(32), nullable=False),
    Column("author", String(200), nullable=False),
    Column("expires", String(32), nullable=True),
    Column("used", String(32), nullable=True),
    Column("revoked", String(32), nullable=True),
    Index("tokens_hash", "hash", unique=True),
    Index("tokens_name", "name", unique=True),
)

verdicts = Table(
    "verdicts",
    metadata,
    Column("application", String(200), primary_key=True),
    Column("level", String(8), primary_key=True),  # V1, V2, V3
    Column("created", String(32), nullable=False),
    Column("snapshot", _ID, ForeignKey("snapshots.id"), nullable=False),
    Column("verdict", String(16), nullable=False),  # ok, degraded, failed
    Column("detail", Text, nullable=False),
)

bindings = Table(
    "bindings",
    metadata,
    Column("id", _ID, primary_key=True, autoincrement=True),
    Column("device", String(200), nullable=False),
    Column("dpid", String(16), nullable=False),  # hex: 64 bits are more than a signed integer holds
    Column("certificate", String(64), nullable=False),  # SHA-256, hex; empty: any, or none
    Column("created", String(32), nullable=False),
    Column("author", String(200), nullable=False),
    Column("retired", String(32), nullable=True),
    Index("bindings_device", "device"),
)

freezes = Table(
    "freezes",
    metadata,
    Column("device", String(200), primary_key=True),
    Column("since", String(32), nullable=False),
    Column("by", String(200), nullable=False),  # who acknowledged it; empty: nobody did
    Column("found", Text, nullable=False),  # JSON: marks of what differs
)

secrets = Table(
    "secrets",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("created", String(32), nullable=False),
    Column("value", LargeBinary, nullable=False),
)
