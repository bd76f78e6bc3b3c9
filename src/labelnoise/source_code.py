"""The identity of a user's code: a class or function and what it uses, not the file around it.

The hash covers the definition, the definitions, constants and imports of its file that it uses, directly or not, and
the same of other files in the working folder from which it imports. Comments, docstrings, formatting and unused
definitions do not count. Statements that act when the file is imported always count.
"""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from labelnoise.files import canonical_hash, is_file

# Code that uses one of these may reach any name, so then the whole file counts.
_REACHES_ANYTHING = {"eval", "exec", "globals", "vars", "__import__", "importlib", "sys"}

_NEVER_ON_IMPORT = {"__name__ == '__main__'", "TYPE_CHECKING", "typing.TYPE_CHECKING"}


def code_hash(file: Path, name: str) -> str:
    """A short hash of the definition `name` in the file and of everything that it uses."""
    used: dict[str, list[Any]] = {}
    _collect(file, {name}, used, set())
    return canonical_hash(used, digits=16)


def _collect(file: Path, names: set[str] | None, used: dict[str, list[Any]], seen: set[tuple[Path, str]]) -> None:
    """Add the statements of the file that define or use `names` (None: all statements) to `used`, by file."""
    statements = _statements(file.read_text(encoding="utf-8"))
    chosen = _needed(statements, names)
    if names is not None and any(_names_in(statements[i]) & _REACHES_ANYTHING for i in chosen):
        chosen = set(range(len(statements)))
    key = file.as_posix()
    present = used.setdefault(key, [])
    present += [code for i in sorted(chosen) if (code := _canonical(statements[i])) not in present]
    for i in sorted(chosen):
        for other, wanted in _local_imports(statements[i]):
            mark = (other, ",".join(sorted(wanted)) if wanted else "*")
            if mark not in seen:
                seen.add(mark)
                _collect(other, wanted, used, seen)


@functools.lru_cache(maxsize=64)
def _statements(text: str) -> list[ast.stmt]:
    return [statement for statement in ast.parse(text).body if not _is_ignored(statement)]


def _is_ignored(statement: ast.stmt) -> bool:
    """Docstrings, and code that never runs on import: for scripts or type checkers, without an `else`."""
    if isinstance(statement, ast.If) and not statement.orelse:
        return ast.unparse(statement.test) in _NEVER_ON_IMPORT
    return _is_docstring(statement)


def _is_docstring(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _needed(statements: list[ast.stmt], names: set[str] | None) -> set[int]:
    """The indices of the statements that always count, bind one of the names, or are used by such statements."""
    if names is None:
        return set(range(len(statements)))
    bound = [_bound_by(statement) for statement in statements]
    chosen: set[int] = set()
    wanted = set(names)
    while new := {i for i, binds in enumerate(bound) if i not in chosen and (binds is None or binds & wanted)}:
        chosen |= new
        for i in new:
            wanted |= _names_in(statements[i])
    return chosen


def _bound_by(statement: ast.stmt) -> set[str] | None:
    """The names that a definition, import or assignment binds; None for a statement that acts."""
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {statement.name}
    if isinstance(statement, ast.Import | ast.ImportFrom):
        bound = {(alias.asname or alias.name).split(".")[0] for alias in statement.names}
        return None if "*" in bound else bound
    targets: list[ast.expr] = []
    if isinstance(statement, ast.Assign):
        targets = statement.targets
    elif isinstance(statement, ast.AnnAssign | ast.AugAssign):
        targets = [statement.target]
    flat = [entry for target in targets for entry in (target.elts if isinstance(target, ast.Tuple) else [target])]
    names = {entry.id for entry in flat if isinstance(entry, ast.Name)}
    return names if flat and len(names) == len(flat) else None


def _names_in(statement: ast.stmt) -> set[str]:
    return {node.id for node in ast.walk(statement) if isinstance(node, ast.Name)}


def _local_imports(statement: ast.stmt) -> Iterator[tuple[Path, set[str] | None]]:
    """Yield the files in the working folder that the statement imports, and the names it takes (None: the module)."""
    for node in ast.walk(statement):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if file := _file_of(alias.name):
                    yield file, None
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = {alias.name for alias in node.names}
            for name in sorted(names):
                if file := _file_of(f"{node.module}.{name}"):
                    yield file, None
                    names.discard(name)
            if names and (file := _file_of(node.module)):
                yield file, None if "*" in names else names


def _file_of(module: str) -> Path | None:
    """The file of a module in the working folder; None for installed ones."""
    stem = Path(*module.split("."))
    return next((file for file in (stem.with_suffix(".py"), stem / "__init__.py") if is_file(file)), None)


def _canonical(node: Any) -> Any:
    """The syntax tree as plain values, without positions and docstrings; the same in every version of Python."""
    if isinstance(node, list):
        return [_canonical(entry) for entry in node]
    if not isinstance(node, ast.AST):
        return f"{type(node).__name__} {node!r}"
    fields = {
        name: value
        for name, value in ast.iter_fields(node)
        if value is not None and value != [] and name not in ("ctx", "kind", "type_comment")
    }
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        fields["body"] = [part for part in node.body if not _is_docstring(part)]
    return [type(node).__name__, {name: _canonical(value) for name, value in fields.items()}]
