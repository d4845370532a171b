"""${message}"""

from alembic import op

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = None
depends_on = None
# One statement for each op.execute.
# Takes something away? Then say why no live release needs it: contract = "…" (docs/deployment/environments.md)


def upgrade() -> None:
    """Say what changes, and why the release before still works with it."""
    ${upgrades if upgrades else "op.execute(\"\")"}


def downgrade() -> None:
    """Used by developers only; a rollback keeps the schema."""
    ${downgrades if downgrades else "op.execute(\"\")"}
