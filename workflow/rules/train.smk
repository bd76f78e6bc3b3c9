# One job a trial. Its only declared output is result.json: Snakemake deletes declared outputs before it runs a job.

TRIAL = paths.TRIALS / "{dataset}" / "{noise}" / "{loss}" / "s{seed}-{hash}"


# A result that failed or is damaged, out of the way of its trial's next attempt.
rule set_aside:
    output:
        TRIAL / "failed-{number}.json",
    log:
        TRIAL / "failed-{number}.log",
    wildcard_constraints:
        hash="[0-9a-f]{10}",
        number="[0-9]+",
    localrule: True
    conda:
        "../../envs/labelnoise.yaml"
    params:
        file=lambda wildcards: trial_folder(wildcards) / "result.json",
    shell:
        SET_ASIDE


rule train:
    input:
        train_input,
    output:
        TRIAL / "result.json",
    log:
        TRIAL / "train.log",
    wildcard_constraints:
        hash="[0-9a-f]{10}",
    # A killed job, or one at its time limit, goes on from its checkpoint; after three in vain the trainer gives up.
    retries: 20
    conda:
        "../../envs/labelnoise.yaml"
    threads: trial_threads
    resources:
        attempt=lambda wildcards, attempt: attempt,
    params:
        labelnoise=LABELNOISE,
        options=JOBS["options"],
        devices=device_options,
        folder=trial_folder,
        spec=lambda wildcards: trial_folder(wildcards) / "spec.json",
    shell:
        "OMP_NUM_THREADS={threads} {params.labelnoise} train --spec {params.spec:q} --out {params.folder:q}"
        " --attempt {resources.attempt} {params.devices} {params.options:q} > {log:q} 2>&1"


# Only asked for where a finished trial kept its weights and not its features: nothing is trained again for them.
rule features:
    input:
        TRIAL / "weights.pt",
    output:
        TRIAL / "features.npz",
    log:
        TRIAL / "features.log",
    conda:
        "../../envs/labelnoise.yaml"
    threads: trial_threads
    params:
        labelnoise=LABELNOISE,
        devices=device_options,
        folder=trial_folder,
    shell:
        "OMP_NUM_THREADS={threads} {params.labelnoise} features {params.folder:q} {params.devices} > {log:q} 2>&1"
