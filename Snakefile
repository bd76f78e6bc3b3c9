# config.yaml → noisy label files → one trained model per trial → trials.csv → tables, figures, one report.
from snakemake.utils import min_version

min_version("9.6")


include: "workflow/rules/common.smk"
include: "workflow/rules/data.smk"
include: "workflow/rules/labels.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/analysis.smk"
include: "workflow/rules/theory.smk"


rule all:
    default_target: True
    input:
        RUN.set_aside,
        results(),  # a trial without a result is trained even if the products exist
        features(),  # only those that can be derived from the weights of finished trials
        PRODUCTS / "trials.csv",
        PRODUCTS / "summary.csv",
        PRODUCTS / "ranks.csv",
        RUN.collected,
        PRODUCTS / "tables",
        PRODUCTS / "figures",
        PRODUCTS / "report.html",
        PRODUCTS / "complete",


# Jobs on other nodes execute these hooks too; only the user's own process starts and ends the run.
onstart:
    if workflow.is_main_process:
        start_run()


onsuccess:
    if workflow.is_main_process:
        end_run()


onerror:
    if workflow.is_main_process:
        end_broken_run()
