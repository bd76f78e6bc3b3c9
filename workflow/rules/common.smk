# Sets up the run (labelnoise.experiment.run) and the functions with which the rules query it.
import contextlib
import os
import shlex
import shutil
import sys
import tempfile
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.logging import logger

try:
    from labelnoise import paths, project
    from labelnoise.errors import UserError
    from labelnoise.experiment import config_file, finished, progress
    from labelnoise.experiment.run import Run
    from labelnoise.trial_folder import TrialFolder
except ImportError as error:
    raise WorkflowError(
        f"{error}: install labelnoise {VERSION} into the environment that runs snakemake (pip install .), "
        "or run `make benchmark`, which creates one"
    )
try:
    project.require(VERSION)
except UserError as error:
    raise WorkflowError(error) from None

# Snakemake writes records to ./.snakemake even in a dry run. If that is read-only, use a temporary folder.
if not os.access(".snakemake" if os.path.isdir(".snakemake") else ".", os.W_OK):
    from snakemake.persistence.file import FilePersistence

    RECORDS = tempfile.TemporaryDirectory(prefix="labelnoise-")  # removed when the process ends
    keep_records = FilePersistence.__init__
    FilePersistence.__init__ = lambda self, **options: keep_records(self, **options | {"path": Path(RECORDS.name)})

# Whether another Snakefile uses this workflow by `module`; it may name the config by `configfile:`.
IS_MODULE = not workflow.modifier.is_main_snakefile()

CONFIG_FILES = workflow.overwrite_configfiles or workflow.configfiles or ["config.yaml"]
if len(CONFIG_FILES) > 1:
    raise WorkflowError("give only one --configfile: an experiment file is complete, files are not merged")
CONFIG_FILE = Path(CONFIG_FILES[0])

# Parsing writes no files: dry runs, --lint and --dag must not, and a run writes them in start_run (below).
# `configfile:` is not used: its messages have no line numbers, and it would merge an experiment file into config.yaml.
try:
    if IS_MODULE:
        config_file.check_is(config, CONFIG_FILE, overridden=workflow.config_settings.config)
    if workflow.is_main_process:
        RUN = Run.from_config(CONFIG_FILE, workflow.config_settings.config)
    else:
        RUN = Run.on_node(CONFIG_FILE)
except UserError as error:
    raise WorkflowError(f"the config cannot be used:\n{error}") from None

PRODUCTS = RUN.products
MANIFEST = PRODUCTS / "manifest.json"

for line in RUN.warnings() if workflow.is_main_process and not hasattr(workflow, "labelnoise") else ():
    logger.warning(f"warning: {line}")

# Rules run in this Python, regardless of PATH, unless Snakemake provides the environment.
DEPLOYED = bool(workflow.deployment_settings and workflow.deployment_settings.deployment_method)
LABELNOISE = f"{'python' if DEPLOYED else shlex.quote(sys.executable)} -m labelnoise"

PROGRESS = progress.Progress(RUN.trials, retry_failed=RUN.retry_failed)
RUN_LOCK = contextlib.ExitStack()

# Set a file aside, unless another run has done so already.
SET_ASIDE = (
    "(test ! -e {params.file:q} || mv -f {params.file:q} {output:q}) > {log:q} 2>&1"
    " && touch {output:q} && rm -f {log:q}"
)


def is_training_forced():
    """Whether the user forces trials to run (-F, -R train); known only after the run has started."""
    forced = workflow.dag_settings
    return forced.forceall or any(name == "train" or name.endswith("result.json") for name in forced.forcerun)


def start_run():
    if RUN.finished and is_training_forced():
        logger.warning(
            "warning: finished trials are kept even if forced: to train one again, delete its folder in results/trials"
        )
    try:
        RUN_LOCK.enter_context(RUN.exclusive())
        RUN.write_files()
    except (UserError, OSError) as error:
        raise WorkflowError(error) from None
    RUN.pull_back_clocks()
    if not (workflow.output_settings.verbose or workflow.output_settings.printshellcmds):
        progress.hide_job_lines(logger)
    PROGRESS.start()


def end_run():
    PROGRESS.stop()
    for line in finished.undominated(RUN.trials):
        logger.warning(f"warning: {line}")


def end_broken_run():
    """Make the products from the existing results if killed jobs prevented their rules from running."""
    end_run()
    if shutil.disk_usage(PRODUCTS).free < 1_000_000:  # a full disk also keeps this out of the logs
        logger.error(f"No space left on device, for {PRODUCTS}: make room and run again; finished work is kept")
    pending = [trial for trial in RUN.trials if not trial.folder.result.exists()]
    if pending and len(pending) < len(RUN.trials):
        (PRODUCTS / "logs").mkdir(exist_ok=True)
        for step in ("collect", "tables", "figures", "report", "check"):
            log = shlex.quote(str(PRODUCTS / "logs" / f"{step}.log"))
            shell(f"{LABELNOISE} {step} {shlex.quote(str(MANIFEST))} 2>&1 | tee {log} || true")
    if stopped := sum(progress.was_stopped(trial.folder.log) for trial in pending):
        logger.warning(f"stopped: {stopped} trials saved their state; run the same command to resume them")


def trial_folder(wildcards):
    return TrialFolder(Path(str(TRIAL.path).format(**wildcards)))


def trial_threads(wildcards):
    return RUN.threads(wildcards.hash, trial_folder(wildcards).path)


def device_options(wildcards, resources):
    """The profile's settings for the GPUs of the job's machine. Snakemake does not schedule by these resources."""
    names = ("gpus", "trials_per_gpu", "capture")
    return [f"--{name.replace('_', '-')}={resources[name]}" for name in names if name in resources.keys()]


def label_job(wildcards):
    return RUN.jobs["labels"][f"{paths.LABELS}/{wildcards.dataset}/{wildcards.labels}.npz"]


def labels_input(wildcards):
    job = label_job(wildcards)
    return [ancient(job["dataset"]), *job["files"]]


def results():
    return [trial.folder.result for trial in RUN.trials]


def features():
    return [trial.folder.features() for trial in RUN.derivable]


def audits():
    return sorted({trial.labels.with_suffix(".json") for trial in RUN.trials})
