"""An account on a network is one channel."""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "CREATE UNIQUE INDEX ix_channels_network_channels_account_channels_world ON channels (network, account, world)"
    )
