# Data sets, prepared once for all experiments.


rule data:
    output:
        paths.DATA / "{dataset}" / "dataset.json",
    log:
        paths.DATA / "{dataset}" / "prepare.log",
    conda:
        "../../envs/labelnoise.yaml"
    params:
        labelnoise=LABELNOISE,
        folder=lambda wildcards: paths.DATA / wildcards.dataset,
    shell:
        "{params.labelnoise} data {wildcards.dataset:q} --out {params.folder:q} > {log:q} 2>&1"
