"""The schema of config.yaml. Each mistake becomes one message: where it is, what is allowed, and how to fix it."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, Tag, ValidationError, create_model

from labelnoise.errors import UserError, unknown
from labelnoise.experiment.config_file import ConfigFile, KeyPath
from labelnoise.manifest import EXTRA_FIGURES, MOST_LOSSES
from labelnoise.published.numbers import TRIALS
from labelnoise.training.options import RunOptions, declared, list_fields


def _as_list(value: Any) -> Any:
    """Accept a single value in place of a list."""
    return value if isinstance(value, list) else [value]


def _from_name(key: str) -> BeforeValidator:
    """Accept a bare name in place of an entry with settings: `CE` for `{loss: CE}`."""
    return BeforeValidator(lambda value: {key: value} if isinstance(value, str) else value)


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


def _expand_path(value: Any) -> Any:
    """Expand `~` and `$HOME` in a path, as a shell does."""
    return str(Path(os.path.expandvars(value)).expanduser()) if isinstance(value, str) and value else value


Label = Annotated[str, Field(max_length=60)]
PathText = Annotated[str, Field(min_length=1), BeforeValidator(_expand_path)]
SplitName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")]


class DatasetEntry(_Strict):
    """`cifar10`, `{name: webvision_mini, path: /data/webvision}`, `{name: mine, arrays: my.npz, like: cifar10}`."""

    name: str
    path: PathText | None = None
    arrays: PathText | None = None
    image_folder: PathText | None = None
    like: str | None = None
    labels: Literal["given"] | None = None
    test_labels: Literal["given"] | None = None
    splits: Annotated[list[SplitName], Field(min_length=1)] | None = None


Seed = Annotated[int, Field(ge=0, lt=2**32)]
OneRate = Annotated[float, Field(ge=0, lt=1)]
# The tags begin with "constrained", so that `_explain` leaves them out of places.
RateEntry = Annotated[
    Annotated[OneRate, Tag("constrained-rate")] | Annotated[dict[Any, OneRate], Tag("constrained-rates")],
    Discriminator(lambda value: "constrained-rates" if isinstance(value, dict) else "constrained-rate"),
]


class NoiseEntry(BaseModel):
    """`clean`, `{kind: symmetric, rate: [0.2, 0.4]}`, `{kind: asymmetric, rate: 0.4, map: {cat: dog}}`.

    `{target: my_noise:fn, …}` is a function of the user's own; other keys are its parameters. `seed` is for `parts`.
    """

    model_config = ConfigDict(extra="allow", strict=True, frozen=True)

    kind: str | None = None
    target: str | None = None
    parts: Annotated[list[Annotated[NoiseEntry, _from_name("kind")]], Field(min_length=2)] | None = None
    seed: Seed | None = None
    rate: Annotated[list[RateEntry], BeforeValidator(_as_list), Field(min_length=1)] | None = None
    variant: Annotated[list[str], BeforeValidator(_as_list), Field(min_length=1)] | None = None
    map: dict[Any, Any] | None = None
    matrix: list[Any] | PathText | None = None
    path: PathText | None = None
    column: str | None = None
    label: Label | None = None

    @property
    def parameters(self) -> dict[str, Any]:
        return dict(self.model_extra or {})


class PresetRef(_Strict):
    """A preset of published hyper-parameters; `dataset` replaces the trial's own data set in the lookup."""

    name: str
    dataset: str | None = None


class LossEntry(BaseModel):
    """`CE`, `{loss: AGCE, q: 2, label: …, train: {…}}`, `{target: my_module:MyLoss, …}`; other keys are parameters.

    `preset` replaces that of the experiment for this loss.
    """

    model_config = ConfigDict(extra="allow", strict=True, frozen=True)

    loss: str | None = None
    target: str | None = None
    label: Label | None = None
    preset: Annotated[PresetRef, _from_name("name")] | None = None
    train: dict[str, Any] = {}

    @property
    def parameters(self) -> dict[str, Any]:
        return dict(self.model_extra or {})


class PublishedRef(_Strict):
    """The printed tables to compare with: a paper's name, or a CSV file of the same form (docs/reproducing.md).

    `dataset` replaces the experiment's own data set in the lookup. `trials` is the number of trials per printed cell;
    `tolerance` is in percentage points.
    """

    paper: str
    tables: list[str] = []
    dataset: str | None = None
    trials: Annotated[int, Field(ge=1)] = TRIALS
    tolerance: Annotated[float, Field(gt=0)] = 1.0


class Only(_Strict):
    """A subset of trials to run and show. It does not affect a trial's identity."""

    datasets: Annotated[list[str], Field(min_length=1)] | None = None
    noise: Annotated[list[str], Field(min_length=1)] | None = None
    losses: Annotated[list[str], Field(min_length=1)] | None = None
    seeds: Annotated[list[int], Field(min_length=1)] | None = None


class Figures(_Strict):
    """Figures beside those of every experiment, and the losses that stand out in figures (none: the best ones)."""

    kinds: Annotated[list[Literal[*EXTRA_FIGURES]], BeforeValidator(_as_list)] = []  # type: ignore[valid-type]
    losses: Annotated[list[str], Field(max_length=MOST_LOSSES), BeforeValidator(_as_list)] = []


def _as_figures(value: Any) -> Any:
    """A list of kinds as the whole entry."""
    return {"kinds": value} if isinstance(value, str | list) else value


def _field(name: str, annotation: Any) -> Any:
    """The annotation; a list field also accepts a single value, as in `keep: weights`."""
    return Annotated[annotation, BeforeValidator(_as_list)] if name in list_fields(RunOptions) else annotation


# The keys of `run:` are the fields of `RunOptions`.
_RUN_FIELDS: dict[str, Any] = {
    name: (_field(name, annotation), default) for name, (annotation, default) in declared(RunOptions).items()
}
_RunModel: Any = create_model("Run", __base__=_Strict, **_RUN_FIELDS)


class Config(_Strict):
    """A whole experiment file."""

    datasets: Annotated[list[Annotated[DatasetEntry, _from_name("name")]], Field(min_length=1)]
    noise: Annotated[list[Annotated[NoiseEntry, _from_name("kind")]], Field(min_length=1)]
    losses: Annotated[list[Annotated[LossEntry, _from_name("loss")]], Field(min_length=1)]
    seeds: Annotated[list[Seed], Field(min_length=1)]
    noise_seed: Literal["same"] | Seed = "same"
    preset: Annotated[PresetRef, _from_name("name")] | None = None
    train: dict[str, Any] = {}
    only: Only = Only()
    run: _RunModel = _RunModel()
    highlight: Literal["best", "best_second", "top2", "top3", "tied"] = "best_second"
    published: PublishedRef | None = None
    figures: Annotated[Figures, BeforeValidator(_as_figures)] = Figures()
    retry_failed: bool = True
    on_code_change: Literal["keep", "retrain"] = "keep"

    @property
    def run_options(self) -> RunOptions:
        return RunOptions(**dict(self.run))


# Labels that every format can print: matplotlib reads $ as mathematics and hides labels with a leading underscore.
_LABEL = re.compile(r"(?![_ ])[^\x00-\x1f\x7f$\\|]+(?<! )")


def check_label(label: str) -> None:
    """Raise `EntryError` unless the label can be printed in tables and figures."""
    if not _LABEL.fullmatch(label):
        raise EntryError(
            f"the label {label!r} cannot be printed in tables and figures; avoid $, \\, |, line breaks, spaces at "
            "either end and a leading underscore"
        )


class EntryError(UserError):
    """A mistake in a list entry. `key` is the wrong key of the entry, or None for the whole entry."""

    def __init__(self, message: str, key: str | None = None):
        super().__init__(message)
        self.key = key

    def key_path(self, entry: KeyPath) -> KeyPath:
        return entry if self.key is None else (*entry, self.key)


class Problems:
    """Collects mistakes; `raise_any` raises them as one `UserError`, one line per mistake."""

    def __init__(self, source: ConfigFile):
        self.source = source
        self.lines: list[str] = []

    def add(self, key_path: KeyPath, message: object) -> None:
        line = f"{self.source.where(key_path)}: {message}"
        if line not in self.lines:
            self.lines.append(line)

    def raise_any(self) -> None:
        if self.lines:
            raise UserError("\n".join(self.lines))


def validate(source: ConfigFile) -> Config:
    """Return the config with every key and type checked.

    Names of losses, data sets and so on are checked on expansion. Raises `UserError` listing every mistake.
    """
    problems = Problems(source)
    if not isinstance(source.values, dict):
        kind = "is empty" if source.values is None else f"is a {type(source.values).__name__}"
        problems.add(
            (),
            f"the config {kind}; it must be keys and values; see the config.yaml that comes with labelnoise",
        )
        problems.raise_any()
    try:
        return Config.model_validate(source.values)
    except ValidationError as error:
        for detail in error.errors():
            key_path, message = _explain(detail)
            problems.add(key_path, message)
        problems.raise_any()
        raise


_FIELDS: dict[str, list[str]] = {
    "": [*Config.model_fields, "extends"],
    "datasets": list(DatasetEntry.model_fields),
    "noise": list(NoiseEntry.model_fields),
    "preset": list(PresetRef.model_fields),
    "published": list(PublishedRef.model_fields),
    "figures": list(Figures.model_fields),
    "only": list(Only.model_fields),
    "run": list(_RunModel.model_fields),
}

_TYPES = {
    "string_type": "text",
    "int_type": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "list_type": "a list",
    "dict_type": "keys and values",
}


def _explain(detail: Any) -> tuple[KeyPath, str]:
    """Return a pydantic error as (key path, message), without the steps that name a branch of a union."""
    branches = ("literal[", "constrained", "list[", "function-")
    steps = (step for step in detail["loc"] if isinstance(step, int) or not step.startswith(branches))
    key_path = tuple(step for step in steps if step != "int")
    kind, given = detail["type"], detail["input"]
    if kind == "extra_forbidden":
        options = _FIELDS["" if len(key_path) == 1 else str(key_path[0])]
        return key_path, unknown("key", key_path[-1], options)
    if kind == "missing":
        return key_path, "this key is missing"
    if key_path and key_path[-1] == "noise_seed":
        return key_path, f"must be `same` or a whole number ≥ 0, got {given!r}"
    if kind.startswith("model_"):
        named = key_path[0] in ("datasets", "noise", "losses", "preset")
        return key_path, f"must be {'a name, or ' if named else ''}keys and values, got {given!r}"
    if kind in _TYPES:
        return key_path, f"must be {_TYPES[kind]}, got {given!r}"
    if kind == "literal_error":
        options = [option.strip("'") for option in detail["ctx"]["expected"].replace(" or ", ", ").split(", ")]
        return key_path, unknown("value", given, options)
    if kind == "string_too_short":
        return key_path, "it is empty"
    if kind == "too_short" and detail["ctx"]["min_length"] > 1:
        return key_path, f"give at least {detail['ctx']['min_length']} entries, got {detail['ctx']['actual_length']}"
    if kind == "too_short":
        return key_path, "the list is empty; give at least one entry, or leave the key out"
    if kind == "too_long":
        return key_path, f"at most {detail['ctx']['max_length']} can be given, got {detail['ctx']['actual_length']}"
    bounds = {"greater_than_equal": ("≥", "ge"), "less_than": ("<", "lt"), "greater_than": (">", "gt")}
    if kind in bounds:
        if len(key_path) > 1 and key_path[0] == "noise":
            return key_path, f"a noise rate must lie in [0, 1), got {given!r}"
        sign, key = bounds[kind]
        return key_path, f"must be {sign} {detail['ctx'][key]}, got {given!r}"
    return key_path, f"{detail['msg']}, got {given!r}"


def experiment_name(file: Path) -> str | None:
    """The file's stem, or None for ./config.yaml. Raises `UserError` if the stem cannot name a folder."""
    if file.resolve() == Path("config.yaml").resolve():
        return None
    stem = file.stem
    if not re.fullmatch(r"[A-Za-z0-9_-][A-Za-z0-9_.-]*", stem):
        raise UserError(
            f"{file}: the file name becomes a folder in results/experiments; use letters, digits, -, _ and . only"
        )
    return stem
