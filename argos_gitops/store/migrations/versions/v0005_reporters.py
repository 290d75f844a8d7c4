"""What could not be told."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "reporters",
        sa.Column("instance", sa.String(200), primary_key=True),
        sa.Column("reporter", sa.String(60), primary_key=True),
        sa.Column("reason", sa.String(120), nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("since", _MOMENT, nullable=False),
    )
