"""`labelnoise.noise.corrupt` gives a config's labels for arrays and lists of class numbers or names."""

from __future__ import annotations

import numpy as np
import pytest

from labelnoise.errors import UserError
from labelnoise.noise import corrupt
from labelnoise.noise.generate import generate

TRUE = np.repeat(np.arange(4), 50)


@pytest.mark.parametrize("kind", ["symmetric", "pair"])
def test_labels_are_those_of_the_generators_in_every_form(kind: str):
    expected = generate(TRUE, num_classes=4, noise={"kind": kind, "rate": 0.3, "seed": 5})
    for given in (TRUE, TRUE.astype(np.int32), TRUE.tolist()):
        noisy = corrupt(given, kind, rate=0.3, seed=5)
        assert noisy.dtype == np.int64 and np.array_equal(noisy, expected)
    names = np.array(["ant", "bee", "cat", "dog"])
    assert np.array_equal(corrupt(names[TRUE], kind, rate=0.3, seed=5), names[expected])


def test_classes_that_do_not_occur_can_be_flipped_to():
    noisy = corrupt(["a"] * 100, "symmetric", rate=0.5, seed=1, classes=["a", "b", "c"], variant="bernoulli")
    assert set(noisy.tolist()) == {"a", "b", "c"}


@pytest.mark.parametrize(
    ("labels", "settings", "message"),
    [
        (TRUE, {"kind": "symmetric", "rate": 1.4}, r"must lie in \[0, 1\), got 1.4"),
        (TRUE, {"kind": "symetric", "rate": 0.4}, "did you mean symmetric"),
        (TRUE, {"kind": "asymmetric", "rate": 0.4}, "needs a map"),
        (TRUE, {"kind": "instance", "rate": 0.4}, "needs features"),
        (TRUE, {"kind": "instance", "rate": 0.4, "features": np.zeros((3, 2))}, "a row for each of 200 labels, got 3"),
        (TRUE, {"kind": "pair", "rate": 0.4, "features": np.zeros((200, 2))}, "no other kind takes them"),
        (TRUE, {"kind": "pair", "rate": 0.4, "seed": -1}, "seed must lie in"),
        ([0, 2, 0, 2], {"kind": "pair", "rate": 0.4}, "no sample has the label 1"),
        (TRUE + 0.5, {"kind": "pair", "rate": 0.4}, "neither a whole number nor a class name"),
        ([], {"kind": "pair", "rate": 0.4}, "there are no labels"),
    ],
)
def test_unusable_labels_and_settings_are_refused(labels: object, settings: dict[str, object], message: str):
    with pytest.raises(UserError, match=message):
        corrupt(labels, **{"seed": 1, **settings})
