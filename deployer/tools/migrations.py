"""Reads the Alembic revisions of a tree without running them: which of them would hurt the release that is live.

While a release moves in, and after it was rolled back, the live one works on the new schema. So a revision may add what
nobody needs yet (expand), and what is gone from all live code may go (contract); such a revision says why it may, in
`contract = "…"` at its top level. What cannot be read for certain, such as SQL made at run time, counts as harm.
Operations: https://alembic.sqlalchemy.org/en/latest/ops.html
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from deployer.errors import GateFailed
from deployer.model import Harm

FOLDER = Path("docker/backend/migrations/versions")
HARMLESS = frozenset({
    *("create_table", "create_index", "create_table_comment", "drop_table_comment", "bulk_insert", "f"),
    *("get_bind", "get_context", "batch_alter_table", "inline_literal"),
})  # fmt: skip
HARMFUL = {
    "drop_table": "drops a table",
    "drop_column": "drops a column",
    "rename_table": "renames a table",
    "drop_constraint": "drops a constraint, which an ON CONFLICT may name",
    "drop_index": "drops an index, which may be the one of an ON CONFLICT",
    "create_unique_constraint": "adds a rule that the live release does not know",
    "create_check_constraint": "adds a rule that the live release does not know",
    "create_exclude_constraint": "adds a rule that the live release does not know",
    "create_foreign_key": "adds a rule that the live release does not know",
    "create_primary_key": "adds a rule that the live release does not know",
    "drop": "drops what it is called on",
    "drop_all": "drops all tables",
}
"""Alembic's operations, and SQLAlchemy's `drop`, whatever object they are called on: `op`, or a batch of a table."""
SQL = frozenset({"execute", "exec_driver_sql", "scalar", "scalars"})
READ = frozenset({"alembic", "sqlalchemy", "typing", "collections", "__future__", "uuid", "datetime"})
HIDES = frozenset({"getattr", "eval", "exec", "__import__", "globals", "vars"})
UNREADABLE = "cannot be read without running it"


@dataclass(frozen=True, slots=True)
class Revision:
    """One file: its names in Alembic's graph, why it may take something away ("" unless it says so), what it does."""

    file: Path
    name: str
    parents: tuple[str, ...]
    contract: str
    harm: tuple[tuple[int, str], ...]


class Migrations:
    """Fills ports.Migrations for the tree at `root`."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def harm(self, since: str) -> tuple[Harm, ...]:
        """What the revisions after `since` do to the release that is live, those with a contract included.

        All revisions count when `since` is "" or none of them: what the live release needs is not known then.
        Raises GateFailed when a file is no Alembic revision.
        """
        files = sorted((self._root / FOLDER).glob("*.py"))
        revisions = {revision.name: revision for revision in map(self._read, files)}
        known = _with_parents(since, revisions)
        return tuple(
            Harm(str(revision.file), line, what, revision.contract)
            for name, revision in revisions.items()
            if name not in known
            for line, what in revision.harm
        )

    def _read(self, file: Path) -> Revision:
        place = file.relative_to(self._root)
        try:
            return read(place, file.read_text(encoding="utf-8"))
        except (SyntaxError, ValueError) as error:
            raise GateFailed("read the migrations", f"{place}: {error}", "mend the file, then deploy again") from error


def _with_parents(name: str, revisions: Mapping[str, Revision]) -> set[str]:
    found: set[str] = set()
    open_ = [name]
    while open_:
        one = open_.pop()
        if one in revisions and one not in found:
            found.add(one)
            open_ += revisions[one].parents
    return found


def read(file: Path, text: str) -> Revision:
    """Read one revision. Raises ValueError when it does not say its name, SyntaxError when it is no Python."""
    tree = ast.parse(text)
    constants = _constants(tree)
    name = constants.get("revision")
    if not isinstance(name, str) or not name:
        raise ValueError('no `revision = "…"` at its top level')
    contract = constants.get("contract")
    why = contract.strip() if isinstance(contract, str) else ""
    return Revision(file, name, tuple(_parents(constants)), why, tuple(_judged(tree, constants)))


def _parents(constants: Mapping[str, object]) -> Iterator[str]:
    for key in ("down_revision", "depends_on"):
        value = constants.get(key)
        yield from map(str, value if isinstance(value, tuple | list) else filter(None, [value]))


def _constants(tree: ast.Module) -> Mapping[str, object]:
    """Names that are given a literal at top level, and once only."""
    found: dict[str, object] = {}
    for node in tree.body:
        if isinstance(node, ast.Assign):
            targets, value = node.targets, node.value
        elif isinstance(node, ast.AnnAssign) and node.value is not None:
            targets, value = [node.target], node.value
        else:
            continue
        for target in targets:
            pairs = [(target, value)]
            if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
                pairs = list(zip(target.elts, value.elts, strict=False))
            for one, of in pairs:
                if isinstance(one, ast.Name):
                    found[one.id] = _literal(of) if one.id not in found else None
    return found


def _literal(node: ast.expr) -> object:
    try:
        return ast.literal_eval(node)
    except ValueError:
        return None


def _judged(tree: ast.Module, constants: Mapping[str, object]) -> Iterator[tuple[int, str]]:
    """Look at everything but `downgrade`, which only developers run."""
    judge = _Judge(constants)
    for node in tree.body:
        if not (isinstance(node, ast.FunctionDef) and node.name == "downgrade"):
            judge.visit(node)
    yield from sorted(set(judge.found))


class _Judge(ast.NodeVisitor):
    """Finds what harms, by the names of methods: `op` may be called anything."""

    def __init__(self, constants: Mapping[str, object]) -> None:
        self._constants = constants
        self._called: set[int] = set()
        self.found: list[tuple[int, str]] = []

    def _say(self, node: ast.AST, what: str) -> None:
        self.found.append((getattr(node, "lineno", 0), what))

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            if alias.name.partition(".")[0] not in READ:
                self._say(node, f"imports {alias.name}, which is not looked into")

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        if node.level or (node.module or "").partition(".")[0] not in READ:
            self._say(node, f"imports from {node.module or '.'}, which is not looked into")

    def visit_Name(self, node: ast.Name) -> None:
        if node.id in HIDES:
            self._say(node, f"{node.id}: {UNREADABLE}")

    def visit_Call(self, node: ast.Call) -> None:
        if isinstance(node.func, ast.Attribute):
            self._called.add(id(node.func))
            self._call(node, node.func)
        self.generic_visit(node)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        name = node.attr
        if name in HARMFUL:
            self._say(node, HARMFUL[name])
        elif name in SQL | {"alter_column", "add_column"} and id(node) not in self._called:
            self._say(node, f"{name}: {UNREADABLE}")
        elif _name(node.value) == "op" and name not in HARMLESS | SQL | {"alter_column", "add_column"}:
            self._say(node, f"op.{name} is not known to be harmless")
        self.generic_visit(node)

    def _call(self, node: ast.Call, function: ast.Attribute) -> None:
        if function.attr in SQL:
            from deployer.tools.schema_sql import harms  # its patterns take 5 ms, and few commands read migrations

            sql = self._text(node.args[0]) if node.args else None
            for what in [UNREADABLE] if sql is None else harms(sql):
                self._say(node, f"SQL {what}")
        elif function.attr == "alter_column":
            for what in _altered(node):
                self._say(node, what)
        elif function.attr == "add_column":
            self._added(node)

    def _text(self, node: ast.expr) -> str | None:
        """The SQL of an argument: a literal, a name of one at top level, or either within `text(…)`."""
        if isinstance(node, ast.Call) and len(node.args) == 1 and _name(node.func) in ("text", "DDL"):
            return self._text(node.args[0])
        value = self._constants.get(node.id) if isinstance(node, ast.Name) else _literal(node)
        return value if isinstance(value, str) else None

    def _added(self, node: ast.Call) -> None:
        columns = [one for one in [*node.args, *(k.value for k in node.keywords)] if isinstance(one, ast.Call)]
        if len(columns) != 1 or _name(columns[0].func) != "Column" or _spreads(columns[0]) or _spreads(node):
            self._say(node, f"add_column: {UNREADABLE}")
            return
        options = {k.arg: k.value for k in columns[0].keywords}
        demanded = _literal(options.get("nullable", ast.Constant(True))) is not True
        given = _literal(options.get("server_default", ast.Constant(None))) is not None or isinstance(
            options.get("server_default"), ast.Call
        )
        if demanded and not given:
            self._say(node, "adds a column NOT NULL without a default")
        if "unique" in options or "primary_key" in options:
            self._say(node, "adds a rule that the live release does not know")


def _altered(node: ast.Call) -> Iterator[str]:
    options = {k.arg: k.value for k in node.keywords}
    if _spreads(node):
        yield f"alter_column: {UNREADABLE}"
    if "new_column_name" in options or "name" in options:
        yield "renames a column"
    if "type_" in options:
        yield "changes the type of a column"
    default = options.get("server_default")
    given = default is not None and not (isinstance(default, ast.Constant) and default.value in (None, False))
    if "nullable" in options and _literal(options["nullable"]) is not True and not given:
        yield "makes a column NOT NULL"
    if default is not None and not given:
        yield "drops a default"


def _spreads(node: ast.Call) -> bool:
    return any(isinstance(one, ast.Starred) for one in node.args) or any(k.arg is None for k in node.keywords)


def _name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
