# From results to trials.csv, tables, figures and the report. Nothing here knows torch.


rule collect:
    input:
        manifest=MANIFEST,
        results=results(),
    output:
        PRODUCTS / "trials.csv",
    log:
        PRODUCTS / "logs" / "collect.log",
    conda:
        "../../envs/labelnoise.yaml"
    params:
        labelnoise=LABELNOISE,
    shell:
        "{params.labelnoise} collect {input.manifest:q} > {log:q} 2>&1"


rule tables:
    input:
        PRODUCTS / "trials.csv",
        manifest=MANIFEST,
    output:
        directory(PRODUCTS / "tables"),
    log:
        PRODUCTS / "logs" / "tables.log",
    conda:
        "../../envs/labelnoise.yaml"
    params:
        labelnoise=LABELNOISE,
    shell:
        "{params.labelnoise} tables {input.manifest:q} > {log:q} 2>&1"


rule figures:
    input:
        PRODUCTS / "trials.csv",
        audits(),
        manifest=MANIFEST,
    output:
        directory(PRODUCTS / "figures"),
    log:
        PRODUCTS / "logs" / "figures.log",
    conda:
        "../../envs/labelnoise.yaml"
    params:
        labelnoise=LABELNOISE,
    shell:
        "{params.labelnoise} figures {input.manifest:q} > {log:q} 2>&1"


rule report:
    input:
        PRODUCTS / "tables",
        PRODUCTS / "figures",
        manifest=MANIFEST,
    output:
        PRODUCTS / "report.html",
    log:
        PRODUCTS / "logs" / "report.log",
    conda:
        "../../envs/labelnoise.yaml"
    params:
        labelnoise=LABELNOISE,
    shell:
        "{params.labelnoise} report {input.manifest:q} > {log:q} 2>&1"


# Ends the run with an error when a trial failed, after everything else is made.
rule check:
    input:
        PRODUCTS / "trials.csv",
        manifest=MANIFEST,
    output:
        touch(PRODUCTS / "complete"),
    log:
        PRODUCTS / "logs" / "check.log",
    conda:
        "../../envs/labelnoise.yaml"
    params:
        labelnoise=LABELNOISE,
    shell:
        "{params.labelnoise} check {input.manifest:q} > {log:q} 2>&1"
