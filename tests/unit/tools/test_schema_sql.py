"""SQL of migrations: what the live release may not survive, and what nobody notices."""

from __future__ import annotations

import pytest

from deployer.tools.schema_sql import harms, statements

HARMFUL = {
    "DROP TABLE forms": "drops",
    "drop table if exists forms cascade": "drops",
    "DROP INDEX CONCURRENTLY forms_client_key_key": "drops",
    "DROP TYPE topic": "drops",
    "TRUNCATE forms": "deletes rows",
    "DELETE FROM forms WHERE true": "deletes rows",
    "ALTER TABLE forms DROP COLUMN topic": "drops",
    "ALTER TABLE ONLY public.forms DROP topic": "drops",
    "ALTER TABLE forms DROP CONSTRAINT forms_client_key_key": "drops",
    "ALTER TABLE forms ADD COLUMN a text, DROP COLUMN topic": "drops",
    "ALTER TABLE forms RENAME TO messages": "renames",
    "ALTER TABLE forms RENAME COLUMN topic TO subject": "renames",
    "ALTER TABLE forms ALTER COLUMN message TYPE varchar(100)": "changes the type of a column",
    "ALTER TABLE forms ALTER message SET DATA TYPE varchar(100)": "changes the type of a column",
    "ALTER TABLE forms ALTER COLUMN stored_at SET NOT NULL": "makes a column NOT NULL",
    "ALTER TABLE forms ALTER COLUMN created_at DROP DEFAULT": "drops a default",
    "ALTER TABLE forms ADD COLUMN phone text NOT NULL": "adds a column NOT NULL without a default",
    "ALTER TABLE forms ADD phone text NOT NULL CHECK (phone <> '')": "adds a rule that the live release does not know",
    "ALTER TABLE forms ADD CONSTRAINT few CHECK (length(topic) < 9)": "adds a rule that the live release does not know",
    "ALTER TABLE forms ADD UNIQUE (email)": "adds a rule that the live release does not know",
    "CREATE UNIQUE INDEX one ON forms (email)": "adds a uniqueness rule",
    "DO $$ BEGIN EXECUTE 'DROP TABLE forms'; END $$": "is not known to be harmless",
    "SELECT * INTO forms FROM others": "is not known to be harmless",
    "REVOKE ALL ON forms FROM app": "is not known to be harmless",
}
HARMLESS = (
    "CREATE TABLE notes (id uuid PRIMARY KEY, form uuid NOT NULL REFERENCES forms (id))",
    "CREATE INDEX CONCURRENTLY forms_topic ON forms (topic)",
    "ALTER TABLE forms ADD COLUMN phone text",
    "ALTER TABLE IF EXISTS forms ADD COLUMN IF NOT EXISTS phone text, ADD language text NOT NULL DEFAULT 'en'",
    "ALTER TABLE forms ADD COLUMN price numeric(10, 2) DEFAULT 0",
    "ALTER TABLE forms ALTER COLUMN topic DROP NOT NULL",
    "ALTER TABLE forms ALTER topic SET DEFAULT 'other'",
    "UPDATE forms SET topic = 'DROP TABLE forms'",
    "INSERT INTO topics VALUES ('it''s; DROP TABLE forms')",
    "COMMENT ON TABLE forms IS $$; DROP TABLE forms; $$",
    "-- DROP TABLE forms\nCREATE SEQUENCE s",
    "/* DROP /* nested */ TABLE forms; */ CREATE EXTENSION IF NOT EXISTS pgcrypto",
    "ALTER TYPE topic ADD VALUE 'events'",
    "SET lock_timeout = '2s'",
    'ALTER TABLE "my forms" ADD COLUMN a text',
    " ;; ",
    "",
)


@pytest.mark.parametrize(("sql", "what"), HARMFUL.items())
def test_what_harms_is_told_with_its_kind(sql: str, what: str) -> None:
    """Whatever stands before and after it, in lower case too."""
    assert [what] == [harm.partition(":")[0] for harm in harms(sql)]
    assert [what] == [harm.partition(":")[0] for harm in harms(f"CREATE SEQUENCE s; {sql.replace(' ', '  ')} ;")]


@pytest.mark.parametrize("sql", HARMLESS)
def test_what_harms_nobody_passes(sql: str) -> None:
    """Words within strings, quoted names and comments are none of SQL's."""
    assert [] == list(harms(sql))


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT '\\'; DROP TABLE forms; --'",  # a backslash ends no string, and does not keep one open
        "SELECT E'\\''; DROP TABLE forms; --'",
        "SELECT $a$ $b$ $a$; DROP TABLE forms",
        'SELECT "a;b"; DROP TABLE forms',
        "SELECT 1 /* ' */; DROP TABLE forms; -- '",
        'ALTER TABLE forms ADD COLUMN "x DEFAULT" text NOT NULL',
    ],
)
def test_nothing_hides_behind_a_quote(sql: str) -> None:
    """Postgres' own rules for strings, not those of another language."""
    assert 1 == len(list(harms(sql)))


def test_statements_are_cut_where_postgres_cuts_them() -> None:
    """And told in one line."""
    sql = "CREATE TABLE t (\n  a numeric(10, 2) -- money; really\n);\n\nUPDATE t SET a = 1;"

    assert ["CREATE TABLE t (a numeric (10, 2))", "UPDATE t SET a = 1"] == list(statements(sql))
