"""A complete temporary benchmark from a config string, run by the real Snakefile."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]

SMALL = """\
datasets: [digits]
noise: [clean, {kind: symmetric, rate: 0.4}]
losses:
  - CE
  - {loss: GCE, q: 0.7}
seeds: [1, 2]
train: {epochs: 2}
"""


@dataclass(frozen=True)
class Project:
    """A folder with a config.yaml, in which the repository's Snakefile runs."""

    folder: Path

    @property
    def config(self) -> Path:
        return self.folder / "config.yaml"

    @property
    def results(self) -> Path:
        return self.folder / "results"

    def write(self, text: str, name: str = "config.yaml") -> None:
        (self.folder / name).write_text(text, encoding="utf-8")

    def edit(self, **changes: object) -> None:
        """Set top-level keys of config.yaml."""
        self.write(yaml.safe_dump(yaml.safe_load(self.config.read_text()) | changes))

    def command(self, *arguments: str, file: Path | None = ROOT / "Snakefile") -> list[str]:
        """The command that runs a Snakefile; None: the one in the folder."""
        snakefile = [] if file is None else ["-s", str(file)]
        return [sys.executable, "-m", "snakemake", *snakefile, "--cores", "2", *arguments]

    def snakemake(self, *arguments: str, file: Path | None = ROOT / "Snakefile", expect: int = 0) -> str:
        """Run Snakemake and return its output. Fails the test if the exit code is not the expected one."""
        command = self.command(*arguments, file=file)
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, timeout=300)
        output = done.stdout + done.stderr
        assert done.returncode == expect, output
        return output

    def would_run(self, *arguments: str, file: Path | None = ROOT / "Snakefile") -> dict[str, int]:
        """The jobs of a dry run, counted by rule, without the rules `all` and `trials` themselves."""
        output = self.snakemake("-n", *arguments, file=file)
        stats = output.split("Job stats:")[1].split("\n\n")[0] if "Job stats:" in output else ""
        counts = {rule: int(count) for rule, count in re.findall(r"^(\w+) +(\d+)$", stats, re.MULTILINE)}
        return {rule: count for rule, count in counts.items() if rule not in ("all", "trials", "total")}

    def labelnoise(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "labelnoise", *arguments]
        return subprocess.run(command, cwd=self.folder, capture_output=True, text=True, timeout=120)

    def finished(self) -> set[Path]:
        """The folders of all trials that have a result, relative to the project."""
        return {path.parent.relative_to(self.folder) for path in self.results.glob("trials/*/*/*/*/result.json")}
