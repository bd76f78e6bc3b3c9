"""One optimisation step, run operation by operation or replayed as one CUDA graph."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from labelnoise.errors import UserError
from labelnoise.training.data import Normalise
from labelnoise.training.flat import FlatParameters
from labelnoise.training.learner import Learner
from labelnoise.training.optimizers import OPTIMIZERS
from labelnoise.training.recipe import Recipe


class Step:
    """Trains `learner` on a batch; `loss_sum` accumulates the losses of the epoch's samples, on the device."""

    def __init__(self, learner: Learner, normalise: Normalise, recipe: Recipe):
        self.learner, self.normalise, self.recipe = learner, normalise, recipe
        self.parameters = FlatParameters(learner.modules)
        self.optimizer = OPTIMIZERS[recipe.optimizer](self.parameters.values, recipe)
        # Tensors, so that a captured step reads their current values when it is replayed.
        self.lr = torch.zeros_like(self.parameters.values.data[0])
        self.loss_sum = torch.zeros((), device=learner.device)

    def begin_epoch(self, epoch: int, *, is_resumed: bool = False) -> None:
        """Begin an epoch (1-based), or the rest of one that was interrupted."""
        self.learner.begin_epoch(epoch, is_resumed=is_resumed)
        self.lr.fill_(self.recipe.learning_rate(epoch))
        self.loss_sum.zero_()

    def is_finite(self) -> bool:
        """Whether the epoch's loss and all parameters are finite; waits for the device."""
        return bool(self.loss_sum.isfinite() & self.parameters.values.isfinite().all())

    def __call__(self, views: Sequence[Tensor], targets: Tensor, index: Tensor | None = None) -> Tensor:
        """Train on views `(B, C, H, W)` and int64 targets `(B,)`; returns the predictions before it, `(B,)`.

        `index` `(B,)` holds the positions of the samples in the training set, for a loss that needs them.
        """
        logits, value = self.learner.step([self.normalise(images) for images in views], targets, index)
        self.parameters.zero_grad()
        value.backward()
        if self.recipe.l1:
            self.parameters.add_l1(self.recipe.l1)
        if self.recipe.clip_norm:
            self.parameters.clip(self.recipe.clip_norm)
        self.optimizer.step(self.lr)
        with torch.no_grad():
            self.loss_sum += value.detach() * len(targets)
            return logits.detach().argmax(dim=1)


class CapturedStep(Step):
    """The same step as one CUDA graph, so that its hundreds of small kernels cost one launch.

    The first `WARM_UP` full batches run operation by operation, on a separate stream as capturing requires, and let
    the libraries choose their kernels. Then a batch is captured, which trains nothing; it and all following full
    batches are replayed. The last, smaller batch of an epoch is never captured.
    """

    WARM_UP = 3

    def __init__(self, learner: Learner, normalise: Normalise, recipe: Recipe):
        super().__init__(learner, normalise, recipe)
        self._warm = 0
        self._graph: torch.cuda.CUDAGraph | None = None
        self._cannot_capture = False
        self._stream = torch.cuda.Stream(learner.device)

    def __call__(self, views: Sequence[Tensor], targets: Tensor, index: Tensor | None = None) -> Tensor:
        is_full = len(targets) == self.recipe.batch_size
        if self._warm < self.WARM_UP or not is_full or self._cannot_capture:
            self._warm += is_full
            return self._uncaptured(views, targets, index)
        if self._graph is None:
            self._graph = self._capture(views, targets, index)
        if self._graph is None:
            return self._uncaptured(views, targets, index)
        for buffer, images in zip(self._views, views, strict=True):
            buffer.copy_(images)
        self._targets.copy_(targets)
        if index is not None and self._index is not None:
            self._index.copy_(index)
        self._graph.replay()
        return self._predicted

    def _uncaptured(self, views: Sequence[Tensor], targets: Tensor, index: Tensor | None) -> Tensor:
        self._stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(self._stream):
            predicted = super().__call__(views, targets, index)
        torch.cuda.current_stream().wait_stream(self._stream)
        return predicted

    def _capture(self, views: Sequence[Tensor], targets: Tensor, index: Tensor | None) -> torch.cuda.CUDAGraph | None:
        """The captured step; None if it cannot be captured, as a network may copy from the host in its forward pass."""
        self._views, self._targets = [images.clone() for images in views], targets.clone()
        self._index = None if index is None else index.clone()
        graph = torch.cuda.CUDAGraph()
        for generator in self.learner.generators():
            graph.register_generator_state(generator)
        before = self.learner.capturing_state()
        try:
            # For this thread only, as the DataLoader's thread pins memory meanwhile.
            with torch.cuda.graph(graph, stream=self._stream, capture_error_mode="thread_local"):
                self._predicted = super().__call__(self._views, self._targets, self._index)
        except UserError:
            raise
        except RuntimeError as error:
            # Nothing was computed, but what Python changed in the attempt is put back.
            self._cannot_capture = True
            self.learner.restore_after_capture(before)
            reason = str(error).strip().partition("\n")[0]
            print(f"steps are not captured as a CUDA graph, and are slower for it: {reason}", flush=True)
            return None
        return graph


def create(learner: Learner, normalise: Normalise, recipe: Recipe, *, capture: bool = True) -> Step:
    """A captured step if that is wanted, there is a GPU and the loss declares that its step may be captured."""
    captured = capture and learner.device.type == "cuda" and learner.is_capturable
    return (CapturedStep if captured else Step)(learner, normalise, recipe)
