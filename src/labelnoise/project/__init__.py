"""The workflow that comes with the package, and projects of users that run it from a folder of their own.

In an installed package the workflow's files lie in `files/` beside this file; in a clone, at the repository's top.

    # Snakefile of a project
    from labelnoise.project import snakefile

    module labelnoise:
        snakefile: snakefile()

    use rule * from labelnoise
"""

from __future__ import annotations

from pathlib import Path

import labelnoise
from labelnoise.errors import UserError


def files() -> Path:
    """The folder with config.yaml, experiments, profiles and workflow. Raises `UserError` if they are missing."""
    for folder in (Path(__file__).parent / "files", Path(__file__).parents[3]):
        if (folder / "workflow" / "Snakefile").is_file():
            return folder
    raise UserError(
        f"labelnoise {labelnoise.__version__} is installed without its workflow: install it again, from a wheel or a "
        "clone (pip install --force-reinstall labelnoise)"
    )


def snakefile() -> str:
    """The workflow's Snakefile, for Snakemake's `module`. Raises `UserError` if it is missing."""
    return str(files() / "workflow" / "Snakefile")


def experiments() -> Path:
    """The folder of the experiments that come with labelnoise."""
    return files() / "experiments"


def require(version: str) -> None:
    """Raise `UserError` unless the installed package has the workflow's version."""
    if version != labelnoise.__version__:
        raise UserError(
            f"this workflow is that of labelnoise {version}, but labelnoise {labelnoise.__version__} is installed: "
            f"pip install labelnoise=={version}, or use the installed workflow (labelnoise.project.snakefile())"
        )
