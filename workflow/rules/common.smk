# The experiment behind the rules, and what the rules ask of it. The only room with functions.
import shlex
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.logging import logger

try:
    from labelnoise import paths
    from labelnoise.errors import UserError
    from labelnoise.experiment import config as experiment_config
    from labelnoise.experiment import manifest, progress, source
    from labelnoise.experiment.trials import expand
except ModuleNotFoundError as error:
    raise WorkflowError(
        f"{error}: install labelnoise into the environment that runs snakemake (pip install .), "
        "or let `make benchmark` make one"
    )

CONFIG_FILES = [Path(file) for file in workflow.overwrite_configfiles or ["config.yaml"]]

# --configfile is merged into a configfile: statement; an experiment file is complete in itself, so it replaces it.
if not workflow.overwrite_configfiles:
    try:
        source.read(CONFIG_FILES[0])  # Snakemake's own message for a syntax error has no line
    except UserError as error:
        raise WorkflowError(error) from None

    configfile: "config.yaml"


try:
    EXPERIMENT = experiment_config.experiment_name(CONFIG_FILES)
    CONFIG, TRIAL_LIST = expand(source.of_workflow(config, CONFIG_FILES))
except UserError as error:
    raise WorkflowError(f"the config cannot be used:\n{error}") from None

PRODUCTS = paths.products(EXPERIMENT)
MANIFEST = PRODUCTS / "manifest.json"
TRIALS = {trial.hash: trial for trial in TRIAL_LIST}
LABEL_TRIALS = {str(trial.labels): trial for trial in TRIAL_LIST}

# Jobs on other nodes parse this file as well: only the run that the user started may change anything.
if workflow.is_main_process:
    manifest.write(manifest.build(CONFIG, TRIAL_LIST, EXPERIMENT), MANIFEST)
    if CONFIG.retry_failed:
        manifest.set_aside_failed(TRIAL_LIST)

# Rules run in this Python, whatever PATH says, unless Snakemake provides the environment.
DEPLOYED = bool(workflow.deployment_settings and workflow.deployment_settings.deployment_method)
LABELNOISE = f"{'python' if DEPLOYED else shlex.quote(sys.executable)} -m labelnoise"

PROGRESS = progress.Progress(TRIAL_LIST)


def start_run():
    manifest.write_specs(TRIAL_LIST)
    if not (workflow.output_settings.verbose or workflow.output_settings.printshellcmds):
        progress.hide_job_lines(logger)
    PROGRESS.start()


def end_broken_run():
    """Make the products of what is there when jobs that were killed kept their rules from running."""
    PROGRESS.stop()
    if any(not trial.result.exists() for trial in TRIAL_LIST):
        for step in ("collect", "tables", "figures", "report", "check"):
            shell(f"{LABELNOISE} {step} {shlex.quote(str(MANIFEST))} || true")


def train_input(wildcards):
    """Nothing once the result is there: a lost label file must not retrain what is finished."""
    trial = TRIALS[wildcards.hash]
    if trial.result.exists():
        return []
    return [trial.labels, paths.dataset(trial.spec) / "dataset.json"]


def spec_of_labels(wildcards):
    """The spec of some trial that trains on this label file: its noise is theirs."""
    path = f"{paths.LABELS}/{wildcards.dataset}/{wildcards.labels}.npz"
    return LABEL_TRIALS[path].folder / "spec.json"


def results():
    return [trial.result for trial in TRIAL_LIST]


def audits():
    return sorted({trial.labels.with_suffix(".json") for trial in TRIAL_LIST})
