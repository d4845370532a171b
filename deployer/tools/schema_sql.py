"""Judges SQL of a migration: what it takes away from, or demands of, the release that is still live.

Not a parser of all of Postgres: it cuts a text into statements by Postgres' own lexical rules (strings, dollar quotes,
nested comments: https://www.postgresql.org/docs/15/sql-syntax-lexical.html) and knows the few forms that harm nobody.
Whatever else it meets is told, so that a form it does not know is never let through.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_TOKEN = re.compile(
    r"""
    (?P<space>\s+|--[^\n]*)
  | (?P<escaped>[eE]'(?:[^'\\]|''|\\.)*')
  | (?P<string>(?:[bBxXnN]|[uU]&)?'(?:[^']|'')*')
  | (?P<number>\d[\w.]*)
  | (?P<name>"(?:[^"]|"")*"|[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*)
  | (?P<dollar>\$(?P<tag>[A-Za-z_]\w*|)\$.*?\$(?P=tag)\$)
  | (?P<other>.)
    """,
    re.VERBOSE | re.DOTALL,
)
_HARMLESS = (
    r"SELECT\b(?!.* INTO )",
    r"INSERT INTO ",
    r"UPDATE ",
    r"COMMENT ON ",
    r"CREATE TABLE (?!.*\bINHERITS\b)",
    r"CREATE INDEX ",
    r"CREATE VIEW ",
    r"CREATE SEQUENCE ",
    r"CREATE EXTENSION ",
    r"CREATE TYPE ",
    r"ALTER TYPE .* ADD VALUE ",
    r"ALTER INDEX ",
    r"ANALYZE\b",
    r"SET (LOCAL )?(lock_timeout|statement_timeout)\b",
)
_KINDS = {
    r"DROP (TABLE|COLUMN|SCHEMA|VIEW|MATERIALIZED VIEW|TYPE|SEQUENCE|INDEX|FUNCTION|CONSTRAINT)\b": "drops",
    r"(TRUNCATE|DELETE)\b": "deletes rows",
    r"ALTER .* RENAME\b": "renames",
    r"ALTER TABLE .* ALTER (COLUMN )?\S+ (SET DATA )?TYPE\b": "changes the type of a column",
    r"ALTER TABLE .* SET NOT NULL\b": "makes a column NOT NULL",
    r"ALTER TABLE .* DROP DEFAULT\b": "drops a default",
    r"CREATE UNIQUE INDEX\b": "adds a uniqueness rule",
}


def harms(sql: str) -> Iterator[str]:
    """Yield what each statement does that the live release may not survive: `drops: DROP TABLE forms`.

    >>> list(harms("CREATE INDEX i ON forms (topic); /* then */ DROP TABLE forms"))
    ['drops: DROP TABLE forms']
    """
    for statement in statements(sql):
        harm = _alter_table(statement) if _matches(r"ALTER TABLE ", statement) else _other(statement)
        if harm:
            yield f"{harm}: {statement[:80]}"


def statements(sql: str) -> Iterator[str]:
    """Cut a text into statements: no comments, one blank between tokens, strings emptied so that none reads as SQL."""
    words: list[str] = []
    for kind, text in _tokens(sql):
        if kind == "other" and text == ";":
            yield from _joined(words)
            words = []
        elif kind != "space":
            words.append(_shown(kind, text))
    yield from _joined(words)


def _shown(kind: str, text: str) -> str:
    if kind in ("string", "escaped", "dollar"):
        return "''"
    # A quoted name may hold anything; only one that could do without its quotes is shown.
    return '"?"' if text.startswith('"') and not re.fullmatch(r'"\w+"', text) else text


def _joined(words: list[str]) -> Iterator[str]:
    if words:
        yield re.sub(r"([(.]) ", r"\1", re.sub(r" ([),.])", r"\1", " ".join(words)))


def _tokens(sql: str) -> Iterator[tuple[str, str]]:
    at = 0
    while at < len(sql):
        if sql.startswith("/*", at):
            at = _after_comment(sql, at)
            yield "space", " "
            continue
        match = _TOKEN.match(sql, at)
        assert match is not None, "the last alternative matches anything"
        yield match.lastgroup or "", match[0]
        at = match.end()


def _after_comment(sql: str, at: int) -> int:
    """Comments nest in Postgres."""
    depth = 0
    for match in re.finditer(r"/\*|\*/", sql[at:]):
        depth += 1 if match[0] == "/*" else -1
        if depth == 0:
            return at + match.end()
    return len(sql)


def _other(statement: str) -> str:
    return "" if any(_matches(form, statement) for form in _HARMLESS) else _kind(statement)


def _kind(text: str) -> str:
    found = (harm for form, harm in _KINDS.items() if _matches(form, text))
    return next(found, "is not known to be harmless")


def _alter_table(statement: str) -> str:
    """Judge each action; one that harms spoils the statement."""
    table = _matches(r"ALTER TABLE (IF EXISTS )?(ONLY )?[\w$\".?]+ ", statement)
    if table is None:
        return "is not known to be harmless"
    return next(filter(None, map(_action, _parts(statement[table.end() :]))), "")


def _action(action: str) -> str:
    if _matches(r"ALTER (COLUMN )?\S+ (SET DEFAULT|DROP NOT NULL)\b", action):
        return ""
    if not _matches(r"ADD\b", action):
        return "drops" if _matches(r"DROP\b", action) else _kind(f"ALTER TABLE t {action}")
    if re.search(r"\b(CONSTRAINT|UNIQUE|PRIMARY KEY|CHECK|REFERENCES|FOREIGN|EXCLUDE)\b", action, re.IGNORECASE):
        return "adds a rule that the live release does not know"
    demanded, given = (
        re.search(words, action, re.IGNORECASE) for words in (r"\bNOT NULL\b", r"\b(DEFAULT|GENERATED)\b")
    )
    return "adds a column NOT NULL without a default" if demanded and not given else ""


def _matches(form: str, text: str) -> re.Match[str] | None:
    return re.match(form, text, re.IGNORECASE | re.DOTALL)


def _parts(actions: str) -> Iterator[str]:
    """Cut at commas outside parentheses."""
    depth, begin = 0, 0
    for at, character in enumerate(actions):
        depth += {"(": 1, ")": -1}.get(character, 0)
        if character == "," and depth == 0:
            yield actions[begin:at].strip()
            begin = at + 1
    yield actions[begin:].strip()
