"""A user's own loss, named in config.yaml as `target: my_module:MyLoss`.

Checking parses the file with `ast` and runs nothing; only a trial, and `plan` to test the loss, import it.
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
from labelnoise.files import is_file

_FORM = re.compile(r"(?P<module>[A-Za-z_]\w*(\.[A-Za-z_]\w*)*):(?P<cls>[A-Za-z_]\w*)")


@dataclass(frozen=True)
class UserLoss:
    """A loss class in a Python file in the working folder."""

    name: str
    file: Path
    cls: str

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.file.read_bytes()).hexdigest()


def find(name: str) -> UserLoss:
    """Find the target's file, relative to the working folder; raises `UserError` if it does not exist."""
    match = _FORM.fullmatch(name)
    if not match:
        raise UserError(f"target must be module:Class, such as my_losses:MyLoss; got {name!r}")
    file = Path(*match["module"].split(".")).with_suffix(".py")
    if not is_file(file):
        raise UserError(f"target {name!r}: there is no file {file} in the working folder {Path.cwd()}")
    return UserLoss(name, file, match["cls"])


def check(loss: UserLoss, params: Mapping[str, Any]) -> None:
    """Raise `UserError` if the class is missing or its `__init__` does not take these parameters."""
    try:
        tree = ast.parse(loss.file.read_text(encoding="utf-8"))
    except SyntaxError as error:
        raise UserError(f"target {loss.name!r}: {loss.file}, line {error.lineno}: {error.msg}") from None
    classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
    if loss.cls not in classes:
        raise UserError(f"target {loss.name!r}: {unknown(f'class of {loss.file}', loss.cls, classes)}")
    signature = _signature(classes[loss.cls], classes)
    if signature is None:
        return  # inherited from another module, so known only on import
    accepted, required = signature
    for key in params:
        if accepted == []:
            raise UserError(f"target {loss.name!r} has no __init__, so it takes no parameters")
        if accepted is not None and key not in accepted:
            allowed = [name for name in accepted if name != "num_classes"]
            raise UserError(f"target {loss.name!r}: {unknown('parameter', key, allowed)}")
    missing = [name for name in required if name not in params and name != "num_classes"]
    if missing:
        raise UserError(f"target {loss.name!r} needs a value for: {', '.join(missing)}")


def load(loss: UserLoss, params: Mapping[str, Any], *, num_classes: int) -> Any:
    """Instantiate the class, which runs the user's file. `num_classes` is passed if `__init__` takes it."""
    import inspect

    spec = importlib.util.spec_from_file_location(loss.file.stem, loss.file)
    if spec is None or spec.loader is None:
        raise UserError(f"{loss.file} is not a Python file that can be imported")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses and pickle look up a class's module here
    spec.loader.exec_module(module)
    cls = getattr(module, loss.cls)
    accepted = inspect.signature(cls).parameters
    arguments = {"num_classes": num_classes, **params} if "num_classes" in accepted else dict(params)
    return cls(**arguments)


# (accepted parameters, None for any; parameters without a default)
_Signature = tuple[list[str] | None, list[str]]


def _signature(cls: ast.ClassDef, classes: Mapping[str, ast.ClassDef]) -> _Signature | None:
    """The parameters of the class, from its `__init__`, its fields or a base in the file; None if not visible there."""
    for node in cls.body:
        if isinstance(node, ast.FunctionDef) and node.name == "__init__":
            return _init_signature(node)
    if any(_name(decorator) == "dataclass" for decorator in cls.decorator_list):
        return _field_signature(cls)
    inside = [classes[name] for base in cls.bases if (name := _name(base)) in classes]
    for base in inside:
        if (inherited := _signature(base, classes)) is not None:
            return inherited
    outside = [_name(base) for base in cls.bases if _name(base) not in classes]
    return ([], []) if outside in ([], ["Module"], ["object"]) else None


def _name(node: ast.expr) -> str:
    """`Module` of `nn.Module`, `dataclass` of `@dataclasses.dataclass(eq=False)`."""
    if isinstance(node, ast.Call):
        return _name(node.func)
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def _init_signature(init: ast.FunctionDef) -> _Signature:
    positional = [arg.arg for arg in (*init.args.posonlyargs, *init.args.args)][1:]
    keyword = [arg.arg for arg in init.args.kwonlyargs]
    required = positional[: len(positional) - len(init.args.defaults)]
    required += [name for name, default in zip(keyword, init.args.kw_defaults, strict=True) if default is None]
    return (None if init.args.kwarg else positional + keyword), required


def _field_signature(cls: ast.ClassDef) -> _Signature:
    fields = {
        node.target.id: node.value is not None
        for node in cls.body
        if isinstance(node, ast.AnnAssign)
        and isinstance(node.target, ast.Name)
        and _name(node.annotation) != "ClassVar"
    }
    return list(fields), [name for name, has_default in fields.items() if not has_default]
