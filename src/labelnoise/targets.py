"""A user's own loss, named in config.yaml as `target: my_module:MyLoss`.

Checking reads the file (by `ast`) and runs nothing; only a trial imports it.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labelnoise.errors import UserError, unknown

_FORM = re.compile(r"(?P<module>[A-Za-z_]\w*(\.[A-Za-z_]\w*)*):(?P<cls>[A-Za-z_]\w*)")


@dataclass(frozen=True)
class Target:
    """A class in a Python file beside the config (or in the working folder)."""

    name: str
    file: Path
    cls: str

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.file.read_bytes()).hexdigest()


def find(name: str) -> Target:
    """The target's file, relative to the working folder; `UserError` when there is none."""
    match = _FORM.fullmatch(name)
    if not match:
        raise UserError(f"target must read module:Class, such as my_losses:MyLoss; got {name!r}")
    file = Path(*match["module"].split(".")).with_suffix(".py")
    if not file.is_file():
        raise UserError(f"target {name!r}: there is no file {file} in the working folder {Path.cwd()}")
    return Target(name, file, match["cls"])


def check(target: Target, params: Mapping[str, Any]) -> None:
    """`UserError` when the class is missing, or its `__init__` does not take these parameters."""
    try:
        tree = ast.parse(target.file.read_text(encoding="utf-8"))
    except SyntaxError as error:
        raise UserError(f"target {target.name!r}: {target.file}, line {error.lineno}: {error.msg}") from None
    classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
    if target.cls not in classes:
        raise UserError(f"target {target.name!r}: {unknown(f'class of {target.file}', target.cls, classes)}")
    init = _init(classes[target.cls], classes)
    if init is None:
        if params:
            raise UserError(f"target {target.name!r} has no __init__ of its own, so it takes no parameters")
        return
    taken = [arg.arg for arg in (*init.args.posonlyargs, *init.args.args, *init.args.kwonlyargs)][1:]
    for key in params:
        if key not in taken and init.args.kwarg is None:
            allowed = [arg for arg in taken if arg != "num_classes"]
            raise UserError(f"target {target.name!r}: {unknown('parameter', key, allowed)}")
    missing = [arg for arg in _required(init) if arg not in params and arg != "num_classes"]
    if missing:
        raise UserError(f"target {target.name!r} needs a value for: {', '.join(missing)}")


def load(target: Target, params: Mapping[str, Any], *, num_classes: int) -> Any:
    """An instance of the class (this runs the user's file). `num_classes` is passed where `__init__` takes it."""
    import inspect

    spec = importlib.util.spec_from_file_location(target.file.stem, target.file)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # where dataclasses and pickle look a class's module up
    spec.loader.exec_module(module)
    cls = getattr(module, target.cls)
    wants = inspect.signature(cls).parameters
    given = {"num_classes": num_classes, **params} if "num_classes" in wants else dict(params)
    return cls(**given)


def _init(cls: ast.ClassDef, classes: Mapping[str, ast.ClassDef]) -> ast.FunctionDef | None:
    """The class's `__init__`, its own or that of a base in the same file."""
    for node in cls.body:
        if isinstance(node, ast.FunctionDef) and node.name == "__init__":
            return node
    bases = (base.id for base in cls.bases if isinstance(base, ast.Name) and base.id in classes)
    return next((init for base in bases if (init := _init(classes[base], classes))), None)


def _required(init: ast.FunctionDef) -> list[str]:
    positional = [arg.arg for arg in (*init.args.posonlyargs, *init.args.args)][1:]
    plain = positional[: len(positional) - len(init.args.defaults)]
    keyword = zip(init.args.kwonlyargs, init.args.kw_defaults, strict=True)
    return plain + [arg.arg for arg, default in keyword if default is None]
