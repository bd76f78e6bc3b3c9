# `snakemake theory`: measures which conditions every loss meets and draws the papers' figures. Needs no training.


rule theory:
    output:
        properties=paths.RESULTS / "theory" / "properties.csv",
        figures=directory(paths.RESULTS / "theory" / "figures"),
    log:
        paths.RESULTS / "theory" / "theory.log",
    conda:
        "../../envs/labelnoise.yaml"
    params:
        labelnoise=LABELNOISE,
        folder=lambda wildcards: paths.RESULTS / "theory",
    shell:
        "{params.labelnoise} theory --out {params.folder:q} > {log:q} 2>&1"
