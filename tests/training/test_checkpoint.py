"""A killed trial resumes from its checkpoint and ends with the same bits."""

from __future__ import annotations

import collections
import functools
import itertools
import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from labelnoise.errors import Stopped
from labelnoise.losses import catalogue, create, entries
from labelnoise.training import loop
from labelnoise.training.checkpoint import Checkpoint, TrainingState
from labelnoise.training.plain_state import PlainState
from support.small_training import CPU, Killed, a_recipe, data


def run(loss: str, path: Path | None, *, kill_after: int | None = None, **changes: object) -> loop.Outcome:
    """Six epochs with a checkpoint after each, killed after `kill_after` of them."""
    chosen = a_recipe(epochs=6, augmentation=["crop1"], **changes)

    def on_epoch_end(row: dict) -> None:
        # An epoch's row is reported before its checkpoint is saved, so the last epoch before the kill is lost.
        if row["epoch"] == kill_after:
            raise Killed

    checkpoint = None if path is None else Checkpoint(path, "trial", seconds=0)
    return loop.train(
        data(chosen),
        create(loss, num_classes=10),
        chosen,
        seed=1,
        device=CPU,
        on_epoch_end=on_epoch_end,
        checkpoint=checkpoint,
    )


@pytest.mark.parametrize("loss", ["CE", "LT-APL", "NLNL", "SR", "GJS"])
@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_killed_trial_ends_with_the_bits_of_an_uninterrupted_one(tmp_path: Path, loss: str, optimizer: str):
    path, settings = tmp_path / "checkpoint.pt", {"optimizer": optimizer, "lr": 0.01}
    uninterrupted = run(loss, None, **settings)
    for kill_after in (1, 3, 6):
        with pytest.raises(Killed):
            run(loss, path, kill_after=kill_after, **settings)
    resumed = run(loss, path, **settings)
    assert resumed.metrics == uninterrupted.metrics
    assert resumed.memorised == uninterrupted.memorised
    for name, values in uninterrupted.predictions.items():
        assert torch.equal(resumed.predictions[name], values), name


def test_resumed_trial_does_not_repeat_epochs(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    with pytest.raises(Killed):
        run("CE", tmp_path / "checkpoint.pt", kill_after=4)
    run("CE", tmp_path / "checkpoint.pt")
    assert "resuming after epoch 3" in capsys.readouterr().out


@pytest.mark.long
def test_trial_stopped_anywhere_in_training_or_evaluation_ends_with_the_same_bits(tmp_path: Path):
    chosen = a_recipe(epochs=2, validation=0.1)

    def train(path: Path, stop_at: int | None) -> tuple[int, loop.Outcome | None]:
        """How often `stop` was called, and the outcome if training was not stopped."""
        calls = 0

        def stop() -> bool:
            nonlocal calls
            calls += 1
            return calls == stop_at

        kept = Checkpoint(path, "trial", seconds=3600)
        try:
            outcome = loop.train(
                data(chosen), create("CE", num_classes=10), chosen, seed=1, device=CPU, checkpoint=kept, stop=stop
            )
        except Stopped:
            return calls, None
        return calls, outcome

    steps = -(-1298 // chosen.batch_size)
    total_calls, uninterrupted = train(tmp_path / "uninterrupted.pt", None)
    assert total_calls > 2 * steps + 2 * 2, "`stop` is called in the evaluations too"
    last_step = steps
    for stop_at in (1, last_step, last_step + 1, last_step + 2, last_step + 3, total_calls - 1, total_calls):
        path = tmp_path / f"{stop_at}.pt"
        assert train(path, stop_at)[1] is None
        calls, resumed = train(path, None)
        assert calls < total_calls
        assert resumed.metrics == uninterrupted.metrics
        for name, values in uninterrupted.predictions.items():
            assert torch.equal(resumed.predictions[name], values), name


class Ema(torch.nn.Module):
    """Keeps a running mean as a Python number, and draws from numpy's and Python's global generators."""

    def __init__(self):
        super().__init__()
        self.ema, self.seen, self.history = 1.0, {"steps": 0}, collections.deque(maxlen=3)

    def forward(self, logits, targets):
        value = torch.nn.functional.cross_entropy(logits, targets)
        self.ema = 0.9 * self.ema + 0.1 * value.detach()
        self.seen["steps"] += 1
        self.history.append(float(self.ema))
        return value / self.ema * (1 + 0.01 * (random.random() + np.random.rand())) + 0 * sum(self.history)


class EveryEpoch(torch.nn.Module):
    """Counts the calls of `set_epoch` in a number and in buffers of both kinds; its value depends on them."""

    needs = ("epoch",)

    def __init__(self):
        super().__init__()
        self.calls = 0
        self.register_buffer("decay", torch.ones(()), persistent=False)
        self.register_buffer("total", torch.zeros(()))

    def set_epoch(self, epoch):
        self.calls += 1
        self.decay *= 0.5
        self.total += 1

    def forward(self, logits, targets):
        return torch.nn.functional.cross_entropy(logits, targets) * (1 + self.decay) / self.calls / self.total


class Recorder(torch.nn.Module):
    """Changes an attribute that no checkpoint can hold."""

    class Log:
        entries = 0

    def __init__(self):
        super().__init__()
        self.log = self.Log()

    def forward(self, logits, targets):
        self.log.entries += 1
        return torch.nn.functional.cross_entropy(logits, targets) / self.log.entries**0.1


def stopped(loss: Callable[[], torch.nn.Module], path: Path, *, after: int) -> None:
    """Train until stopped after so many steps."""
    chosen = a_recipe(epochs=4, augmentation=["crop1"])
    calls = itertools.count(1)
    with pytest.raises(Stopped):
        loop.train(
            data(chosen), loss(), chosen, seed=1, device=CPU,
            checkpoint=Checkpoint(path, "trial", seconds=3600), stop=lambda: next(calls) == after,
        )  # fmt: skip


def resumed(loss: Callable[[], torch.nn.Module], path: Path | None) -> loop.Outcome:
    chosen = a_recipe(epochs=4, augmentation=["crop1"])
    kept = None if path is None else Checkpoint(path, "trial", seconds=3600)
    return loop.train(data(chosen), loss(), chosen, seed=1, device=CPU, checkpoint=kept)


NEEDING = [name for name in (*entries.LOSSES, "LT-APL") if catalogue.needs(name)]
LOSSES = {name: functools.partial(create, name, num_classes=10) for name in NEEDING} | {
    "a number": Ema,
    "set_epoch": EveryEpoch,
}


@pytest.mark.parametrize("loss", LOSSES)
def test_trial_stopped_within_an_epoch_ends_with_the_same_bits_whatever_the_loss_keeps(tmp_path: Path, loss: str):
    uninterrupted = resumed(LOSSES[loss], None)
    path = tmp_path / "checkpoint.pt"
    for after in (5, 3, 20):
        stopped(LOSSES[loss], path, after=after)
        assert path.exists()
    again = resumed(LOSSES[loss], path)
    assert again.metrics == uninterrupted.metrics
    for name, values in uninterrupted.predictions.items():
        assert torch.equal(again.predictions[name], values), name


def test_loss_with_unsavable_state_starts_over_with_a_message(tmp_path: Path, capsys):
    path = tmp_path / "checkpoint.pt"
    stopped(Recorder, path, after=15)
    assert (
        "no checkpoint is saved: loss.log changes in training, and a checkpoint cannot hold a Log"
        in capsys.readouterr().out
    )
    assert not path.exists()
    assert resumed(Recorder, path).metrics == resumed(Recorder, None).metrics


def test_checkpoint_with_a_flipped_bit_is_not_used(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    path, draw = tmp_path / "checkpoint.pt", random.Random(0)
    uninterrupted = run("CE", None).metrics
    with pytest.raises(Killed):
        run("CE", path, kill_after=4)
    whole = path.read_bytes()
    weights = whole.index(next(iter(torch.load(path, weights_only=True)["modules"][0].values())).numpy().tobytes())
    for place in (weights + 3, *(draw.randrange(len(whole)) for _ in range(12))):
        damaged = bytearray(whole)
        damaged[place] ^= 0x40
        path.write_bytes(damaged)
        assert run("CE", path).metrics == uninterrupted, place
        if place == weights + 3:
            assert "is damaged" in capsys.readouterr().out


@pytest.mark.parametrize("damage", ["truncated", "other trial", "other precision", "no checkpoint"])
def test_unusable_checkpoint_is_moved_aside_with_a_message(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], damage: str
):
    path = tmp_path / "checkpoint.pt"
    with pytest.raises(Killed):
        run("CE", path, kill_after=4)
    if damage == "truncated":
        path.write_bytes(path.read_bytes()[:1000])
    elif damage == "other trial":
        torch.save(torch.load(path, weights_only=True) | {"identity": "another"}, path)
    elif damage == "other precision":
        torch.save(torch.load(path, weights_only=True) | {"arithmetic": "cpu in bf16"}, path)
    else:
        path.write_text("hello")
    assert run("CE", path).metrics == run("CE", None).metrics
    assert "cannot be used" in capsys.readouterr().out
    assert path.with_suffix(".unusable").exists()


def test_checkpoint_waits_between_writes(tmp_path: Path):
    due = [Checkpoint(tmp_path / "checkpoint.pt", "trial", seconds=seconds).is_due(1, 9) for seconds in (0, 3600)]
    assert due == [True, False]


def test_checkpoint_every_n_epochs(tmp_path: Path):
    checkpoint = Checkpoint(tmp_path / "checkpoint.pt", "trial", seconds=0, epochs=3)
    assert [epoch for epoch in range(1, 8) if checkpoint.is_due(epoch, 7)] == [3, 6]


def test_kept_checkpoint_is_from_the_last_epoch(tmp_path: Path):
    checkpoint = Checkpoint(tmp_path / "checkpoint.pt", "trial", seconds=3600, keep=True)
    assert [epoch for epoch in range(1, 8) if checkpoint.is_due(epoch, 7)] == [7]
    checkpoint.save(TrainingState((), PlainState({}, CPU), {}))
    checkpoint.finish()
    assert checkpoint.path.exists()
