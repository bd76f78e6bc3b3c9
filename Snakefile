# The workflow is in workflow/Snakefile, where Snakemake's catalog and `module` statements look for it.
include: "workflow/Snakefile"


workflow.default_target = "all"  # an included file does not set it
