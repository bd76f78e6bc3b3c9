"""A network as it is at some moment of its training, and what can be read off it."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from labelnoise.errors import Stopped
from labelnoise.training.data import Data, Normalise, Samples
from labelnoise.training.learner import Learner


class Trained:
    """The learner in evaluation mode, in large batches, and all the data it may be judged by.

    When `stop()` becomes true, what is being read off is given up and `Stopped` raised.
    """

    def __init__(self, learner: Learner, normalise: Normalise, data: Data, stop: Callable[[], bool] = lambda: False):
        self.learner, self.normalise, self.data, self.stop = learner, normalise, data, stop

    def accuracy(self, samples: Samples) -> float:
        """Percentage of samples predicted as given."""
        hits = self._logits(samples).argmax(dim=1) == samples.given
        return 100 * int(hits.sum()) / len(samples)

    def predictions(self) -> tuple[dict[str, Tensor], Tensor]:
        """What is kept of it (float32, on the CPU), and whether each training sample is predicted as given, `(N,)`.

        Kept are each test set's probabilities `(N, K)` and the training samples' confidence in the label given `(N,)`.
        """
        train = self.data.train
        logits = self._logits(train)
        confidence = logits.softmax(dim=1).gather(1, train.given.unsqueeze(1)).squeeze(1)
        found = {f"{name}_probabilities": self._logits(tests).softmax(dim=1) for name, tests in self.data.tests.items()}
        found["train_confidence"] = confidence
        found |= self._index()
        return {name: values.cpu() for name, values in found.items()}, logits.argmax(dim=1) == train.given

    def features(self) -> dict[str, Tensor]:
        """What the classifier sees of every image, by part: float32 `(N, D)` on the CPU."""
        parts = {"train": self.data.train, **self.data.tests}
        found = {f"{name}_features": self._over(samples, self.learner.features) for name, samples in parts.items()}
        return {name: values.cpu() for name, values in (found | self._index()).items()}

    def weights(self) -> dict[str, dict[str, Tensor]]:
        """The state of the network and of the loss, whose parameters may be trained too."""
        return {"model": self.learner.model.state_dict(), "loss": self.learner.loss.state_dict()}

    def _index(self) -> dict[str, Tensor]:
        """Where in the data set each training sample stands, `(N,)`, when some were held out."""
        return {} if self.data.train_index is None else {"train_index": self.data.train_index}

    def _logits(self, samples: Samples) -> Tensor:
        return self._over(samples, self.learner.logits)

    def _over(self, samples: Samples, read: Callable[[Tensor], Tensor]) -> Tensor:
        found = []
        for images in samples.evaluation_batches():
            found.append(read(self.normalise(images)))
            if self.stop():
                raise Stopped
        return torch.cat(found)
