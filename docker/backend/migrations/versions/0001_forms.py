"""Contact forms."""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create `forms`; `stored_at` is set once the form's S3 object exists."""
    op.execute(
        """
        CREATE TABLE forms (
            id          uuid PRIMARY KEY,
            client_key  text NOT NULL UNIQUE,
            fingerprint text NOT NULL,
            name        text NOT NULL,
            email       text NOT NULL,
            topic       text NOT NULL,
            message     text NOT NULL,
            created_at  timestamptz NOT NULL DEFAULT now(),
            stored_at   timestamptz
        )
        """
    )
    op.execute("CREATE INDEX forms_not_stored ON forms (created_at) WHERE stored_at IS NULL")


def downgrade() -> None:
    """Drop `forms` with all it holds."""
    op.execute("DROP TABLE forms")
