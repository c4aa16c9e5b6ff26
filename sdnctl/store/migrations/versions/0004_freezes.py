"""Switches whose drift is left as it is, and who acknowledged it."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "freezes",
        sa.Column("device", sa.String(200), primary_key=True),
        sa.Column("since", sa.String(32), nullable=False),
        sa.Column("by", sa.String(200), nullable=False),
        sa.Column("found", sa.Text, nullable=False),
    )


def downgrade() -> None:
    op.drop_table("freezes")
