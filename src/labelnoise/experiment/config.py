"""The models of config.yaml. Their types and docstrings are the schema that editors and the documentation read."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    Tag,
    create_model,
)  # fmt: skip
from pydantic_core.core_schema import no_info_before_validator_function

from labelnoise.errors import UserError
from labelnoise.experiment.config_file import KeyPath
from labelnoise.manifest import EXTRA_FIGURES, MOST_LOSSES
from labelnoise.published.numbers import TRIALS
from labelnoise.training.options import RunOptions, declared, helps, list_fields


class _ListOrOne:
    """Accept a single entry in place of a list."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> Any:
        as_list = no_info_before_validator_function
        return as_list(lambda value: value if isinstance(value, list) else [value], handler(source))

    def __get_pydantic_json_schema__(self, schema: Any, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        listed = handler(schema)
        return {"anyOf": [listed, listed["items"]]}


@dataclass(frozen=True)
class _Named:
    """Accept a bare name in place of an entry with settings: `CE` for `{loss: CE}`."""

    key: str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> Any:
        from_name = no_info_before_validator_function
        return from_name(lambda value: {self.key: value} if isinstance(value, str) else value, handler(source))

    def __get_pydantic_json_schema__(self, schema: Any, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"anyOf": [{"type": "string"}, handler(schema)]}


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, use_attribute_docstrings=True)


class _WithParameters(BaseModel):
    """Further keys are parameters."""

    model_config = ConfigDict(extra="allow", strict=True, frozen=True, use_attribute_docstrings=True)

    @property
    def parameters(self) -> dict[str, Any]:
        return dict(self.model_extra or {})


def _expand_path(value: Any) -> Any:
    """Expand `~` and `$HOME` in a path, as a shell does."""
    return str(Path(os.path.expandvars(value)).expanduser()) if isinstance(value, str) and value else value


Label = Annotated[str, Field(max_length=60)]
PathText = Annotated[str, Field(min_length=1), BeforeValidator(_expand_path, json_schema_input_type=str)]
SplitName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")]
Recipe = dict[str, Any]  # its values are those of `labelnoise.training.recipe.Recipe`, see `schema`


class DatasetEntry(_Strict):
    """A data set of the catalogue by name, or one of your own: give `arrays` or `image_folder`, and `like`."""

    name: str
    """A data set of the catalogue, or the name of your own."""
    path: PathText | None = None
    """The folder with the files of a catalogue data set, if it is not results/downloads/NAME."""
    arrays: PathText | None = None
    """Your own images and labels, an .npz file."""
    image_folder: PathText | None = None
    """Your own images, a folder with one folder per class."""
    like: str | None = None
    """The catalogue data set whose recipe, presets and maps apply."""
    labels: Literal["given"] | None = None
    """`given`: the training labels are noisy as they are, and the true ones unknown."""
    test_labels: Literal["given"] | None = None
    """`given`: the labels of the test sets are noisy too."""
    splits: Annotated[list[SplitName], Field(min_length=1)] | None = None
    """The folders in `image_folder` to read: the training set, then the test sets."""
    column: str | None = None
    """The column of labels in the CSVs of `image_folder`, if several could hold them."""


Seed = Annotated[int, Field(ge=0, lt=2**32)]
OneRate = Annotated[float, Field(ge=0, lt=1)]
# The tags begin with "constrained", so that `validation` leaves them out of places.
RateEntry = Annotated[
    Annotated[OneRate, Tag("constrained-rate")] | Annotated[dict[Any, OneRate], Tag("constrained-rates")],
    Discriminator(lambda value: "constrained-rates" if isinstance(value, dict) else "constrained-rate"),
]


class NoiseEntry(_WithParameters):
    """A kind of noise by name, or with settings; or a function of your own, whose parameters are further keys."""

    kind: str | None = None
    """clean, symmetric, asymmetric, pair, instance, human, given, file or mixed."""
    target: str | None = None
    """A function of your own, `my_noise:fn` in my_noise.py."""
    parts: Annotated[list[Annotated[NoiseEntry, _Named("kind")]], Field(min_length=2)] | None = None
    """Mixed noise: the noises to apply, in this order."""
    seed: Seed | None = None
    """The seed of a part of mixed noise."""
    rate: Annotated[list[RateEntry], Field(min_length=1), _ListOrOne()] | None = None
    """The noise rate in [0, 1), or a rate per class such as `{cat: 0.3}`; a list gives one noise per rate."""
    variant: Annotated[list[str], Field(min_length=1), _ListOrOne()] | None = None
    """A definition other than the default one; a list gives one noise per variant."""
    map: dict[Any, Any] | None = None
    """Asymmetric noise: the class that each class flips to, by name or number."""
    matrix: list[Any] | PathText | None = None
    """Asymmetric noise: a transition matrix whose rows are true classes, or a file."""
    path: PathText | None = None
    """Noise from a file: your label file."""
    column: str | None = None
    """Noise from a file: the column of labels, if several could hold them."""
    label: Label | None = None
    """The noise's name in tables and figures."""


class PresetRef(_Strict):
    """A preset of published hyper-parameters."""

    name: str
    """The preset."""
    dataset: str | None = None
    """The data set whose values to use, in place of the trial's own."""


class LossEntry(_WithParameters):
    """A loss of the catalogue by name, or with settings, or a class of your own. Further keys are its parameters."""

    loss: str | None = None
    """A loss of the catalogue, a framework such as ANL-CE, or a sum such as NCE+RCE."""
    target: str | None = None
    """A class of your own, `my_losses:MyLoss` in my_losses.py."""
    label: Label | None = None
    """The loss's name in tables and figures."""
    preset: Annotated[PresetRef, _Named("name")] | None = None
    """The preset of this loss, in place of the experiment's."""
    train: Recipe = {}
    """Recipe values for this loss only."""


class PublishedRef(_Strict):
    """The printed tables to compare with."""

    paper: str
    """A paper's name, such as jal2025, or a CSV file of the same form."""
    tables: list[str] = []
    """The tables to compare with; none: all."""
    dataset: str | None = None
    """The data set to look up, in place of the experiment's own."""
    trials: Annotated[int, Field(ge=1)] = TRIALS
    """The number of trials per printed cell."""
    tolerance: Annotated[float, Field(gt=0)] = 1.0
    """The difference in percentage points up to which a number counts as reproduced."""


class Only(_Strict):
    """A subset of trials to run and show; a trial's identity does not depend on it."""

    datasets: Annotated[list[str], Field(min_length=1)] | None = None
    """Names of data sets."""
    noise: Annotated[list[str], Field(min_length=1)] | None = None
    """Kinds of noise, or single noises such as symmetric-0.4."""
    losses: Annotated[list[str], Field(min_length=1)] | None = None
    """Names or labels of losses."""
    seeds: Annotated[list[int], Field(min_length=1)] | None = None
    """Training seeds."""


FigureKinds = Annotated[list[Literal[*EXTRA_FIGURES]], _ListOrOne()]  # type: ignore[valid-type]


class Figures(_Strict):
    """Figures beside those of every experiment, and the losses that stand out in figures."""

    kinds: FigureKinds = []
    """tsne needs `run: {keep: [features]}`, confidence_histograms `run: {snapshots: …}`."""
    losses: Annotated[list[str], Field(max_length=MOST_LOSSES), _ListOrOne()] = []
    """The losses that stand out, by label; none: those with the best average ranks."""


def _run_field(name: str, annotation: Any) -> Any:
    """The annotation of an option of `RunOptions`; a list also accepts a single value, as in `keep: weights`."""
    return Annotated[list[get_args(annotation)[0]], _ListOrOne()] if name in list_fields(RunOptions) else annotation  # type: ignore[misc]


# The keys of `run:` are the fields of `RunOptions`.
_RUN_FIELDS: dict[str, Any] = {
    name: (
        Annotated[_run_field(name, annotation), Field(description=helps(RunOptions)[name])],
        default,
    )
    for name, (annotation, default) in declared(RunOptions).items()
}
Run: Any = create_model("Run", __base__=_Strict, __doc__=RunOptions.__doc__, **_RUN_FIELDS)


class Config(_Strict):
    """A config of labelnoise: data sets × noises × losses × seeds."""

    datasets: Annotated[list[Annotated[DatasetEntry, _Named("name")]], Field(min_length=1)]
    """The data sets."""
    noise: Annotated[list[Annotated[NoiseEntry, _Named("kind")]], Field(min_length=1)]
    """The noises."""
    losses: Annotated[list[Annotated[LossEntry, _Named("loss")]], Field(min_length=1)]
    """The losses; a list as a parameter's value gives one loss per value."""
    seeds: Annotated[list[Seed], Field(min_length=1)]
    """The training seeds."""
    noise_seed: Literal["same"] | Seed = "same"
    """`same`: each training seed has its own noise draw; a number: one draw for all seeds."""
    preset: Annotated[PresetRef, _Named("name")] | None = None
    """Published hyper-parameters; none: the losses' defaults."""
    train: Recipe = {}
    """Recipe values for all trials; a list is a sweep."""
    only: Only = Only()
    """A subset of trials to run and show."""
    run: Run = Field(default_factory=Run)
    """How trials are run, and what they keep; nothing here changes a result."""
    highlight: Literal["best", "best_second", "top2", "top3", "tied"] = "best_second"
    """What tables mark; `tied`: all that are tied with the best."""
    published: PublishedRef | None = None
    """The printed numbers to compare with."""
    figures: Annotated[
        Figures,
        BeforeValidator(
            lambda value: {"kinds": value} if isinstance(value, str | list) else value,
            json_schema_input_type=Figures | FigureKinds,
        ),
    ] = Figures()
    """Figures beside the usual ones: a list of kinds, or kinds and losses."""
    retry_failed: bool = True
    """Whether failed trials are run again at the next call."""
    on_code_change: Literal["keep", "retrain"] = "keep"
    """Whether finished trials are kept when labelnoise's code changes."""

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


def experiment_name(file: Path) -> str | None:
    """The file's stem, or None for the folder's config. Raises `UserError` if the stem cannot name a folder."""
    if file.resolve() in (Path("config.yaml").resolve(), Path("config/config.yaml").resolve()):
        return None
    stem = file.stem
    if not re.fullmatch(r"[A-Za-z0-9_-][A-Za-z0-9_.-]*", stem):
        raise UserError(
            f"{file}: the file name becomes a folder in results/experiments; use letters, digits, -, _ and . only"
        )
    return stem
