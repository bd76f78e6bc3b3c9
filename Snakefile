# The workflow is in workflow/Snakefile, where Snakemake's catalog and `module` statements look for it.
include: "workflow/Snakefile"
