"""The code blocks of README.md and docs/, and how each is run or checked.

python is executed, page by page, in a folder with the files that the page shows; a block whose first line is
`# NAME.py` is such a file. yaml is read, and validated with the rest of config.yaml where it has keys of a config.
Commands (console, or indented lines) are parsed by the program that would run them. text is not code.
`<!-- not run: reason -->` on the line before a block exempts it.
"""

from __future__ import annotations

import argparse
import importlib
import re
import shlex
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from labelnoise import cli
from labelnoise.experiment import config_file, trials
from labelnoise.experiment.config import Config
from labelnoise.experiment.config_file import ConfigFile
from labelnoise.experiment.validation import validate
from support.project import ROOT

_WRITTEN = (path for path in (ROOT / "docs").rglob("*.md") if path.parent.name != "_generated")
PAGES = [ROOT / "README.md", ROOT / "results/README.md", *sorted(_WRITTEN)]

_NOT_RUN = re.compile(r"<!-- not run: \S.* -->")
_FILE = re.compile(r"# ((?:[\w-]+/)?[\w-]+\.(?:py|yaml))\b")
_TARGET = re.compile(r"target: (\w+):")

# In entries of a config: data that the test does not have, and classes of other data than digits.
_ELSEWHERE = re.compile(r"\b(path|arrays|image_folder|human|given|matrix|cat)\b")

# What a documented command may begin with, besides labelnoise, make, snakemake and python.
_SHELL = ("cd", "mkdir", "pip", ".")


class BrokenBlockError(Exception):
    """A block that does not do what the page says."""


@dataclass(frozen=True)
class Block:
    """A code block: language (`console` for indented lines), text, line in the page; an `exempt` one is not run."""

    language: str
    text: str
    line: int
    exempt: bool

    @property
    def file(self) -> str | None:
        """The name of the file that the block shows."""
        match = _FILE.match(self.text)
        return match[1] if match else None


def blocks(text: str) -> Iterator[Block]:
    """The code blocks of a page, without MyST's directives."""
    lines = [*text.splitlines(), ""]
    number, before = 0, ""
    while number < len(lines):
        line = lines[number]
        start = number
        if fence := re.match(r"```(\{?[\w-]*)", line):
            end = lines.index("```", start + 1)
            number = end + 1
            if not fence[1].startswith("{"):
                body = "\n".join(lines[start + 1 : end])
                yield Block(fence[1], body, start + 2, bool(_NOT_RUN.fullmatch(before)))
        elif line.startswith("    ") and not before.strip():
            while lines[number].startswith("    "):
                number += 1
            yield Block("console", "\n".join(row[4:] for row in lines[start:number]), start + 1, False)
        else:
            number += 1
        before = lines[number - 1]


def run_page(text: str, folder: Path) -> None:
    """Run or check every block of a page in `folder`, the working folder, which is also on Python's path."""
    found = list(blocks(text))
    for block in found:
        if block.file and not block.exempt:
            path = folder / block.file
            path.parent.mkdir(exist_ok=True)
            path.write_text(block.text, encoding="utf-8")
    names: dict[str, Any] = {"__name__": "__main__"}
    modules = set(sys.modules)
    try:
        for block in found:
            if not block.exempt:
                try:
                    _run(block, names)
                except Exception as error:
                    raise BrokenBlockError(f"line {block.line} ({block.language}): {error!r}") from error
    finally:
        for name in set(sys.modules) - modules:
            if (folder / f"{name}.py").exists():
                del sys.modules[name]


def _run(block: Block, names: dict[str, Any]) -> None:
    if block.language == "python" and block.file:
        importlib.invalidate_caches()
        importlib.import_module(block.file.removesuffix(".py"))
    elif block.language == "python":
        exec(compile(block.text, f"line {block.line}", "exec"), names)
    elif block.language == "yaml":
        check_yaml(block)
    elif block.language == "console":
        for command in commands(block.text):
            check_command(command)
    elif block.language != "text":
        raise BrokenBlockError(f"nothing is known of the language {block.language!r}; use text for what is not code")


def check_yaml(block: Block) -> None:
    """Validate keys of a config together with those of config.yaml, and expand it into trials.

    What needs a file that the page does not show, or other data than digits, is left out before it is expanded.
    """
    path = Path(block.file or "block.yaml")
    if block.file is None:
        path.write_text(block.text, encoding="utf-8")
    text = block.text
    if match := re.search(r"^extends: (\S+)", text, re.MULTILINE):
        (path.parent / match[1]).write_text((ROOT / "experiments" / match[1]).read_text(encoding="utf-8"))
    read = config_file.read(path)
    keys = {*Config.model_fields, "extends"}
    if not isinstance(read.values, dict) or not keys & set(read.values):
        return
    base = {} if read.extended else config_file.read(ROOT / "config.yaml").values
    complete = ConfigFile(read.name, base | read.values, read.root, extended=read.extended)
    validate(complete)
    at_hand = {key: _at_hand(value, base.get(key)) for key, value in complete.values.items()}
    if str((at_hand.get("published") or {}).get("paper")).endswith(".csv"):
        del at_hand["published"]  # a file of the reader's
    trials.expand(ConfigFile(read.name, at_hand, read.root, extended=read.extended))


def _at_hand(value: Any, default: Any) -> Any:
    """The value without the entries of a list that the test cannot try; the default if none is left."""
    if not isinstance(value, list):
        return value
    entries = []
    for entry in value:
        text = yaml.safe_dump(entry)
        if not _ELSEWHERE.search(text) and all(Path(f"{name}.py").exists() for name in _TARGET.findall(text)):
            entries.append(entry)
    return entries or default


def commands(text: str) -> list[list[str]]:
    """The commands of a console block as words: lines after `$ `, or all lines if there is none."""
    joined = text.replace("\\\n", " ")
    lines = [line[2:] for line in joined.splitlines() if line.startswith("$ ")] or joined.splitlines()
    return [words for line in lines if (words := shlex.split(line, comments=True))]


def check_command(words: list[str]) -> None:
    """Raise unless the program that the command calls would accept its arguments."""
    program, *arguments = words
    if program == "labelnoise":
        _parse(cli.parser(), arguments)
    elif program == "make":
        targets = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
        if unknown := [word for word in arguments if "=" not in word and word not in targets]:
            raise BrokenBlockError(f"the Makefile has no target {unknown[0]}")
    elif program == "snakemake":
        _check_snakemake(arguments)
    elif program == "python":
        if arguments[0] != "-m" and not (ROOT / arguments[0]).exists():
            raise BrokenBlockError(f"there is no {arguments[0]}")
    elif program not in _SHELL:
        raise BrokenBlockError(f"nothing is known of the command {program}")


def _parse(parser: argparse.ArgumentParser, arguments: list[str]) -> argparse.Namespace:
    try:
        return parser.parse_args(arguments)
    except SystemExit:
        raise BrokenBlockError(f"{parser.prog} does not accept {shlex.join(arguments)}") from None


def _check_snakemake(arguments: list[str]) -> None:
    from snakemake.cli import get_argument_parser

    options = _parse(get_argument_parser(), [word for word in arguments if word != "--profile"])
    targets = re.findall(r"^rule (\w+):", _rules(), re.MULTILINE)
    profiles = [str(path.parent.relative_to(ROOT)) for path in (ROOT / "profiles").glob("*/config.yaml")]
    if unknown := [word for word in options.targets if word not in (*targets, *profiles)]:
        raise BrokenBlockError(f"there is no rule or profile {unknown[0]}")
    for path in options.configfile or []:
        if not (ROOT / path).exists() and Path(path).name != "mine.yaml":
            raise BrokenBlockError(f"there is no {path}")


def _rules() -> str:
    files = [*(ROOT / "workflow").rglob("*.smk"), *(ROOT / "workflow").glob("Snakefile"), ROOT / "Snakefile"]
    return "\n".join(path.read_text(encoding="utf-8") for path in files)
