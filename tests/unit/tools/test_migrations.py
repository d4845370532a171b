"""Alembic revisions: read, never run; what would break the live release is found, whatever it hides behind."""

from __future__ import annotations

from pathlib import Path

import pytest

from deployer.errors import GateFailed
from deployer.tools.migrations import FOLDER, Migrations

HEAD = "import sqlalchemy as sa\nfrom alembic import op\n\n"

HARMFUL = {
    'op.drop_table("forms")': "drops a table",
    'op.drop_column("forms", "topic")': "drops a column",
    'op.rename_table("forms", "messages")': "renames a table",
    'op.drop_constraint("forms_client_key_key", "forms")': "drops a constraint, which an ON CONFLICT may name",
    'op.drop_index("forms_client_key")': "drops an index, which may be the one of an ON CONFLICT",
    'op.create_unique_constraint("one", "forms", ["email"])': "adds a rule that the live release does not know",
    'op.create_check_constraint("short", "forms", "a < 1")': "adds a rule that the live release does not know",
    'op.create_foreign_key("f", "forms", "people", ["a"], ["b"])': "adds a rule that the live release does not know",
    'op.alter_column("forms", "topic", new_column_name="subject")': "renames a column",
    'op.alter_column("forms", "topic", type_=sa.String(10))': "changes the type of a column",
    'op.alter_column("forms", "stored_at", nullable=False)': "makes a column NOT NULL",
    'op.alter_column("forms", "created_at", server_default=None)': "drops a default",
    'op.add_column("forms", sa.Column("phone", sa.Text(), nullable=False))': "adds a column NOT NULL without a default",
    'op.add_column("forms", sa.Column("n", sa.Text(), unique=True))': "adds a rule that the live release does not know",
    'op.execute("DROP TABLE forms")': "SQL drops: DROP TABLE forms",
    'op.execute("ALTER TABLE forms RENAME topic TO subject")': "SQL renames: ALTER TABLE forms RENAME topic TO subject",
    'op.execute("ALTER TABLE forms " "ALTER topic TYPE int")': (
        "SQL changes the type of a column: ALTER TABLE forms ALTER topic TYPE int"
    ),
    'op.execute(sa.text("DROP TABLE forms"))': "SQL drops: DROP TABLE forms",
    "op.execute(GONE)": "SQL drops: DROP TABLE gone",
    'op.get_bind().execute(sa.text("DROP TABLE forms"))': "SQL drops: DROP TABLE forms",
    'op.get_bind().exec_driver_sql("DROP TABLE forms")': "SQL drops: DROP TABLE forms",
    'op.execute(f"DROP {x}")': "SQL cannot be read without running it",
    "op.execute(make())": "SQL cannot be read without running it",
    "sa.MetaData().drop_all(op.get_bind())": "drops all tables",
    "x = op.drop_table": "drops a table",
    "x = op.execute": "execute: cannot be read without running it",
    'getattr(op, "drop_" + "table")("forms")': "getattr: cannot be read without running it",
    'op.alter_column("forms", "topic", **options)': "alter_column: cannot be read without running it",
    'op.add_column("forms", column)': "add_column: cannot be read without running it",
    "from app.schema import wipe": "imports from app.schema, which is not looked into",
    "import shutil": "imports shutil, which is not looked into",
    "op.invoke(x)": "op.invoke is not known to be harmless",
    'with op.batch_alter_table("forms") as batch:\n        batch.drop_column("topic")': "drops a column",
    'with op.batch_alter_table("forms") as batch:\n        batch.alter_column("topic", name="x")': "renames a column",
}
HARMLESS = (
    'op.create_table("notes", sa.Column("id", sa.Uuid(), primary_key=True, nullable=False))',
    'op.create_index("forms_topic", "forms", ["topic"])',
    'op.add_column("forms", sa.Column("phone", sa.Text()))',
    'op.add_column("forms", sa.Column("phone", sa.Text(), nullable=True))',
    'op.add_column("forms", sa.Column("language", sa.Text(), nullable=False, server_default="en"))',
    'op.add_column("forms", sa.Column("at", sa.DateTime(), nullable=False, server_default=sa.func.now()))',
    'op.alter_column("forms", "topic", nullable=True)',
    'op.alter_column("forms", "topic", server_default="other")',
    'op.execute("CREATE INDEX i ON forms (topic)")',
    'op.bulk_insert(None, [{"a": "DROP TABLE forms"}])',
    "pass",
)


def write(root: Path, name: str, parent: str | tuple[str, ...] | None, body: str, top: str = "") -> None:
    """A revision whose `upgrade` is this body; its `downgrade` drops all there is."""
    folder = root / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    text = (
        f'{HEAD}revision = "{name}"\ndown_revision = {parent!r}\nGONE = "DROP TABLE gone"\n{top}\n\n'
        f'def upgrade() -> None:\n    """Do it."""\n    {body}\n\n\n'
        'def downgrade() -> None:\n    op.drop_table("forms")\n'
    )
    (folder / f"{name}_it.py").write_text(text, encoding="utf-8")


@pytest.mark.parametrize(("body", "what"), HARMFUL.items())
def test_each_kind_of_operation_that_harms_is_found(tmp_path: Path, body: str, what: str) -> None:
    """With its file and line; one mutation of a harmless revision for each kind."""
    write(tmp_path, "0001", None, "pass")
    assert () == Migrations(tmp_path).harm("")

    write(tmp_path, "0001", None, body)
    [harm] = Migrations(tmp_path).harm("")

    assert (what, str(FOLDER / "0001_it.py"), "") == (harm.what, harm.file, harm.contract)
    line = (tmp_path / harm.file).read_text(encoding="utf-8").splitlines()[harm.line - 1]
    assert body.splitlines()[-1].strip() == line.strip()


@pytest.mark.parametrize("body", HARMLESS)
def test_what_only_adds_passes(tmp_path: Path, body: str) -> None:
    """And what developers run to go back is none of a deployment's."""
    write(tmp_path, "0001", None, body)

    assert () == Migrations(tmp_path).harm("")


@pytest.mark.parametrize("top", ['contract = "no release since prod-1 reads topic"', 'contract: str = "not read"'])
def test_a_contract_is_told_with_what_it_allows(tmp_path: Path, top: str) -> None:
    """The verdict is the stage's; here it is only read."""
    write(tmp_path, "0001", None, 'op.drop_column("forms", "topic")', top)

    [harm] = Migrations(tmp_path).harm("")
    assert harm.contract in top
    assert harm.contract


@pytest.mark.parametrize("contract", ['""', '"  "', "True", "why()", "None"])
def test_a_contract_that_says_nothing_is_none(tmp_path: Path, contract: str) -> None:
    """It has to say why, in so many words."""
    write(tmp_path, "0001", None, 'op.drop_column("forms", "topic")', f"contract = {contract}")

    assert [""] == [harm.contract for harm in Migrations(tmp_path).harm("")]


def test_only_what_comes_after_the_live_head_counts(tmp_path: Path) -> None:
    """What the live release was built on hurts it no more; branches and merges are followed."""
    for name, parent in {"1": None, "2": "1", "3a": "2", "3b": "2", "4": ("3a", "3b")}.items():
        write(tmp_path, name, parent, f'op.drop_table("t{name}")')

    def files(since: str) -> list[str]:
        return [Path(harm.file).stem.partition("_")[0] for harm in Migrations(tmp_path).harm(since)]

    assert ["3a", "3b", "4"] == files("2")
    assert ["3b", "4"] == files("3a")
    assert [] == files("4")
    assert ["1", "2", "3a", "3b", "4"] == files("") == files("unknown")


@pytest.mark.parametrize("text", ["def (", "x = 1\n", "revision = make()\n", 'revision = "1"\nrevision = "2"\n'])
def test_what_is_no_revision_is_refused_by_name(tmp_path: Path, text: str) -> None:
    """Alembic would fail later, or take another one."""
    write(tmp_path, "0001", None, "pass")
    (tmp_path / FOLDER / "0002_no.py").write_text(text, encoding="utf-8")

    with pytest.raises(GateFailed, match=r"0002_no\.py"):
        Migrations(tmp_path).harm("0001")


def test_a_tree_without_migrations_harms_nobody(tmp_path: Path) -> None:
    """There is nothing to run either."""
    assert () == Migrations(tmp_path).harm("")
