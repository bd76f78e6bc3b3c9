# Data sets: downloaded if possible, and prepared once for all experiments.


# The only rule that needs a network; on a cluster it runs on snakemake's node. Its progress goes to the terminal.
rule download:
    output:
        paths.DOWNLOADS / "{dataset}" / "{file}",
    log:
        paths.DOWNLOADS / "{dataset}" / "{file}.log",
    localrule: True
    conda:
        "../../envs/labelnoise.yaml"
    params:
        labelnoise=LABELNOISE,
        folder=lambda wildcards: paths.DOWNLOADS / wildcards.dataset,
    shell:
        "{params.labelnoise} download {wildcards.dataset:q} --file {wildcards.file:q} --out {params.folder:q} > {log:q}"


# Set the index of images that have moved aside, so that it is rebuilt.
rule set_index_aside:
    output:
        paths.DATA / "{dataset}" / "moved-{number}.json",
    log:
        paths.DATA / "{dataset}" / "moved-{number}.log",
    wildcard_constraints:
        number="[0-9]+",
    localrule: True
    conda:
        "../../envs/labelnoise.yaml"
    params:
        file=lambda wildcards: paths.DATA / wildcards.dataset / "dataset.json",
    shell:
        SET_ASIDE


rule data:
    input:
        lambda wildcards: RUN.inputs_of_dataset(wildcards.dataset),
    output:
        paths.DATA / "{dataset}" / "dataset.json",
    log:
        paths.DATA / "{dataset}" / "prepare.log",
    conda:
        "../../envs/labelnoise.yaml"
    params:
        labelnoise=LABELNOISE,
        spec=lambda wildcards: paths.dataset_entry(wildcards.dataset),
        folder=lambda wildcards: paths.DATA / wildcards.dataset,
    shell:
        "{params.labelnoise} data --spec {params.spec:q} --out {params.folder:q} > {log:q} 2>&1"
