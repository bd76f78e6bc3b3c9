# From results to trials.csv, tables, figures and the report. Nothing here knows torch.


# `snakemake trials`: everything up to trials.csv, made anew when it is another config's.
rule trials:
    input:
        moved_aside(),
        PRODUCTS / "trials.csv",
        paths.collected(PRODUCTS, JOBS["manifest"]),


# Which manifest trials.csv was made from stands in the name of the second file.
rule collect:
    input:
        results(),
    output:
        PRODUCTS / "trials.csv",
        paths.collected(PRODUCTS, JOBS["manifest"]),
    log:
        PRODUCTS / "logs" / "collect.log",
    conda:
        "../../envs/labelnoise.yaml"
    params:
        labelnoise=LABELNOISE,
        manifest=MANIFEST,
    shell:
        "{params.labelnoise} collect {params.manifest:q} > {log:q} 2>&1"


rule tables:
    input:
        PRODUCTS / "trials.csv",
    output:
        directory(PRODUCTS / "tables"),
    log:
        PRODUCTS / "logs" / "tables.log",
    conda:
        "../../envs/labelnoise.yaml"
    params:
        labelnoise=LABELNOISE,
        manifest=MANIFEST,
    shell:
        "{params.labelnoise} tables {params.manifest:q} > {log:q} 2>&1"


rule figures:
    input:
        PRODUCTS / "trials.csv",
        audits(),
    output:
        directory(PRODUCTS / "figures"),
    log:
        PRODUCTS / "logs" / "figures.log",
    conda:
        "../../envs/labelnoise.yaml"
    params:
        labelnoise=LABELNOISE,
        manifest=MANIFEST,
    shell:
        "{params.labelnoise} figures {params.manifest:q} > {log:q} 2>&1"


rule report:
    input:
        PRODUCTS / "tables",
        PRODUCTS / "figures",
    output:
        PRODUCTS / "report.html",
    log:
        PRODUCTS / "logs" / "report.log",
    conda:
        "../../envs/labelnoise.yaml"
    params:
        labelnoise=LABELNOISE,
        manifest=MANIFEST,
    shell:
        "{params.labelnoise} report {params.manifest:q} > {log:q} 2>&1"


# Ends the run with an error when a trial failed, after everything else is made.
rule check:
    input:
        PRODUCTS / "trials.csv",
    output:
        touch(PRODUCTS / "complete"),
    log:
        PRODUCTS / "logs" / "check.log",
    conda:
        "../../envs/labelnoise.yaml"
    params:
        labelnoise=LABELNOISE,
        manifest=MANIFEST,
    shell:
        "{params.labelnoise} check {params.manifest:q} > {log:q} 2>&1"
