"""The engine: optimisers equal torch's, draws depend on the seed only, measures are correct."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from labelnoise.errors import UserError
from labelnoise.losses import create
from labelnoise.models import catalogue as models
from labelnoise.training import draws, loop
from labelnoise.training.data import assemble
from labelnoise.training.flat import FlatParameters
from labelnoise.training.learner import Learner
from labelnoise.training.optimizers import OPTIMIZERS
from support.small_training import ARRAYS, CPU, NOISY, PREPARED, a_recipe, data


def trained(loss: str = "CE", seed: int = 1, **changes: object) -> loop.Outcome:
    chosen = a_recipe(**changes)
    return loop.train(data(chosen, seed), create(loss, num_classes=10), chosen, seed=seed, device=CPU)


def small_net() -> nn.Module:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 36, 5))
    return net.double().to(memory_format=torch.channels_last)


SETTINGS: list[tuple[dict, Callable]] = [
    (
        {"optimizer": "sgd", "momentum": 0.9, "weight_decay": 1e-3},
        lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, weight_decay=1e-3),
    ),
    (
        {"optimizer": "sgd", "momentum": 0.9, "nesterov": True, "weight_decay": 1e-4},
        lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True, weight_decay=1e-4),
    ),
    (
        {"optimizer": "adam", "weight_decay": 1e-3},
        lambda p: torch.optim.Adam(p, lr=0.1, weight_decay=1e-3),
    ),
    (
        {"optimizer": "adamw", "weight_decay": 1e-2},
        lambda p: torch.optim.AdamW(p, lr=0.1, weight_decay=1e-2),
    ),
]


@pytest.mark.parametrize(("values", "reference"), SETTINGS, ids=["sgd", "nesterov", "adam", "adamw"])
@pytest.mark.parametrize("l1", [0.0, 1e-2])
def test_step_with_clipping_and_l1_equals_torch(values: dict, reference: Callable, l1: float):
    ours, theirs = small_net(), small_net()
    chosen = a_recipe(lr=0.1, **values)
    flat = FlatParameters([ours])
    optimizer, torchs = OPTIMIZERS[chosen.optimizer](flat.values, chosen), reference(list(theirs.parameters()))
    images, labels = torch.randn(8, 3, 8, 8, dtype=torch.float64), torch.arange(8) % 5
    for _ in range(5):
        flat.zero_grad()
        nn.functional.cross_entropy(ours(images), labels).backward()
        flat.add_l1(l1)
        flat.clip(0.5)
        optimizer.step(torch.tensor(0.1, dtype=torch.float64))
        torchs.zero_grad()
        penalty = l1 * sum(p.abs().sum() for p in theirs.parameters())
        (nn.functional.cross_entropy(theirs(images), labels) + penalty).backward()
        nn.utils.clip_grad_norm_(theirs.parameters(), 0.5)
        torchs.step()
    for mine, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        # A bias before batch norm has a gradient of rounding errors only, which AdamW scales up.
        torch.testing.assert_close(mine, other, rtol=1e-9, atol=1e-9)
        assert mine.stride() == other.stride()


@pytest.mark.parametrize("schedule", ["cosine", "step", "constant"])
def test_learning_rate_equals_torch_scheduler(schedule: str):
    chosen = a_recipe(schedule=schedule, epochs=12, lr=0.1, lr_min=0.001, step_epochs=5, step_factor=0.1)
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=0.1)
    theirs = {
        "cosine": lambda: torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 12, eta_min=0.001),
        "step": lambda: torch.optim.lr_scheduler.StepLR(optimizer, 5, gamma=0.1),
        "constant": lambda: torch.optim.lr_scheduler.ConstantLR(optimizer, factor=1.0),
    }[schedule]()
    for epoch in range(1, 13):
        assert chosen.learning_rate(epoch) == pytest.approx(theirs.get_last_lr()[0])
        optimizer.step()
        theirs.step()


def test_draws_depend_on_seed_purpose_and_epoch_only():
    def first(seed: int, purpose: str, epoch: int) -> float:
        return torch.rand(1, generator=draws.generator(seed, purpose, epoch)).item()

    assert first(1, "order", 3) == first(1, "order", 3)
    assert len({first(1, "order", 3), first(2, "order", 3), first(1, "order", 4), first(1, "other", 3)}) == 4


def test_trials_are_paired_over_losses():
    seen: dict[str, list[torch.Tensor]] = {}

    class Watching(nn.Module):
        def __init__(self, name: str):
            super().__init__()
            self.name, self.loss = name, create(name, num_classes=10)

        def forward(self, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
            seen.setdefault(self.name, []).append(targets.clone())
            seen.setdefault(f"{self.name} logits", []).append(logits.detach().clone())
            return self.loss(logits, targets)

    for name in ("CE", "MAE"):
        loop.train(data(a_recipe()), Watching(name), a_recipe(), seed=1, device=CPU)
    assert all(torch.equal(a, b) for a, b in zip(seen["CE"], seen["MAE"], strict=True))
    assert torch.equal(seen["CE logits"][0], seen["MAE logits"][0])
    assert not torch.equal(seen["CE logits"][5], seen["MAE logits"][5])


def test_each_view_is_a_separate_pass_with_its_own_batch_statistics():
    model = models.create("digits_cnn", num_classes=10, channels=1)
    learner = Learner(model, create("GJS", num_classes=10), seed=1, precision="fp32", device=CPU)
    views = [torch.randn(16, 1, 8, 8), 3 + torch.randn(16, 1, 8, 8)]
    targets = torch.arange(16) % 10
    norms = [module for module in model.modules() if isinstance(module, nn.BatchNorm2d)]
    logits, value = learner.step(views, targets)
    assert {int(norm.num_batches_tracked) for norm in norms} == {2}
    apart = [model(view) for view in views]
    assert torch.equal(logits, apart[0])
    assert torch.equal(value, learner.loss(tuple(apart), targets))
    together = model(torch.cat(views)).chunk(2)
    assert not torch.allclose(together[0], apart[0])


def test_same_seed_gives_the_same_bits_and_another_seed_others():
    first, again, other = trained(), trained(), trained(seed=2)
    assert first.metrics == again.metrics
    assert torch.equal(first.predictions["test_probabilities"], again.predictions["test_probabilities"])
    assert first.metrics != other.metrics


def test_nothing_inside_an_epoch_waits_for_the_device():
    """Counts `.item()` and the like: none in a step, so as many with 6 as with 23 steps per epoch."""

    class Counting(TorchDispatchMode):
        waits = 0

        def __torch_dispatch__(self, func, types, args=(), kwargs=None):
            names = ("_local_scalar_dense", "nonzero", "masked_select")
            self.waits += any(func.overloadpacket.__name__ == name for name in names)
            return func(*args, **(kwargs or {}))

    counts = []
    for batch_size in (256, 64):
        with Counting() as mode:
            trained("NCE+AGCE", batch_size=batch_size, l1=1e-5)
        counts.append(mode.waits)
    assert counts[0] == counts[1] > 0


def test_memorised_share_is_the_share_of_wrong_labels_predicted():
    outcome = trained("CE", epochs=30)
    last = outcome.metrics[-1]
    assert last["memorised"] > 60
    assert outcome.memorised > 60
    assert outcome.metrics[0]["memorised"] < 30
    assert last["wrong_samples_accuracy"] + last["memorised"] <= 100
    shares = 0.6 * last["correct_samples_accuracy"] + 0.4 * last["memorised"]
    assert last["given_accuracy"] == pytest.approx(shares, abs=0.1)


def test_clean_labels_have_no_memorised_share():
    clean = ARRAYS.labels["train"]
    chosen = a_recipe()
    clean_data = assemble(PREPARED, clean, clean, chosen, seed=1, device=CPU)
    outcome = loop.train(clean_data, create("CE", num_classes=10), chosen, seed=1, device=CPU)
    assert outcome.memorised is None
    assert outcome.metrics[-1]["memorised"] is None


def test_divergence_stops_training_in_that_epoch():
    outcome = trained(lr=1e30, clip_norm=None)
    assert outcome.diverged_at == 1
    assert outcome.metrics == []


def test_validation_part_is_held_out_with_its_noisy_labels():
    chosen = a_recipe(validation=0.1)
    held = data(chosen)
    assert (len(held.validation), len(held.train)) == (144, 1298)
    pieces = torch.cat([held.train.images.flatten(1), held.validation.images.flatten(1)])
    assert sorted(map(tuple, pieces.tolist())) == sorted(map(tuple, ARRAYS.images["train"].reshape(1442, -1).tolist()))
    outcome = trained(validation=0.1)
    assert outcome.metrics[-1]["validation_accuracy"] is not None
    # Each confidence can be matched with its sample.
    index = outcome.predictions["train_index"]
    held_out = outcome.predictions["validation_index"]
    assert sorted(torch.cat((index, held_out)).tolist()) == list(range(1442))
    probabilities = outcome.predictions["validation_probabilities"]
    hits = probabilities.argmax(dim=1) == torch.from_numpy(NOISY)[held_out]
    assert 100 * hits.float().mean().item() == pytest.approx(outcome.metrics[-1]["validation_accuracy"], abs=1e-4)
    assert len(index) == len(outcome.predictions["train_confidence"])
    assert torch.equal(held.train.images, torch.from_numpy(ARRAYS.images["train"])[index])


def test_last_batch_of_one_is_left_out():
    assert trained(batch_size=131).metrics  # 1442 = 11 · 131 + 1: batch norm cannot be computed on one sample
    for batch_size, size in ((131, 1441), (128, 1442)):
        chosen = a_recipe(batch_size=batch_size)
        orders = [loop._draw_order(data(chosen), chosen, seed=1, epoch=epoch, device=CPU) for epoch in (1, 2)]
        assert [len(set(order.tolist())) for order in orders] == [size, size]
        assert not torch.equal(*orders)


def test_labels_of_another_data_set_are_rejected():
    other = np.roll(ARRAYS.labels["train"], 1)
    with pytest.raises(UserError, match="made for other data"):
        assemble(PREPARED, NOISY, other, a_recipe(), seed=1, device=CPU)


def test_normalisation_must_match_the_channels():
    with pytest.raises(UserError, match="mean and std need 1 value"):
        data(a_recipe(mean=[0.5, 0.5, 0.5], std=[1.0, 1.0, 1.0]))


def test_training_works_in_bf16():
    assert trained("NCE+RCE", precision="bf16").metrics[-1]["test_accuracy"] > 40


def test_folds_hold_out_every_sample_once_and_the_first_is_the_plain_validation():
    folds = [data(a_recipe(validation=0.25, fold=fold)).validation_index for fold in (1, 2, 3, 4)]
    assert sorted(torch.cat(folds).tolist()) == list(range(1442))
    assert torch.equal(folds[0], data(a_recipe(validation=0.25)).validation_index)


def test_warm_up_rises_linearly_to_the_schedule():
    chosen = a_recipe(epochs=10, lr=1.0, schedule="constant", warmup_epochs=3)
    assert [chosen.learning_rate(epoch) for epoch in range(1, 6)] == [0.25, 0.5, 0.75, 1.0, 1.0]
