# From results to trials.csv, tables, figures and the report. None of these rules needs torch.


# `snakemake trials`: everything up to trials.csv, which is replaced if it belongs to another config.
rule trials:
    input:
        RUN.set_aside,
        results(),
        PRODUCTS / "trials.csv",
        RUN.collected,


# The name of the last output is the hash of the manifest that trials.csv was made from.
rule collect:
    input:
        results(),
    output:
        report(PRODUCTS / "trials.csv", caption="../report/trials.rst", category="Numbers"),
        report(PRODUCTS / "summary.csv", caption="../report/summary.rst", category="Numbers"),
        PRODUCTS / "ranks.csv",
        RUN.collected,
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
        PRODUCTS / "summary.csv",
        PRODUCTS / "ranks.csv",
    output:
        report(
            directory(PRODUCTS / "tables"),
            patterns=["{table}.html"],
            caption="../report/tables.rst",
            category="Tables",
            labels={"table": "{table}"},
        ),
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
        PRODUCTS / "summary.csv",
        PRODUCTS / "ranks.csv",
        audits(),
    output:
        report(
            directory(PRODUCTS / "figures"),
            patterns=["{figure}.svg"],
            caption="../report/figures.rst",
            category="Figures",
            labels={"figure": "{figure}"},
        ),
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
        report(PRODUCTS / "report.html", caption="../report/report.rst", category="Report"),
    log:
        PRODUCTS / "logs" / "report.log",
    conda:
        "../../envs/labelnoise.yaml"
    params:
        labelnoise=LABELNOISE,
        manifest=MANIFEST,
    shell:
        "{params.labelnoise} report {params.manifest:q} > {log:q} 2>&1"


# Fails the run if a trial failed or is missing, after the products are made.
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
