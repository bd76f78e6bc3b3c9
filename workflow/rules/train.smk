# One job per trial. Its only declared output is result.json: Snakemake deletes declared outputs before running a job.

TRIAL = TrialFolder(paths.TRIALS / "{dataset}" / "{noise}" / "{loss}" / "s{seed}-{hash}")


# Set a failed or damaged result aside, before the next attempt.
rule set_aside:
    output:
        TRIAL.failed("{number}"),
    log:
        TRIAL.failed("{number}").with_suffix(".log"),
    wildcard_constraints:
        hash="[0-9a-f]{10}",
        number="[0-9]+",
    localrule: True
    conda:
        "../../envs/labelnoise.yaml"
    params:
        file=lambda wildcards: trial_folder(wildcards).result,
    shell:
        SET_ASIDE


rule train:
    input:
        lambda wildcards: RUN.inputs_of_trial(wildcards.hash),
    output:
        TRIAL.result,
    log:
        TRIAL.log,
    wildcard_constraints:
        hash="[0-9a-f]{10}",
    # A killed job, or one at its time limit, resumes from its checkpoint; the trainer gives up after three attempts in
    # a row without progress.
    retries: 20
    conda:
        "../../envs/labelnoise.yaml"
    threads: trial_threads
    resources:
        attempt=lambda wildcards, attempt: attempt,
    params:
        labelnoise=LABELNOISE,
        options=RUN.jobs["options"],
        devices=device_options,
        folder=lambda wildcards: trial_folder(wildcards).path,
        spec=lambda wildcards: trial_folder(wildcards).spec,
    shell:
        "OMP_NUM_THREADS={threads} {params.labelnoise} train --spec {params.spec:q} --out {params.folder:q}"
        " --attempt {resources.attempt} {params.devices} {params.options:q} > {log:q} 2>&1"


# Runs only for finished trials that kept their weights but not their features; no trial is retrained for them.
rule features:
    input:
        TRIAL.weights(),
    output:
        TRIAL.features(),
    log:
        TRIAL.path / "features.log",
    conda:
        "../../envs/labelnoise.yaml"
    threads: trial_threads
    params:
        labelnoise=LABELNOISE,
        devices=device_options,
        folder=lambda wildcards: trial_folder(wildcards).path,
    shell:
        "OMP_NUM_THREADS={threads} {params.labelnoise} features {params.folder:q} {params.devices} > {log:q} 2>&1"
