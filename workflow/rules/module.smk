# Where another Snakefile uses this workflow as a module: Snakemake registers the hooks of the main Snakefile only.


def joined(ours, theirs):
    def hook(log):
        ours(log=log)
        theirs(log)

    return hook


def keep_hook(name, ours):
    """Run our hook before that of the main Snakefile, wherever it is defined there."""
    register = getattr(workflow, name)
    setattr(workflow, f"_{name}", joined(ours, getattr(workflow, f"_{name}")))
    setattr(workflow, name, lambda theirs: register(joined(ours, theirs)))


# A Snakefile that changes single rules evaluates the module once more.
if IS_MODULE and not hasattr(workflow, "labelnoise"):
    workflow.labelnoise = RUN
    keep_hook("onstart", onstart)
    keep_hook("onsuccess", onsuccess)
    keep_hook("onerror", onerror)
