"""The keys that belong to a store."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "keys",
        sa.Column("name", sa.String(60), primary_key=True),
        sa.Column("key", sa.LargeBinary, nullable=False),
    )
