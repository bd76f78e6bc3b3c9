"""Training from image files: independent of the workers, resumed bit for bit, a missing image is named."""

from __future__ import annotations

import gc
import itertools
import multiprocessing
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from labelnoise import targets
from labelnoise.datasets.catalogue import DATASETS
from labelnoise.datasets.store import Prepared, open_prepared, prepare
from labelnoise.errors import Stopped, UserError
from labelnoise.losses import create
from labelnoise.training import checkpoint, image_files, loop, recipe
from labelnoise.training.augmentation import rotate, turn
from labelnoise.training.data import Data, ImagesInMemory, assemble
from labelnoise.training.image_files import ImagesInFiles, evaluation_transform, training_transform
from support import image_trees as trees

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    folder = tmp_path_factory.mktemp("animal10n")
    trees.animal10n(folder / "raw")
    prepare(DATASETS["animal10n"], folder / "raw", folder / "out")
    return open_prepared(folder / "out", {"name": "animal10n", "version": 1})


def a_recipe(**changes: object) -> recipe.Recipe:
    small = {"model": "digits_cnn", "image_size": 8, "resize": [10, 10], "epochs": 2, "precision": "fp32", "threads": 1}
    return recipe.Recipe(**{**DATASETS["animal10n"].recipe, **small, **changes})


def data(prepared: Prepared, chosen: recipe.Recipe) -> Data:
    """The data set with every tenth label wrong."""
    labels = np.array(prepared.train.labels)
    noisy = np.where(np.arange(len(labels)) % 10 == 0, (labels + 1) % 10, labels)
    return assemble(prepared, noisy, labels, chosen, seed=1, device=CPU)


def trained(prepared: Prepared, chosen: recipe.Recipe, loss: str = "CE", **options: object) -> loop.Outcome:
    return loop.train(data(prepared, chosen), create(loss, num_classes=10), chosen, seed=1, device=CPU, **options)


def same(first: loop.Outcome, second: loop.Outcome) -> bool:
    return first.metrics == second.metrics and all(
        torch.equal(values, second.predictions[name]) for name, values in first.predictions.items()
    )


def test_one_worker_reads_on_the_cpu_and_more_would_give_the_same_bits(
    prepared: Prepared, monkeypatch: pytest.MonkeyPatch
):
    num_workers = []

    def with_two_workers(*args: object, **options: object) -> DataLoader:
        num_workers.append(options.pop("num_workers"))
        return DataLoader(*args, num_workers=2, **options)

    one = trained(prepared, a_recipe(threads=2))
    monkeypatch.setattr(image_files, "DataLoader", with_two_workers)
    assert same(one, trained(prepared, a_recipe(threads=2)))
    assert set(num_workers) == {1}


def test_trial_stopped_within_an_epoch_draws_the_same_as_an_uninterrupted_one(prepared: Prepared, tmp_path: Path):
    class Drawing(torch.nn.Module):
        def forward(self, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
            return torch.nn.functional.cross_entropy(torch.nn.functional.dropout(logits), targets)

    def run(**options: object) -> loop.Outcome:
        chosen = a_recipe(batch_size=64)
        return loop.train(data(prepared, chosen), Drawing(), chosen, seed=1, device=CPU, **options)

    path, calls = tmp_path / "checkpoint.pt", itertools.count(1)
    with pytest.raises(Stopped):
        run(checkpoint=checkpoint.Checkpoint(path, "a"), stop=lambda: next(calls) == 2)
    assert same(run(), run(checkpoint=checkpoint.Checkpoint(path, "a")))


def test_resumed_trial_ends_with_the_same_bits(prepared: Prepared, tmp_path: Path):
    class Stop(Exception):
        pass

    def stop(row: dict) -> None:
        if row["epoch"] == 2:
            raise Stop

    chosen = a_recipe(epochs=3)
    whole = trained(prepared, chosen)
    path = tmp_path / "checkpoint.pt"
    with pytest.raises(Stop):
        trained(prepared, chosen, on_epoch_end=stop, checkpoint=checkpoint.Checkpoint(path, "a", seconds=0))
    resumed = checkpoint.Checkpoint(path, "a", seconds=0)
    assert same(whole, trained(prepared, chosen, checkpoint=resumed))
    assert resumed.epochs_restored == 1


def test_views_of_an_image_differ_and_losses_get_both(prepared: Prepared):
    chosen = a_recipe(augmentation=["resized_crop", "flip"])
    samples = data(prepared, chosen).train
    order = torch.arange(len(samples))
    first, second = next(samples.training_batches(order, chosen, seed=1, epoch=1, views=2))
    assert first.shape == second.shape
    assert not torch.equal(first, second)
    again = next(samples.training_batches(order, chosen, seed=1, epoch=1, views=2))
    assert torch.equal(first, again[0])
    assert torch.equal(second, again[1])
    assert not torch.equal(first, next(samples.training_batches(order, chosen, seed=1, epoch=2, views=1))[0])
    assert len(trained(prepared, chosen, loss="GJS").metrics) == 2


def test_training_from_files_equals_training_from_memory_on_the_same_pixels(prepared: Prepared):
    chosen = a_recipe(augmentation=[], validation=0.25)
    from_files = data(prepared, chosen)

    def loaded(samples: ImagesInFiles) -> ImagesInMemory:
        return ImagesInMemory(torch.cat(list(samples.evaluation_batches())), samples.given, samples.true)

    tests = {name: loaded(samples) for name, samples in from_files.tests.items()}
    indices = (from_files.train_index, from_files.validation_index)
    in_memory = Data(loaded(from_files.train), loaded(from_files.validation), tests, 10, *indices)
    first, second = (
        loop.train(held, create("CE", num_classes=10), chosen, seed=1, device=CPU) for held in (from_files, in_memory)
    )
    assert same(first, second)
    assert first.metrics[-1]["memorised"] is not None


def test_workers_start_once_for_all_epochs_and_splits_and_end_with_the_trial(
    prepared: Prepared, monkeypatch: pytest.MonkeyPatch
):
    started: list[object] = []
    start = multiprocessing.process.BaseProcess.start
    monkeypatch.setattr(multiprocessing.process.BaseProcess, "start", lambda self: started.append(self) or start(self))
    chosen = a_recipe(epochs=3)
    held = data(prepared, chosen)
    loop.train(held, create("CE", num_classes=10), chosen, seed=1, device=CPU)
    assert len(started) == 1
    assert started[0].is_alive()
    held.close()
    gc.collect()
    started[0].join(timeout=10)
    assert not started[0].is_alive()


def test_missing_image_is_named(prepared: Prepared, tmp_path: Path):
    lost = prepared.train.root / prepared.train.files[7].decode()
    lost.rename(tmp_path / "away")
    try:
        with pytest.raises(UserError, match=r"cannot be read .* although it could when"):
            trained(prepared, a_recipe())
    finally:
        (tmp_path / "away").rename(lost)


@pytest.mark.parametrize("name", ["webvision_mini", "clothing1m", "animal10n"])
def test_published_transforms_give_square_uint8_images(name: str):
    from PIL import Image

    chosen = recipe.Recipe(**DATASETS[name].recipe)
    image = Image.fromarray(np.random.RandomState(0).randint(0, 256, (300, 400, 3)).astype(np.uint8))
    for transform in (training_transform(chosen), evaluation_transform(chosen)):
        transformed = transform(image)
        assert transformed.dtype == torch.uint8
        assert transformed.shape == (3, chosen.image_size, chosen.image_size)


@pytest.mark.parametrize("degrees", [-20.0, -7.3, 0.0, 11.9, 20.0, 90.0])
def test_rotation_matches_pil(degrees: float):
    from PIL import Image

    pixels = np.random.RandomState(0).randint(1, 256, (32, 32, 3)).astype(np.uint8)
    expected = np.asarray(Image.fromarray(pixels).rotate(degrees, resample=Image.Resampling.NEAREST))
    turned = turn(torch.from_numpy(pixels).permute(2, 0, 1)[None], torch.tensor([degrees], dtype=torch.float64))
    # PIL computes with 16-bit fractions, so one pixel in a hundred may fall on the other side of an edge.
    assert (turned[0].permute(1, 2, 0).numpy() == expected).mean() > 0.99


def test_rotations_are_uniform_up_to_the_limit_and_follow_the_generator():
    images = torch.zeros(2000, 1, 9, 9, dtype=torch.uint8)
    images[:, :, :, 4] = 255  # a vertical line
    first = rotate(images, torch.Generator().manual_seed(1), degrees=20)
    assert torch.equal(first, rotate(images, torch.Generator().manual_seed(1), degrees=20))
    top = first[:, 0, 0].argmax(dim=1)
    # 20° move the line's upper end by 1.6 pixels, to the left as often as to the right
    assert set(top.tolist()) == {3, 4, 5} | ({2, 6} & set(top.tolist()))
    assert abs(int((top > 4).sum()) - int((top < 4).sum())) < 5 * 2000**0.5


def test_own_augmentation_of_image_files_is_the_same_when_an_epoch_is_resumed(
    prepared: Prepared, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    Path("my_erasing.py").write_text(
        "import torch\n\n\ndef erase(images, generator):\n"
        "    return images * (torch.rand(images.shape, generator=generator) > 0.5)\n"
    )
    chosen = a_recipe(augmentation=["flip", targets.resolve("my_erasing:erase", {}, positional=2)], batch_size=4)
    train = data(prepared, chosen).train
    order = torch.arange(len(train))
    whole = [views[0] for views in train.training_batches(order, chosen, seed=1, epoch=1, views=1)]
    rest = [views[0] for views in train.training_batches(order, chosen, seed=1, epoch=1, views=1, done=2)]
    assert all(torch.equal(first, second) for first, second in zip(whole[2:], rest, strict=True))
    plain = next(train.training_batches(order, a_recipe(augmentation=["flip"], batch_size=4), seed=1, epoch=1, views=1))
    assert (whole[0] == 0).float().mean() > (plain[0] == 0).float().mean() + 0.2
