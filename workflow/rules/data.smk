# Data sets, prepared once for all experiments.


rule data:
    output:
        paths.DATA / "{dataset}" / "dataset.json",
    log:
        paths.DATA / "{dataset}" / "prepare.log",
    params:
        folder=lambda wildcards: paths.DATA / wildcards.dataset,
    conda:
        "../../envs/labelnoise.yaml"
    shell:
        "{LABELNOISE} data {wildcards.dataset:q} --out {params.folder:q} > {log:q} 2>&1"
