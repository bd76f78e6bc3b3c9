"""`labelnoise plan`: what a config would train, what is finished, and how long the rest will take."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from labelnoise import recipe_notes, targets
from labelnoise.errors import UserError
from labelnoise.experiment import config_file, dataset_notes, finished
from labelnoise.experiment.config import experiment_name
from labelnoise.experiment.forecast import Forecast
from labelnoise.experiment.run import build_manifest
from labelnoise.experiment.trials import Trial, expand, noise_warnings
from labelnoise.files import canonical_hash
from labelnoise.manifest import Manifest
from labelnoise.models import catalogue as models
from labelnoise.noise import own
from labelnoise.noise.catalogue import OWN
from labelnoise.trial_folder import Status


def describe(path: Path, *, cores: int | None = None, gpus: int | None = None) -> str:
    """Return the plan as text, estimated for so many cores and GPUs. Raises `UserError` if the config is wrong."""
    config, trials = expand(config_file.read(path))
    experiment_name(path)
    if failures := _rehearse(trials):
        raise UserError("\n".join(f"{path}: {line}" for line in failures))
    counts = Counter(trial.folder.status for trial in trials)
    pending = [trial for trial in trials if not finished.is_finished(trial, retry_failed=config.retry_failed)]
    axes = build_manifest(config, trials, None, path.name)
    lines = [
        f"{path} is valid: {len(trials)} trials",
        f"  losses     {len(axes['losses']):>4}  {', '.join(axes['losses'])}",
        f"  data sets  {len(axes['datasets']):>4}  {', '.join(axes['datasets'])}",
        f"  noises     {len(axes['noises']):>4}  {', '.join(axes['noises'])}",
        *dataset_notes.describe(trials),
        *_describe_recipes(axes),
        f"  seeds      {len(axes['seeds']):>4}  {', '.join(map(str, axes['seeds']))}",
        f"done {counts[Status.OK]}, diverged {counts[Status.DIVERGED]}, "
        f"failed {counts[Status.FAILED]}{' (to retry)' if config.retry_failed else ' (kept)'}, "
        f"to train {len(pending)}",
        *(
            f"warning: {line}"
            for line in [
                *noise_warnings(trials),
                *dataset_notes.warnings(trials, look=True),
                *finished.undominated(trials),
            ]
        ),
    ]
    if pending:
        lines += _forecast(trials, pending, cores, gpus)
    return "\n".join(lines)


def _forecast(trials: list[Trial], pending: list[Trial], cores: int | None, gpus: int | None) -> list[str]:
    forecast = Forecast(trials, gpus)
    lines = []
    if forecast.unusable_gpu:
        lines.append(f"warning: {forecast.unusable_gpu}; trials will run on the CPU (gpus: 0 asks for that)")
    try:
        return [*lines, forecast.describe(forecast.seconds(pending, cores), cores)]
    except Exception as error:  # of the machine, such as no memory, or of a user's network at full batches
        reason = str(error).strip().partition("\n")[0]
        return [*lines, f"warning: no forecast, as a training step failed here: {type(error).__name__}: {reason}"]


def _describe_recipes(manifest: Manifest) -> list[str]:
    """Return a line per data set whose losses are not all trained alike, as captions say it."""
    said = {
        dataset: recipe_notes.differences(manifest, dataset, manifest["noises"]) for dataset in manifest["datasets"]
    }
    return [f"    {dataset}: {sentence[0].lower()}{sentence[1:]}" for dataset, sentence in said.items() if sentence]


def _rehearse(trials: list[Trial]) -> list[str]:
    """Try what is the user's own, and timm models, on a batch of random input; return a line per failure."""
    noises = {
        canonical_hash([noise, trial.spec["dataset"]]): (trial, noise)
        for trial in trials
        for noise in trial.spec["noise"].get("parts", [trial.spec["noise"]])
        if noise["kind"] == OWN
    }
    failures = []
    for trial, noise in noises.values():
        info = trial.dataset.info
        size = info.train_size or 16 * len(info.classes)
        image = (info.channels, info.image_size, info.image_size) if info.image_size else None
        without_seed = {key: value for key, value in noise.items() if key != "seed"}
        problem = own.attempt(without_seed, num_classes=len(info.classes), size=size, image=image)
        failures += [f"the noise {noise['target']} on {info.name}: {problem}"] if problem else []
    losses = {
        canonical_hash([trial.spec["loss"], len(trial.dataset.info.classes)]): trial
        for trial in trials
        if "target" in trial.spec["loss"]
    }
    models_to_try = {
        canonical_hash([model, trial.spec["dataset"]]): trial
        for trial in trials
        if targets.is_target(model := trial.spec["recipe"]["model"]) or models.is_timm(model)
    }
    augmentations = {
        canonical_hash([entry, trial.spec["dataset"]]): (trial, entry)
        for trial in trials
        for entry in trial.spec["recipe"]["augmentation"]
        if targets.is_target(entry)
    }
    if not losses and not models_to_try and not augmentations:
        return failures
    from labelnoise.training import rehearsal  # imports torch

    for trial in losses.values():
        problem = rehearsal.try_loss(trial.spec["loss"], num_classes=len(trial.dataset.info.classes))
        failures += [f"the loss {trial.label} ({trial.spec['loss']['target']}): {problem}"] if problem else []
    for trial in models_to_try.values():
        info, recipe, size = trial.dataset.info, trial.spec["recipe"], _image_size(trial)
        problem = rehearsal.try_model(
            recipe["model"], num_classes=len(info.classes), channels=info.channels, image_size=size
        )
        what = f"the model {targets.label(recipe['model'])} on {info.name} ({size} × {size})"
        failures += [f"{what}: {problem}"] if problem else []
    for trial, entry in augmentations.values():
        info = trial.dataset.info
        problem = rehearsal.try_augmentation(entry, channels=info.channels, image_size=_image_size(trial))
        failures += [f"the augmentation {entry['target']} on {info.name}: {problem}"] if problem else []
    return failures


def _image_size(trial: Trial) -> int:
    size: int = trial.dataset.info.image_size or trial.spec["recipe"]["image_size"]
    return size
