"""The BibTeX of the papers whose losses, presets, data sets and noises an experiment uses (papers.bib)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from labelnoise.losses import catalogue
from labelnoise.losses.entries import ALIASES
from labelnoise.losses.parameters import LossError

# The entry of papers.bib by how the `source` of a catalogue loss begins.
_SOURCES = {
    "APL ": "ma2020apl", "ALF ": "zhou2021alf", "ANL ": "ye2023anl", "ANL+ ": "ye2025anlplus", "JAL ": "wang2025jal",
    "Ghosh et al. 2017": "ghosh2017mae", "Lin et al. 2017": "lin2017focal", "Zhang & Sabuncu 2018": "zhang2018gce",
    "Wang et al. 2019": "wang2019sce", "Kim et al. 2019": "kim2019nlnl", "Feng et al. 2020": "feng2020taylor",
    "Menon et al. 2020": "menon2020phuber", "Englesson & Azizpour 2021": "englesson2021gjs",
    "Zhou et al. 2021 (ICCV)": "zhou2021sr", "Wei et al. 2022": "wei2022nls", "Wei et al. 2023": "wei2023logitclip",
    "Wang et al. 2024": "wang2024epssoftmax", "Zhang et al. 2024": "zhang2024lt",
    "Liu et al. 2020": "liu2020elr", "Liu et al. 2022": "liu2022sop",
}  # fmt: skip
# By data set and by kind of noise. The catalogue of data sets is not imported, because it leads to torchvision.
_OTHERS = {
    "digits": ("alpaydin1998digits", "pedregosa2011sklearn"), "mnist": ("lecun1998mnist",),
    "fashion_mnist": ("xiao2017fashion",), "cifar10": ("krizhevsky2009cifar",), "cifar100": ("krizhevsky2009cifar",),
    "webvision_mini": ("li2017webvision", "russakovsky2015imagenet"), "clothing1m": ("xiao2015clothing1m",),
    "animal10n": ("song2019animal10n",), "instance": ("xia2020pdn",), "human": ("wei2022cifarn",),
}  # fmt: skip


def bibtex(
    losses: Iterable[str], presets: Iterable[str] = (), datasets: Iterable[str] = (), kinds: Iterable[str] = ()
) -> str:
    """The entries for these losses, presets, data sets and kinds of noise, in the file's order, a blank line between.

    A name without a paper, such as CE or a loss of the user's own, is ignored. A sum cites the papers of its parts.
    """
    text = Path(__file__).with_name("papers.bib").read_text(encoding="utf-8")
    entries = {match[1]: match[0] for match in re.finditer(r"^@\w+\{(\w+),.*?^\}", text, re.MULTILINE | re.DOTALL)}
    used = {key for loss in losses for key in _of_loss(loss)}
    used |= {key for name in (*datasets, *kinds) for key in _OTHERS.get(name, ())}
    for match in (re.match(r"([a-z]+)(\d{4})", preset) for preset in presets):
        used |= {key for key in entries if match and key.endswith(match[2] + match[1])}
    return "\n\n".join(entry for key, entry in entries.items() if key in used)


def _of_loss(name: str) -> Iterator[str]:
    try:
        parts = catalogue.parts(name)
    except LossError:
        return
    sources = [*(part.source for part in parts), *([ALIASES[name].source] if name in ALIASES else [])]
    yield from (key for start, key in _SOURCES.items() for source in sources if source.startswith(start))
    if name == "LT-APL":
        yield from _of_loss("NCE+RCE")
    # An active and a passive loss are APL's framework; SCE, which is older, is CE+RCE.
    elif {part.kind for part in parts} == {"active", "passive"} and {part.name for part in parts} != {"CE", "RCE"}:
        yield "ma2020apl"
