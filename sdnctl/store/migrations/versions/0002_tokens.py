"""Tokens of the API; the plan and the result of what the audit trail records."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "tokens",
        sa.Column("id", _ID, primary_key=True, autoincrement=True),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("tenants", sa.Text, nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("created", sa.String(32), nullable=False),
        sa.Column("author", sa.String(200), nullable=False),
        sa.Column("expires", sa.String(32), nullable=True),
        sa.Column("used", sa.String(32), nullable=True),
        sa.Column("revoked", sa.String(32), nullable=True),
    )
    op.create_index("tokens_hash", "tokens", ["hash"], unique=True)
    op.create_index("tokens_name", "tokens", ["name"], unique=True)
    op.add_column("audit", sa.Column("plan", sa.String(64), nullable=True))
    op.add_column("audit", sa.Column("result", sa.String(64), nullable=True))


def downgrade() -> None:
    op.drop_column("audit", "result")
    op.drop_column("audit", "plan")
    op.drop_table("tokens")
