"""The workflow's overhead: the real Snakefile with a trainer that only writes a result, and a finished run.

    python benchmarks/orchestration.py [--trials 3000] [--noop 5000]

Measures in one run: `--trials` jobs that only touch a file, with Snakemake's cheapest rule; as many trials through the
real Snakefile with a trainer that only writes result.json; and a call with nothing to do at `--noop` finished trials.
Prints seconds, milliseconds per job, and the ratio of the second to the first.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent
TRIVIAL = """\
rule all:
    input: expand("out/{i}", i=range(COUNT))
rule one:
    output: "out/{i}"
    shell: "touch {output}"
"""
# Replaces `python -m labelnoise`, so that no Python starts.
TRAINER = """\
#!/bin/sh
while [ $# -gt 0 ]; do case $1 in train) job=train;; --out) out=$2;; esac; shift; done
[ "$job" = train ] || exit 9
hash=${out##*-}
printf '{"status": "ok", "trial": "%s", "spec": null, "reason": null, "test_sets": {}}' "$hash" > "$out/.new"
mv "$out/.new" "$out/result.json"
"""
CONFIG = {
    "datasets": ["digits"],
    "noise": [{"kind": "symmetric", "rate": 0.4}],
    "losses": [{"loss": "GCE", "q": [round(0.01 * (i + 1), 2) for i in range(50)]}],
    "noise_seed": 1,
}


def snakemake(folder: Path, *arguments: str, snakefile: Path) -> float:
    command = [sys.executable, "-m", "snakemake", "-s", str(snakefile), "--cores", "all", *arguments]
    started = time.perf_counter()
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stdout + done.stderr)
    return time.perf_counter() - started


def with_trainer(folder: Path) -> Path:
    """Copy the real Snakefile and its rules, changing only the line with the command that they run."""
    trainer = folder / "trainer"
    trainer.write_text(TRAINER)
    trainer.chmod(0o755)
    shutil.copy(ROOT / "Snakefile", folder)
    for part in ("workflow", "envs"):
        shutil.copytree(ROOT / part, folder / part)
    common = folder / "workflow" / "rules" / "common.smk"
    lines = common.read_text().splitlines()
    number = next(i for i, line in enumerate(lines) if line.startswith("LABELNOISE = "))
    lines[number] = f"LABELNOISE = {str(trainer)!r}"
    common.write_text("\n".join(lines))
    return folder / "Snakefile"


def write_config(folder: Path, trials: int) -> None:
    (folder / "config.yaml").write_text(json.dumps(CONFIG | {"seeds": list(range(-(-trials // 50)))}))


def pretend_finished(folder: Path) -> None:
    """Write a result for every trial of the manifest, as the trainer above does."""
    for trial in json.loads((folder / "results" / "manifest.json").read_text())["trials"]:
        trial_folder = folder / trial["folder"]
        trial_folder.mkdir(parents=True, exist_ok=True)
        result = {"status": "ok", "trial": trial["hash"], "spec": None, "reason": None, "test_sets": {}}
        (trial_folder / "result.json").write_text(json.dumps(result))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=3000)
    parser.add_argument("--noop", type=int, default=5000)
    options = parser.parse_args()
    profile = ["--profile", str(ROOT / "profiles" / "default")]
    real = ROOT / "Snakefile"
    with tempfile.TemporaryDirectory() as temporary:
        plain = Path(temporary, "plain")
        plain.mkdir()
        (plain / "Snakefile").write_text(TRIVIAL.replace("COUNT", str(options.trials)))
        trivial = snakemake(plain, *profile, snakefile=plain / "Snakefile")
        print(
            f"{options.trials} trivial jobs: {trivial:.1f} s, {1000 * trivial / options.trials:.1f} ms each", flush=True
        )

        folder = Path(temporary, "trials")
        folder.mkdir()
        write_config(folder, options.trials)
        snakemake(folder, *profile, "--until", "labels", snakefile=real)
        trained = snakemake(folder, *profile, "--until", "train", snakefile=with_trainer(folder))
        each = 1000 * trained / options.trials
        print(f"{options.trials} trials that only write a result: {trained:.1f} s, {each:.1f} ms each", flush=True)
        print(f"ratio: {trained / trivial:.2f}", flush=True)

        folder = Path(temporary, "finished")
        folder.mkdir()
        write_config(folder, options.noop)
        snakemake(folder, *profile, "-n", snakefile=real)
        pretend_finished(folder)
        for product in ("trials.csv", "report.html", "complete"):
            (folder / "results" / product).touch()
        for product in ("tables", "figures"):
            (folder / "results" / product).mkdir()
        print(
            f"a call with nothing to do at {options.noop} trials: {snakemake(folder, *profile, snakefile=real):.1f} s"
        )


if __name__ == "__main__":
    main()
