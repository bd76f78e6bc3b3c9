# The experiment behind the rules, and what the rules ask of it. The only room with functions.
import shlex
import shutil
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.logging import logger

try:
    from labelnoise import paths
    from labelnoise.errors import UserError
    from labelnoise.experiment import config as experiment_config
    from labelnoise.experiment import finished, manifest, progress, source
    from labelnoise.experiment.trials import doubts, expand
    from labelnoise.files import pull_back_to_now
except ModuleNotFoundError as error:
    raise WorkflowError(
        f"{error}: install labelnoise into the environment that runs snakemake (pip install .), "
        "or let `make benchmark` make one"
    )

if len(workflow.overwrite_configfiles or []) > 1:
    raise WorkflowError("give one --configfile: an experiment file is complete in itself")
CONFIG_FILE = Path((workflow.overwrite_configfiles or ["config.yaml"])[0])

# Read here and not by `configfile:`, for messages with lines and so that an experiment file replaces config.yaml.
try:
    EXPERIMENT = experiment_config.experiment_name(CONFIG_FILE)
    CONFIG, TRIAL_LIST = expand(source.read(CONFIG_FILE).overridden(workflow.config_settings.config))
except UserError as error:
    raise WorkflowError(f"the config cannot be used:\n{error}") from None

PRODUCTS = paths.products(EXPERIMENT)
MANIFEST = PRODUCTS / "manifest.json"
TRIALS = {trial.hash: trial for trial in TRIAL_LIST}
LABEL_TRIALS = {str(trial.labels): trial for trial in TRIAL_LIST}
DATASETS = {paths.dataset(trial.spec).name: trial.dataset for trial in TRIAL_LIST}

# Jobs on other nodes parse this file as well: only the run that the user started may change or say anything.
if workflow.is_main_process:
    for line in doubts(TRIAL_LIST):
        logger.warning(f"warning: {line}")
    try:
        manifest.write(manifest.build(CONFIG, TRIAL_LIST, EXPERIMENT, paths.config_name(CONFIG_FILE)), MANIFEST)
    except (UserError, OSError) as error:
        raise WorkflowError(error) from None


def is_finished(trial):
    return manifest.is_finished(trial, retry_failed=CONFIG.retry_failed)


# Failed and damaged results run again: each gets an input newer than itself, so that a dry run shows it as well. Only
# a real run (onstart, below) moves the old file aside.
UNUSABLE = {
    trial: manifest.retry_marker(trial)
    for trial in TRIAL_LIST
    if workflow.is_main_process and trial.result.exists() and not is_finished(trial)
}

# Image files that have moved: their index is made again.
MOVED = {
    name: marker
    for name, dataset in DATASETS.items()
    if workflow.is_main_process and (marker := manifest.moved_marker(paths.DATA / name, dataset.source))
}

# What finished trials did not keep and `run:` asks for now: derived where that is possible, else told.
if workflow.is_main_process:
    UNKEPT, LOST = finished.missing(TRIAL_LIST, CONFIG.run)
    for line in [*LOST, *finished.changed_labels(TRIAL_LIST)]:
        logger.warning(f"warning: {line}")
else:
    UNKEPT = []

# Rules run in this Python, whatever PATH says, unless Snakemake provides the environment.
DEPLOYED = bool(workflow.deployment_settings and workflow.deployment_settings.deployment_method)
LABELNOISE = f"{'python' if DEPLOYED else shlex.quote(sys.executable)} -m labelnoise"

PROGRESS = progress.Progress(TRIAL_LIST, retry_failed=CONFIG.retry_failed)


def start_run():
    for trial in UNUSABLE:
        # Another run in this folder may have finished it since.
        if trial.result.exists() and not is_finished(trial):
            manifest.set_aside(trial)
    manifest.write_specs(TRIAL_LIST)
    prepared = [paths.DATA / name / "dataset.json" for name in DATASETS]
    for path in [*prepared, *map(Path, LABEL_TRIALS), *audits(), *results(), MANIFEST]:
        pull_back_to_now(path)
    if not all(is_finished(trial) for trial in TRIAL_LIST):
        (PRODUCTS / "complete").unlink(missing_ok=True)
    if not (workflow.output_settings.verbose or workflow.output_settings.printshellcmds):
        progress.hide_job_lines(logger)
    PROGRESS.start()


def end_broken_run():
    """Make the products of what is there when jobs that were killed kept their rules from running."""
    PROGRESS.stop()
    if shutil.disk_usage(PRODUCTS).free < 1_000_000:  # the logs that would say so are on it as well
        logger.error(f"No space left on device, for {PRODUCTS}: make room and run again; what is finished is kept")
    if any(not trial.result.exists() for trial in TRIAL_LIST):
        for step in ("collect", "tables", "figures", "report", "check"):
            log = shlex.quote(str(PRODUCTS / "logs" / f"{step}.log"))
            shell(f"{LABELNOISE} {step} {shlex.quote(str(MANIFEST))} 2>&1 | tee {log} || true")


def train_input(wildcards):
    """Nothing once the trial is finished: a lost label file must not retrain it."""
    trial = TRIALS[wildcards.hash]
    if is_finished(trial):
        return []
    marker = [UNUSABLE[trial]] if trial in UNUSABLE else []
    return [trial.labels, paths.dataset(trial.spec) / "dataset.json", *marker]


def device_options(wildcards, resources):
    """What the profile says of the GPUs that the job finds on its machine: resources that nobody schedules by."""
    names = ("gpus", "trials_per_gpu")
    return [f"--{name.replace('_', '-')}={resources[name]}" for name in names if name in resources.keys()]


def official_files(wildcards):
    """What is downloaded for the data set when it is not there; nothing for one that lies elsewhere."""
    dataset = DATASETS[wildcards.dataset]
    if dataset.downloads:
        return [dataset.source / file for file in dataset.info.files]
    return [MOVED[wildcards.dataset]] if wildcards.dataset in MOVED else []


def dataset_entry(wildcards):
    """The arguments of `labelnoise data` that describe the data set."""
    dataset = DATASETS[wildcards.dataset]
    if dataset.info.like:
        kind = "--arrays" if dataset.info.in_memory else "--image-folder"
        splits = [] if dataset.info.in_memory else ["--splits", "train", *dataset.info.test_sets]
        return [dataset.info.name, kind, dataset.source, "--like", dataset.info.like, *splits]
    is_elsewhere = dataset.source != paths.DOWNLOADS / dataset.info.name
    return [dataset.info.name, *(["--path", dataset.source] if is_elsewhere else [])]


def label_trial(wildcards):
    """Some trial that trains on this label file: its noise is theirs."""
    return LABEL_TRIALS[f"{paths.LABELS}/{wildcards.dataset}/{wildcards.labels}.npz"]


def labels_input(wildcards):
    trial = label_trial(wildcards)
    found = [ancient(paths.dataset(trial.spec) / "dataset.json")]
    if trial.human_file and paths.DOWNLOADS in trial.human_file.parents:
        found.append(trial.human_file)
    return found


def spec_of_labels(wildcards):
    return label_trial(wildcards).folder / "spec.json"


def source_of_labels(wildcards):
    source = label_trial(wildcards).noise_source
    return ["--source", source] if source else []


def results():
    return [trial.result for trial in TRIAL_LIST]


def features():
    return [trial.folder / "features.npz" for trial in UNKEPT]


def audits():
    return sorted({trial.labels.with_suffix(".json") for trial in TRIAL_LIST})
