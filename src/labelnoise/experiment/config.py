"""What may stand in config.yaml, checked key by key. Every mistake is one message: place, what is allowed, remedy."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from labelnoise.errors import UserError, unknown
from labelnoise.experiment.source import Place, Source


def _listed(value: Any) -> Any:
    """A single value where a list may stand."""
    return value if isinstance(value, list) else [value]


def _named(key: str):
    """A bare name where an entry with settings may stand: `CE` for `{loss: CE}`."""
    return BeforeValidator(lambda value: {key: value} if isinstance(value, str) else value)


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


def _expanded(value: Any) -> Any:
    """`~` and `$HOME` in a path, as a shell has them."""
    return str(Path(os.path.expandvars(value)).expanduser()) if isinstance(value, str) and value else value


Label = Annotated[str, Field(max_length=60)]
PathText = Annotated[str, Field(min_length=1), BeforeValidator(_expanded)]
SplitName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")]


class DatasetEntry(_Strict):
    """`cifar10`, `{name: webvision_mini, path: /data/webvision}`, `{name: mine, arrays: my.npz, like: cifar10}`."""

    name: str
    path: PathText | None = None
    arrays: PathText | None = None
    image_folder: PathText | None = None
    like: str | None = None
    labels: Literal["given"] | None = None
    splits: Annotated[list[SplitName], Field(min_length=2)] | None = None


class NoiseEntry(_Strict):
    """`clean`, `{kind: symmetric, rate: [0.2, 0.4]}`, `{kind: asymmetric, rate: 0.4, map: {cat: dog}}`."""

    kind: str
    rate: Annotated[list[Annotated[float, Field(ge=0, lt=1)]], BeforeValidator(_listed), Field(min_length=1)] | None = (
        None
    )
    variant: Annotated[list[str], BeforeValidator(_listed), Field(min_length=1)] | None = None
    map: dict[Any, Any] | None = None
    matrix: list[Any] | PathText | None = None
    path: PathText | None = None
    column: str | None = None
    label: Label | None = None


class LossEntry(BaseModel):
    """`CE`, `{loss: AGCE, q: 2, label: …, train: {…}}`, `{target: my_module:MyLoss, …}`; other keys are parameters."""

    model_config = ConfigDict(extra="allow", strict=True, frozen=True)

    loss: str | None = None
    target: str | None = None
    label: Label | None = None
    train: dict[str, Any] = {}

    @property
    def parameters(self) -> dict[str, Any]:
        return dict(self.model_extra or {})


class PresetRef(_Strict):
    """A set of published hyper-parameters, and the data set to take them from when it is not the trial's own."""

    name: str
    dataset: str | None = None


class Only(_Strict):
    """A subset to run and show; changes no trial's identity."""

    datasets: Annotated[list[str], Field(min_length=1)] | None = None
    noise: Annotated[list[str], Field(min_length=1)] | None = None
    losses: Annotated[list[str], Field(min_length=1)] | None = None
    seeds: Annotated[list[int], Field(min_length=1)] | None = None


class Run(_Strict):
    """How trials are run; changes no trial's identity. See `labelnoise.training.options`."""

    checkpoint_minutes: Annotated[float, Field(ge=0)] | None = None
    checkpoint_epochs: Annotated[int, Field(ge=1)] | None = None
    keep: Annotated[list[Literal["weights", "features", "checkpoint"]], BeforeValidator(_listed)] = []
    snapshots: Annotated[list[Annotated[int, Field(ge=1)]], BeforeValidator(_listed)] = []
    deterministic: bool = False

    @property
    def arguments(self) -> list[str]:
        """For `labelnoise train`: those that are given."""
        found: list[str] = []
        for name, value in self:
            if isinstance(value, list):
                found += [_option(name), *map(str, value)] if value else []
            elif value not in (None, False):
                found += [_option(name), *([] if value is True else [f"{value:g}"])]
        return found


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"


Seed = Annotated[int, Field(ge=0, lt=2**32)]


class Config(_Strict):
    """A whole experiment file."""

    datasets: Annotated[list[Annotated[DatasetEntry, _named("name")]], Field(min_length=1)]
    noise: Annotated[list[Annotated[NoiseEntry, _named("kind")]], Field(min_length=1)]
    losses: Annotated[list[Annotated[LossEntry, _named("loss")]], Field(min_length=1)]
    seeds: Annotated[list[Seed], Field(min_length=1)]
    noise_seed: Literal["same"] | Seed = "same"
    preset: Annotated[PresetRef, _named("name")] | None = None
    train: dict[str, Any] = {}
    only: Only = Only()
    run: Run = Run()
    highlight: Literal["best_second", "top2", "top3"] = "best_second"
    retry_failed: bool = True
    on_code_change: Literal["keep", "retrain"] = "keep"


# What every format can print: matplotlib reads $ as mathematics and hides a label with a leading underscore.
_LABEL = re.compile(r"(?![_ ])[^\x00-\x1f\x7f$\\|]+(?<! )")


def check_label(label: str) -> None:
    """`EntryError` unless the label can stand in tables and figures."""
    if not _LABEL.fullmatch(label):
        raise EntryError(
            f"the label {label!r} cannot stand in tables and figures; use no $, \\, | or line break, no space at its "
            "ends, no underscore at its beginning"
        )


class EntryError(UserError):
    """A mistake in an entry of a list; `key` is the entry's key that it stands at, None for the whole entry."""

    def __init__(self, message: str, key: str | None = None):
        super().__init__(message)
        self.key = key

    def place(self, entry: Place) -> Place:
        return entry if self.key is None else (*entry, self.key)


class Problems:
    """Mistakes found so far; `raise_any` turns them into one `UserError`, a line each."""

    def __init__(self, source: Source):
        self.source = source
        self.lines: list[str] = []

    def add(self, place: Place, message: object) -> None:
        line = f"{self.source.where(place)}: {message}"
        if line not in self.lines:
            self.lines.append(line)

    def raise_any(self) -> None:
        if self.lines:
            raise UserError("\n".join(self.lines))


def validate(source: Source) -> Config:
    """The config with every key and type checked; `UserError` listing all mistakes. Names are checked on expansion."""
    problems = Problems(source)
    if not isinstance(source.values, dict):
        kind = "is empty" if source.values is None else f"is a {type(source.values).__name__}"
        problems.add(
            (),
            f"the config {kind}; it must be keys and values, as in the config.yaml that comes with labelnoise",
        )
        problems.raise_any()
    try:
        return Config.model_validate(source.values)
    except ValidationError as error:
        for detail in error.errors():
            place, message = _explain(detail)
            problems.add(place, message)
        problems.raise_any()
        raise


_FIELDS: dict[str, list[str]] = {
    "": list(Config.model_fields),
    "datasets": list(DatasetEntry.model_fields),
    "noise": list(NoiseEntry.model_fields),
    "preset": list(PresetRef.model_fields),
    "only": list(Only.model_fields),
    "run": list(Run.model_fields),
}

_TYPES = {
    "string_type": "text",
    "int_type": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "list_type": "a list",
    "dict_type": "keys and values",
}


def _explain(detail: Any) -> tuple[Place, str]:
    """A pydantic error as (place, message). Steps of its path that name a union's branch are no part of the place."""
    branches = ("literal[", "constrained", "list[", "function-")
    steps = (step for step in detail["loc"] if isinstance(step, int) or not step.startswith(branches))
    place = tuple(step for step in steps if step != "int")
    kind, given = detail["type"], detail["input"]
    if kind == "extra_forbidden":
        options = _FIELDS["" if len(place) == 1 else str(place[0])]
        return place, unknown("key", place[-1], options)
    if kind == "missing":
        return place, "this key is missing"
    if place and place[-1] == "noise_seed":
        return place, f"must be `same` or a whole number ≥ 0, got {given!r}"
    if kind.startswith("model_"):
        named = place[0] in ("datasets", "noise", "losses", "preset")
        return place, f"must be {'a name, or ' if named else ''}keys and values, got {given!r}"
    if kind in _TYPES:
        return place, f"must be {_TYPES[kind]}, got {given!r}"
    if kind == "literal_error":
        options = [option.strip("'") for option in detail["ctx"]["expected"].replace(" or ", ", ").split(", ")]
        return place, unknown("value", given, options)
    if kind == "string_too_short":
        return place, "it is empty"
    if kind == "too_short":
        return place, "the list is empty; give at least one entry, or leave the key out"
    bounds = {"greater_than_equal": ("≥", "ge"), "less_than": ("<", "lt"), "greater_than": (">", "gt")}
    if kind in bounds:
        if len(place) > 1 and place[0] == "noise":
            return place, f"a noise rate must lie in [0, 1), got {given!r}"
        sign, key = bounds[kind]
        return place, f"must be {sign} {detail['ctx'][key]}, got {given!r}"
    return place, f"{detail['msg']}, got {given!r}"


def experiment_name(file: Path) -> str | None:
    """The name under which products lie: none for ./config.yaml, else the file's stem; `UserError` if unusable."""
    if file.resolve() == Path("config.yaml").resolve():
        return None
    stem = file.stem
    if not re.fullmatch(r"[A-Za-z0-9_-][A-Za-z0-9_.-]*", stem):
        raise UserError(
            f"{file}: the file's name becomes a folder in results/experiments: use letters, digits, - _ and ."
        )
    return stem
