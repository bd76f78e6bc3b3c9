"""Any config is either accepted or rejected with messages that name the place; none causes a crash."""

from __future__ import annotations

import copy
from typing import Any

import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from labelnoise.errors import UserError
from labelnoise.experiment.config_file import ConfigFile
from labelnoise.experiment.trials import expand

CONFIG = yaml.safe_load("""
datasets: [digits, {name: mnist}]
noise:
  - clean
  - {kind: symmetric, rate: [0.2, 0.4], variant: [exact, bernoulli]}
  - {kind: asymmetric, rate: 0.4, map: {3: 8, 8: 3}, label: own}
  - {kind: asymmetric, matrix: [[1.0]]}
  - {kind: file, path: no.csv, column: label}
losses: [CE, {loss: GCE, q: [0.5, 0.7]}, {loss: NCE+AGCE, AGCE.q: 2, label: mine, train: {l1: 1.0e-5}}, {target: a:B}]
seeds: [1, 2]
noise_seed: same
preset: {name: jal2025, dataset: cifar10}
train: {epochs: 2, lr: 0.1, schedule: cosine, augmentation: [], clip_norm: null}
only: {losses: [CE]}
run: {keep: [weights], snapshots: [1]}
highlight: top2
retry_failed: true
on_code_change: keep
""")

WORDS = ["", "clean", "symmetric", "file", "CE", "AGCE.q", "digits", "x" * 300, "../x", "a:B", "~", "$HOME", "猫"]
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-3, 3)
    | st.sampled_from([10**30, -(10**30), 0.5, 1e-320, 1e300, float("nan"), float("inf")])
    | st.sampled_from(WORDS)
)
KEYS = ["loss", "kind", "name", "rate", "matrix", "map", "path", "label", "train", "q", "arrays", "image_folder"]
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(KEYS) | st.integers(0, 3) | st.none(), inner, max_size=3)
    ),
    max_leaves=6,
)


def places(value: Any, here: tuple = ()) -> list[tuple]:
    nested = [here] if here else []
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return nested + [place for key, entry in entries for place in places(entry, (*here, key))]


PLACES = places(CONFIG)
change = st.tuples(st.sampled_from(PLACES), st.sampled_from(["set", "delete", "add"]), values)
mutations = st.lists(change, min_size=1, max_size=3)


def mutated(changes: list[tuple[tuple, str, Any]]) -> dict:
    config = copy.deepcopy(CONFIG)
    for place, how, value in changes:
        try:
            holder: Any = config
            for step in place[:-1]:
                holder = holder[step]
            if how == "delete":
                del holder[place[-1]]
            elif how == "set":
                holder[place[-1]] = value
            elif isinstance(holder[place[-1]], list):
                holder[place[-1]].append(value)
            else:
                holder[str(value)[:300]] = value
        except (KeyError, IndexError, TypeError):
            continue  # another change removed this place
    return config


@settings(max_examples=700, deadline=None)
@given(mutations)
@example([(("losses", 0), "set", {"loss": None})])
@example([(("losses", 0), "set", {"loss": "x" * 300})])
@example([(("datasets", 0), "set", {"name": "x" * 300, "arrays": "x" * 300, "like": "digits"})])
@example([(("noise", 4, "path"), "set", "x" * 300)])
@example([(("losses", 3, "target"), "set", "x" * 300 + ":B")])
@example([(("train", "model"), "set", "timm/" + "x" * 300)])
def test_every_config_is_accepted_or_refused_with_a_message(changes: list):
    try:
        _, trials = expand(ConfigFile("config.yaml", mutated(changes)))
    except UserError as error:
        for line in str(error).splitlines():
            assert line.startswith(("config.yaml: ", "--config")), line
        return
    assert len({trial.hash for trial in trials}) == len(trials)
