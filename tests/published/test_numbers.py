"""The papers' printed numbers, and CSV files of a user's own."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from labelnoise.datasets.catalogue import DATASETS
from labelnoise.errors import UserError
from labelnoise.losses import catalogue
from labelnoise.noise.catalogue import NOISES
from labelnoise.published import numbers

CELLS = [cell for paper in numbers.papers() for cell in numbers.read(paper)]
HEADER = ",".join(numbers.PrintedCell.__annotations__)


def test_every_printed_cell_is_there_with_its_paper_and_table():
    assert numbers.papers() == ["alf2021", "anl2023", "apl2020", "jal2025"]
    assert len(CELLS) == 1129
    assert Counter(cell["paper"] for cell in CELLS) == {"alf2021": 708, "jal2025": 421}
    sizes = Counter((cell["table"], cell["dataset"]) for cell in CELLS if cell["paper"] == "alf2021")
    assert sizes["Table 6", "mnist"] == 70
    assert sizes["Table 7", "cifar10"] == 68
    distinct = {
        (cell["paper"], cell["dataset"], cell["test_set"], cell["noise"], cell["rate"], name_of(cell["loss"]))
        for cell in CELLS
    }
    assert len(distinct) == 797 - 1  # 797 with the two values of CE that ALF prints for one cell


def name_of(loss: str) -> str:
    """JAL's Table 1 has a loss of Table 7 under another name."""
    return loss.removesuffix(" (α = 1, β = 1)")


def test_cells_name_what_the_catalogues_have():
    for cell in CELLS:
        info = DATASETS[cell["dataset"]]
        kind, _, variant = cell["noise"].partition("-")
        assert kind in NOISES
        assert not variant or variant in info.human
        assert (cell["rate"] is None) == (kind in ("human", "given"))
        assert 0 < cell["mean"] <= 100
        catalogue.parts(cell["loss"].partition(" (")[0])


@pytest.mark.parametrize(
    ("loss", "table", "words"),
    [
        ("GCE", "Table 3", "89.36 ± 0.19"),
        ("AGCE", "Table 1", "ALF's cell"),
        ("LT-APL", "Table 3", "Adam"),
        ("AGCE+MAE", "Table 1", "Table 7 as AGCE+MAE (α = 1, β = 1)"),
        ("CE", "Table 4", "not the PDN that it cites, and one draw"),
    ],
)
def test_doubtful_cells_have_a_note(loss: str, table: str, words: str):
    rows = [cell for cell in numbers.select("jal2025", [table]) if cell["loss"] == loss]
    assert any(words in cell["note"] for cell in rows)


def test_agce_of_jal_is_alfs_digit_for_digit():
    def cells(paper: str, tables: list[str]) -> dict:
        rows = [
            cell for cell in numbers.select(paper, tables) if cell["loss"] == "AGCE" and cell["dataset"] == "cifar10"
        ]
        return {(cell["noise"], cell["rate"]): (cell["mean"], cell["std"]) for cell in rows}

    jal, alf = cells("jal2025", ["Table 1"]), cells("alf2021", ["Table 6", "Table 7"])
    assert jal == {key: alf[key] for key in jal}


def test_own_file_is_read_and_its_mistakes_are_named(tmp_path: Path):
    row = "mine,T,digits,test,clean,0.0,CE,97.5,,"

    def write(name: str, *lines: str) -> str:
        (tmp_path / name).write_text("\n".join([HEADER, *lines]) + "\n")
        return str(tmp_path / name)

    (cell,) = numbers.read(write("good.csv", row))
    assert (cell["mean"], cell["std"], cell["loss"]) == (97.5, None, "CE")
    with pytest.raises(UserError, match=r"line 2: std must be a number, got 'x'"):
        numbers.read(write("word.csv", row.replace("97.5,,", "97.5,x,")))
    with pytest.raises(UserError, match="needs a mean"):
        numbers.read(write("empty.csv", row.replace("97.5", "")))
    with pytest.raises(UserError, match="two cells for CE"):
        numbers.read(write("twice.csv", row, row))
    (tmp_path / "head.csv").write_text("table,loss\n")
    with pytest.raises(UserError, match="first line must be paper,table"):
        numbers.read(str(tmp_path / "head.csv"))
    with pytest.raises(UserError, match=r"unknown table of jal2025 'Table 33' — did you mean Table 3\?"):
        numbers.select("jal2025", ["Table 33"])
    with pytest.raises(UserError, match="unknown paper 'jal2024'"):
        numbers.read("jal2024")
