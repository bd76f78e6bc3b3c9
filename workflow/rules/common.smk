# The experiment behind the rules, and what the rules ask of it. The only room with functions.
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
    from labelnoise import paths
    from labelnoise.errors import UserError
    from labelnoise.experiment import config as experiment_config
    from labelnoise.experiment import finished, jobs, manifest, progress, source
    from labelnoise.experiment.trials import doubts, expand
    from labelnoise.files import pull_back_to_now, write_json
except ModuleNotFoundError as error:
    raise WorkflowError(
        f"{error}: install labelnoise into the environment that runs snakemake (pip install .), "
        "or let `make benchmark` make one"
    )

# Snakemake keeps records in ./.snakemake even in a dry run: where it may not write them, they go to a temporary folder.
if not os.access(".snakemake" if os.path.isdir(".snakemake") else ".", os.W_OK):
    from snakemake.persistence.file import FilePersistence

    RECORDS = tempfile.TemporaryDirectory(prefix="labelnoise-")  # removed when the process ends
    keep_records = FilePersistence.__init__
    FilePersistence.__init__ = lambda self, **options: keep_records(self, **options | {"path": Path(RECORDS.name)})

if len(workflow.overwrite_configfiles or []) > 1:
    raise WorkflowError("give one --configfile: an experiment file is complete in itself")
CONFIG_FILE = Path((workflow.overwrite_configfiles or ["config.yaml"])[0])

# Parsing writes nothing, whatever for: a dry run, --lint, --dag, or a run that begins (start_run, below).
# Jobs on other nodes parse this file as well; they take everything from what the run has written down.
try:
    EXPERIMENT = experiment_config.experiment_name(CONFIG_FILE)
    PRODUCTS = paths.products(EXPERIMENT)
    if workflow.is_main_process:
        # Not by `configfile:`, for messages with lines and so that an experiment file replaces config.yaml.
        CONFIG, TRIAL_LIST = expand(source.read(CONFIG_FILE).overridden(workflow.config_settings.config))
        EXPERIMENT_MANIFEST = manifest.build(CONFIG, TRIAL_LIST, EXPERIMENT, paths.config_name(CONFIG_FILE))
        manifest.check_owner(EXPERIMENT_MANIFEST, PRODUCTS / "manifest.json")
        JOBS = jobs.describe(CONFIG, TRIAL_LIST, EXPERIMENT_MANIFEST)
    else:
        TRIAL_LIST = []
        JOBS = jobs.read(PRODUCTS)
except UserError as error:
    raise WorkflowError(f"the config cannot be used:\n{error}") from None

MANIFEST = PRODUCTS / "manifest.json"
TRIALS = {trial.hash: trial for trial in TRIAL_LIST}
FINISHED = {trial for trial in TRIAL_LIST if manifest.is_finished(trial, retry_failed=CONFIG.retry_failed)}

# Failed and damaged results are moved aside by a job, which is asked for: so a dry run shows their trials as well.
UNUSABLE = {
    trial: manifest.free_name(trial.folder, "failed")
    for trial in TRIAL_LIST
    if trial not in FINISHED and trial.result.exists()
}

# The same for the index of image files that have moved and are needed again.
PENDING = {paths.dataset(trial.spec).name: trial.dataset for trial in TRIAL_LIST if trial not in FINISHED}
MOVED = {
    name: aside
    for name, dataset in PENDING.items()
    if (aside := manifest.moved_index(paths.DATA / name, dataset.source))
}

# What finished trials did not keep and `run:` asks for now: derived where that is possible, else told.
UNKEPT, LOST = finished.missing(TRIAL_LIST, CONFIG.run) if TRIAL_LIST else ([], [])


def warnings():
    """What the user should know before anything runs."""
    yield from doubts(TRIAL_LIST)
    yield from finished.undominated(TRIAL_LIST)
    yield from finished.damaged(TRIAL_LIST)
    trials_csv, collected = PRODUCTS / "trials.csv", paths.collected(PRODUCTS, JOBS["manifest"])
    if trials_csv.exists() and not collected.exists():
        yield f"{trials_csv} is of another config: this run makes it anew, or `snakemake trials` alone"
    yield from LOST
    yield from finished.changed_labels(TRIAL_LIST)


for line in warnings() if workflow.is_main_process else ():
    logger.warning(f"warning: {line}")

# Rules run in this Python, whatever PATH says, unless Snakemake provides the environment.
DEPLOYED = bool(workflow.deployment_settings and workflow.deployment_settings.deployment_method)
LABELNOISE = f"{'python' if DEPLOYED else shlex.quote(sys.executable)} -m labelnoise"

PROGRESS = progress.Progress(TRIAL_LIST, retry_failed=not TRIAL_LIST or CONFIG.retry_failed)
RUN_LOCK = contextlib.ExitStack()

# A file out of the way, where another run has not done it already.
SET_ASIDE = (
    "(test ! -e {params.file:q} || mv -f {params.file:q} {output:q}) > {log:q} 2>&1"
    " && touch {output:q} && rm -f {log:q}"
)


def is_training_forced():
    """Whether the user forces trials to run (-F, -R train): known only once the run starts."""
    forced = workflow.dag_settings
    return forced.forceall or any(name == "train" or name.endswith("result.json") for name in forced.forcerun)


def start_run():
    if FINISHED and is_training_forced():
        logger.warning(
            "warning: finished trials are kept, whatever is forced: to train one again, delete its folder in results/trials"
        )
    try:
        RUN_LOCK.enter_context(jobs.exclusive(PRODUCTS, JOBS["manifest"]))
        write_json(MANIFEST, EXPERIMENT_MANIFEST)
        write_json(paths.jobs(PRODUCTS), JOBS)
        manifest.write_specs(TRIAL_LIST)
    except (UserError, OSError) as error:
        raise WorkflowError(error) from None
    prepared = [paths.DATA / name / "dataset.json" for name in JOBS["datasets"]]
    for path in [*prepared, *map(Path, JOBS["labels"]), *audits(), *results()]:
        pull_back_to_now(path)
    if len(FINISHED) < len(TRIAL_LIST):
        (PRODUCTS / "complete").unlink(missing_ok=True)
    if not (workflow.output_settings.verbose or workflow.output_settings.printshellcmds):
        progress.hide_job_lines(logger)
    PROGRESS.start()


def end_run():
    PROGRESS.stop()
    for line in finished.undominated(TRIAL_LIST):
        logger.warning(f"warning: {line}")


def end_broken_run():
    """Make the products of what is there when jobs that were killed kept their rules from running."""
    end_run()
    if shutil.disk_usage(PRODUCTS).free < 1_000_000:  # the logs that would say so are on it as well
        logger.error(f"No space left on device, for {PRODUCTS}: make room and run again; what is finished is kept")
    if any(not trial.result.exists() for trial in TRIAL_LIST) and any(trial.result.exists() for trial in TRIAL_LIST):
        (PRODUCTS / "logs").mkdir(exist_ok=True)
        for step in ("collect", "tables", "figures", "report", "check"):
            log = shlex.quote(str(PRODUCTS / "logs" / f"{step}.log"))
            shell(f"{LABELNOISE} {step} {shlex.quote(str(MANIFEST))} 2>&1 | tee {log} || true")
    pending = [trial for trial in TRIAL_LIST if not trial.result.exists()]
    if stopped := sum(progress.was_stopped(trial.folder / "train.log") for trial in pending):
        logger.warning(f"stopped: {stopped} trials have saved where they were; the same command goes on from there")


def trial_folder(wildcards):
    return Path(str(TRIAL).format(**wildcards))


def trial_threads(wildcards):
    if wildcards.hash in TRIALS:
        return TRIALS[wildcards.hash].spec["recipe"]["threads"]
    return jobs.threads(trial_folder(wildcards))


def train_input(wildcards):
    """Nothing once the trial is finished: a lost label file must not retrain it. Nothing on other nodes."""
    trial = TRIALS.get(wildcards.hash)
    if trial is None or trial in FINISHED:
        return []
    aside = [UNUSABLE[trial]] if trial in UNUSABLE else []
    return [trial.labels, paths.dataset(trial.spec) / "dataset.json", *aside]


def device_options(wildcards, resources):
    """What the profile says of the GPUs that the job finds on its machine: resources that nobody schedules by."""
    names = ("gpus", "trials_per_gpu")
    return [f"--{name.replace('_', '-')}={resources[name]}" for name in names if name in resources.keys()]


def data_input(wildcards):
    """Official files, downloaded where they are not there; and the old index of images that have moved, set aside."""
    moved = [MOVED[wildcards.dataset]] if wildcards.dataset in MOVED else []
    return [*JOBS["datasets"][wildcards.dataset]["files"], *moved]


def label_job(wildcards):
    return JOBS["labels"][f"{paths.LABELS}/{wildcards.dataset}/{wildcards.labels}.npz"]


def labels_input(wildcards):
    job = label_job(wildcards)
    return [ancient(job["dataset"]), *job["files"]]


def moved_aside():
    return [*UNUSABLE.values(), *MOVED.values()]


def results():
    return [trial.result for trial in TRIAL_LIST]


def features():
    return [trial.folder / "features.npz" for trial in UNKEPT]


def audits():
    return sorted({trial.labels.with_suffix(".json") for trial in TRIAL_LIST})
