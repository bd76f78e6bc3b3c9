"""A user's own loss, model, augmentation or noise, named in config.yaml as `target: my_module:Name`.

Checking parses the file with `ast` and runs nothing; only a job, and `plan` to try it, import it.
"""

from __future__ import annotations

import ast
import importlib.util
import inspect
import math
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labelnoise.errors import UserError, unknown
from labelnoise.files import is_file
from labelnoise.source_code import code_hash

_FORM = re.compile(r"(?P<module>[A-Za-z_]\w*(\.[A-Za-z_]\w*)*):(?P<attribute>[A-Za-z_]\w*)")


@dataclass(frozen=True)
class Target:
    """A class or function in a Python file in the working folder."""

    name: str
    file: Path
    attribute: str


def find(name: object) -> Target:
    """Find the target's file, relative to the working folder; raises `UserError` if it does not exist."""
    match = _FORM.fullmatch(name) if isinstance(name, str) else None
    if not match:
        raise UserError(f"target must be module:Name, such as my_losses:MyLoss; got {name!r}")
    file = Path(*match["module"].split(".")).with_suffix(".py")
    if not is_file(file):
        raise UserError(f"target {name!r}: there is no file {file} in the working folder {Path.cwd()}")
    return Target(match[0], file, match["attribute"])


def resolve(
    name: object, params: Mapping[str, Any], *, supplied: Sequence[str] = (), positional: int = 0
) -> dict[str, Any]:
    """The target's part of a trial's spec: name, target, a hash of its code (see `source_code`) and parameters.

    It is called with the parameters, with those of the `supplied` keywords that it takes, and after `positional`
    positional arguments. Raises `UserError` if it does not exist or does not take these parameters.
    """
    target = find(name)
    for key, value in params.items():
        if not _is_plain(value):
            raise UserError(f"{key}: must be a finite number, text, true, false, null or a list of them, got {value!r}")
    _check(target, params, supplied, positional)
    return {
        "name": target.attribute,
        "target": target.name,
        "code": code_hash(target.file, target.attribute),
        "params": dict(params),
    }


def is_target(value: object) -> bool:
    """Whether a value of a spec or a config names a target."""
    return isinstance(value, Mapping) and "target" in value


def text(spec: Mapping[str, Any]) -> str:
    """`Net width=32`, for labels and captions."""
    return " ".join([spec["name"], *(f"{key}={value}" for key, value in spec["params"].items())])


def label(value: str | Mapping[str, Any]) -> str:
    """The name of a catalogue entry, or the text of a user's own."""
    return value if isinstance(value, str) else text(value)


def load(spec: Mapping[str, Any]) -> Any:
    """The class or function of a spec, which runs the user's file.

    Raises `UserError` if its code has changed since the spec was made.
    """
    target = find(spec["target"])
    if code_hash(target.file, target.attribute) != spec["code"]:
        raise UserError(f"{target.file} changed after this trial was planned; run snakemake again")
    module_spec = importlib.util.spec_from_file_location(target.file.stem, target.file)
    if module_spec is None or module_spec.loader is None:
        raise UserError(f"{target.file} is not a Python file that can be imported")
    module = importlib.util.module_from_spec(module_spec)
    sys.modules[module_spec.name] = module  # dataclasses and pickle look up a class's module here
    module_spec.loader.exec_module(module)
    return getattr(module, target.attribute)


def create(spec: Mapping[str, Any], **supplied: Any) -> Any:
    """Call the target with its parameters and those of the `supplied` keywords that it takes."""
    target = load(spec)
    signature = inspect.signature(target).parameters
    taken = {key: value for key, value in supplied.items() if key in signature}
    return target(**taken | dict(spec["params"]))


def _is_plain(value: Any) -> bool:
    if isinstance(value, list):
        return all(_is_plain(entry) for entry in value)
    is_finite = isinstance(value, float) and math.isfinite(value)
    return value is None or isinstance(value, bool | int | str) or is_finite


def _check(target: Target, params: Mapping[str, Any], supplied: Sequence[str], positional: int) -> None:
    try:
        tree = ast.parse(target.file.read_text(encoding="utf-8"))
    except SyntaxError as error:
        raise UserError(f"target {target.name!r}: {target.file}, line {error.lineno}: {error.msg}") from None
    classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
    functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    if target.attribute not in classes | functions:
        known = list(functions if positional else classes | functions)
        what = "function" if positional else "class"
        raise UserError(f"target {target.name!r}: {unknown(f'{what} of {target.file}', target.attribute, known)}")
    signature: _Signature | None
    if target.attribute in functions:
        signature = _signature_of(functions[target.attribute], skip=positional)
    else:
        signature = _signature_of_class(classes[target.attribute], classes)
    if signature is None:
        return  # inherited from another module, so known only on import
    accepted, required = signature
    for key in params:
        if key in supplied:
            raise UserError(f"target {target.name!r}: {key} is set by labelnoise; leave it out")
        if accepted == []:
            raise UserError(f"target {target.name!r} takes no parameters, so not {key}")
        if accepted is not None and key not in accepted:
            allowed = [name for name in accepted if name not in supplied]
            raise UserError(f"target {target.name!r}: {unknown('parameter', key, allowed)}")
    if missing := [name for name in required if name not in params and name not in supplied]:
        raise UserError(f"target {target.name!r} needs a value for: {', '.join(missing)}")


# (accepted parameters, None for any; parameters without a default)
_Signature = tuple[list[str] | None, list[str]]


def _signature_of_class(cls: ast.ClassDef, classes: Mapping[str, ast.ClassDef]) -> _Signature | None:
    """The parameters of the class, from its `__init__`, its fields or a base in the file; None if not visible there."""
    for node in cls.body:
        if isinstance(node, ast.FunctionDef) and node.name == "__init__":
            return _signature_of(node, skip=1)
    if any(_name(decorator) == "dataclass" for decorator in cls.decorator_list):
        return _signature_of_fields(cls)
    inside = [classes[name] for base in cls.bases if (name := _name(base)) in classes]
    for base in inside:
        if (inherited := _signature_of_class(base, classes)) is not None:
            return inherited
    outside = [_name(base) for base in cls.bases if _name(base) not in classes]
    return ([], []) if outside in ([], ["Module"], ["object"]) else None


def _name(node: ast.expr) -> str:
    """`Module` of `nn.Module`, `dataclass` of `@dataclasses.dataclass(eq=False)`."""
    if isinstance(node, ast.Call):
        return _name(node.func)
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def _signature_of(function: ast.FunctionDef, *, skip: int) -> _Signature:
    positional = [arg.arg for arg in (*function.args.posonlyargs, *function.args.args)]
    required = positional[: len(positional) - len(function.args.defaults)][skip:]
    keyword = [arg.arg for arg in function.args.kwonlyargs]
    required += [name for name, default in zip(keyword, function.args.kw_defaults, strict=True) if default is None]
    return (None if function.args.kwarg else positional[skip:] + keyword), required


def _signature_of_fields(cls: ast.ClassDef) -> _Signature:
    fields = {
        node.target.id: node.value is not None
        for node in cls.body
        if isinstance(node, ast.AnnAssign)
        and isinstance(node.target, ast.Name)
        and _name(node.annotation) != "ClassVar"
    }
    return list(fields), [name for name, has_default in fields.items() if not has_default]
