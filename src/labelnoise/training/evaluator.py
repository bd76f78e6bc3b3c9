"""Accuracies, predictions, features and weights of a network at some point of its training."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from labelnoise.errors import Stopped
from labelnoise.training.checkpoint import host_state
from labelnoise.training.data import Data, Normalise
from labelnoise.training.learner import Learner
from labelnoise.training.samples import Samples


class Evaluator:
    """Runs the learner in evaluation mode, in large batches, on any of its data.

    When `stop()` becomes true, the current evaluation is abandoned and `Stopped` is raised.
    """

    def __init__(self, learner: Learner, normalise: Normalise, data: Data, stop: Callable[[], bool] = lambda: False):
        self.learner, self.normalise, self.data, self.stop = learner, normalise, data, stop

    def accuracy(self, samples: Samples) -> float:
        """Percentage of samples whose noisy label is predicted."""
        hits = self._logits(samples).argmax(dim=1) == samples.given
        return 100 * int(hits.sum()) / len(samples)

    def predictions(self) -> tuple[dict[str, Tensor], Tensor]:
        """The arrays of predictions.npz, and whether each training sample's noisy label is predicted, `(N,)`.

        The arrays are on the CPU: float32 probabilities `(N, K)` for each test set and for the held-out samples, the
        confidence in the given label `(N,)` for the training samples, and int64 indices if some are held out.
        """
        train = self.data.train
        logits = self._logits(train)
        confidence = logits.softmax(dim=1).gather(1, train.given.unsqueeze(1)).squeeze(1)
        arrays = {
            f"{name}_probabilities": self._logits(tests).softmax(dim=1) for name, tests in self.data.tests.items()
        }
        arrays["train_confidence"] = confidence
        arrays |= self._train_index() | self._validation()
        return {name: values.cpu() for name, values in arrays.items()}, logits.argmax(dim=1) == train.given

    def features(self) -> dict[str, Tensor]:
        """The arrays of features.npz: the classifier's input for every image, by split, float32 `(N, D)` on the CPU.

        With the true classes of the test images, int64 `(N,)`.
        """
        splits = {"train": self.data.train, **self.data.tests}
        arrays = {f"{name}_features": self._compute(samples, self.learner.features) for name, samples in splits.items()}
        arrays |= {f"{name}_labels": samples.given for name, samples in self.data.tests.items()}
        return {name: values.cpu() for name, values in (arrays | self._train_index()).items()}

    def weights(self) -> dict[str, dict[str, Tensor]]:
        """The state of the network and of the loss, which may have trained parameters too; in the host's memory."""
        return {"model": host_state(self.learner.model), "loss": host_state(self.learner.loss)}

    def load_weights(self, weights: dict[str, dict[str, Tensor]]) -> None:
        """Load what `weights` returned."""
        self.learner.model.load_state_dict(weights["model"])
        self.learner.loss.load_state_dict(weights["loss"])

    def _train_index(self) -> dict[str, Tensor]:
        """The index of each training sample in the data set, `(N,)`; empty if none were held out."""
        return {} if self.data.train_index is None else {"train_index": self.data.train_index}

    def _validation(self) -> dict[str, Tensor]:
        """The indices of the held-out samples, and their probabilities `(N, K)` if no test set has them."""
        if self.data.validation_index is None:
            return {}
        arrays = {"validation_index": self.data.validation_index}
        if self.data.validation is not None:
            arrays["validation_probabilities"] = self._logits(self.data.validation).softmax(dim=1)
        return arrays

    def _logits(self, samples: Samples) -> Tensor:
        return self._compute(samples, self.learner.logits)

    def _compute(self, samples: Samples, compute: Callable[[Tensor], Tensor]) -> Tensor:
        batches = []
        for images in samples.evaluation_batches():
            batches.append(compute(self.normalise(images)))
            if self.stop():
                raise Stopped
        return torch.cat(batches)
