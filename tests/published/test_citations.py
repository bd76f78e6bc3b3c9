"""The BibTeX of what an experiment uses."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from labelnoise.datasets.catalogue import DATASETS
from labelnoise.losses import catalogue
from labelnoise.noise.catalogue import NOISES
from labelnoise.published import citations, presets
from labelnoise.published.citations import bibtex

FILE = Path(citations.__file__).with_name("papers.bib").read_text(encoding="utf-8")
# A key may appear in the file as `@type{key,` only.
KEYS = re.findall(r"@\w+\{([^,]*),", FILE)
WITHOUT_PAPER = {"CE"}


def keys(*args: list[str], **kwargs: list[str]) -> list[str]:
    return re.findall(r"@\w+\{([^,]*),", bibtex(*args, **kwargs))


def test_every_loss_that_has_a_paper_cites_it():
    assert {name for name in catalogue.names() if not keys([name])} == WITHOUT_PAPER


def test_every_data_set_and_preset_cites_a_paper():
    assert [name for name in DATASETS if not keys([], datasets=[name])] == []
    assert [name for name in presets.names() if len(keys([], [name])) != 1] == []


def test_every_entry_of_the_file_is_reachable_and_in_the_files_order():
    assert keys(catalogue.names(), presets.names(), list(DATASETS), list(NOISES)) == KEYS


def test_the_first_author_and_year_of_an_entry_are_its_key():
    for entry in bibtex(catalogue.names(), [], list(DATASETS), list(NOISES)).split("\n\n"):
        (author,) = re.findall(r"^  author = \{(\w+),", entry, re.MULTILINE)
        (year,) = re.findall(r"^  year = \{(\d{4})\},$", entry, re.MULTILINE)
        (key,) = re.findall(r"@\w+\{(\w+),", entry)
        assert key.startswith(author.lower() + year)


def test_entries_are_complete_and_their_braces_balanced():
    where = {"inproceedings": "booktitle", "article": "journal", "techreport": "institution", "misc": "howpublished"}
    assert len(set(KEYS)) == len(KEYS)
    entries = bibtex(catalogue.names(), [], list(DATASETS), list(NOISES)).split("\n\n")
    assert len(entries) == len(KEYS)
    for entry in entries:
        (kind,) = re.findall(r"@(\w+)\{", entry)
        fields = re.findall(r"^  (\w+) = \{", entry, re.MULTILINE)
        assert {"author", "title", "year", where[kind]} <= set(fields)
        assert len(set(fields)) == len(fields)
        depths = [entry[:end].count("{") - entry[:end].count("}") for end in range(1, len(entry) + 1)]
        assert depths[-1] == 0
        assert all(depth > 0 for depth in depths[entry.index("{") : -1])


@pytest.mark.parametrize(
    ("loss", "papers"),
    [
        ("CE", []),
        ("user:MyLoss", []),
        ("my_losses:MyLoss", []),
        ("no such loss", []),
        ("MAE", ["ghosh2017mae"]),
        ("SCE", ["wang2019sce"]),
        ("CE+RCE", ["wang2019sce"]),
        ("CE+LC", ["wei2023logitclip"]),
        ("CE+MAE", ["ma2020apl", "ghosh2017mae"]),
        ("GCE+AGCE", ["zhou2021alf", "zhang2018gce"]),
        ("NCE+AGCE", ["ma2020apl", "zhou2021alf"]),
        ("NCE+RCE", ["ma2020apl", "wang2019sce"]),
        ("ANL-CE", ["ma2020apl", "ye2023anl"]),
        ("ANL-CE-ER", ["ma2020apl", "ye2023anl", "ye2025anlplus"]),
        ("JAL-FL", ["ma2020apl", "wang2025jal"]),
        ("LT-APL", ["ma2020apl", "wang2019sce", "zhang2024lt"]),
    ],
)
def test_a_loss_cites_its_parts_and_the_framework_that_joins_them(loss: str, papers: list[str]):
    assert keys([loss]) == papers


def test_a_preset_cites_its_own_paper():
    assert keys([], ["jal2025-paper", "lt2024", "sr2021", "of my own"]) == ["wang2025jal", "zhou2021sr", "zhang2024lt"]


def test_human_labels_are_cited_with_their_noise_only():
    assert keys([], datasets=["cifar10"]) == ["krizhevsky2009cifar"]
    assert keys([], datasets=["cifar10", "cifar100"], kinds=["human"]) == ["krizhevsky2009cifar", "wei2022cifarn"]
    assert keys([], kinds=["symmetric", "instance"]) == ["xia2020pdn"]


def test_nothing_to_cite_is_an_empty_text():
    assert bibtex(["CE"], [], ["data of my own"], ["clean"]) == ""
