"""A network and its loss as one: supplies what the loss `needs` and returns the logits of either."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from labelnoise.errors import UserError
from labelnoise.losses.info import Need
from labelnoise.models import catalogue as models
from labelnoise.training import device as devices
from labelnoise.training import draws
from labelnoise.training.data import Data
from labelnoise.training.flat import check_parameters
from labelnoise.training.plain_state import PlainState, UnsavableError
from labelnoise.training.recipe import Recipe


def create(data: Data, loss: nn.Module, recipe: Recipe, *, seed: int, device: torch.device, precision: str) -> Learner:
    """The recipe's network before training, with the loss."""
    draws.seed_globally(seed, "initialisation")
    model = models.create(
        recipe.model, num_classes=data.num_classes, channels=data.train.channels, pretrained=recipe.pretrained
    )
    counts = torch.bincount(data.train.given, minlength=data.num_classes)
    supplies: dict[str, Any] = {
        Need.CLASS_COUNTS: counts,
        Need.EPOCHS: recipe.epochs,
        Need.DATASET_SIZE: len(data.train),
    }
    return Learner(model, loss, seed=seed, precision=precision, device=device, supplies=supplies)


class Learner:
    """Runs model and loss on normalised images; `modules` are trained (the loss may have parameters)."""

    def __init__(
        self,
        model: Any,
        loss: Any,
        *,
        seed: int,
        precision: str,
        device: torch.device,
        supplies: Mapping[str, Any] | None = None,
    ):
        # Modules, typed as Any: a network has `features`, and a loss has the methods that its needs imply.
        self.model = model
        self.loss = loss
        self.seed = seed
        self.precision, self.device = precision, device
        self.needs: Sequence[str] = tuple(getattr(loss, "needs", ()))
        if unknown := [need for need in self.needs if need not in list(Need)]:
            raise UserError(f"the loss needs {', '.join(unknown)}; the engine only supplies {', '.join(Need)}")
        draws.seed_globally(seed, "loss")
        if Need.FEATURES in self.needs:
            if not self.has_features:
                raise UserError("the loss needs features, but the model has no `features(images)` and `feature_dim`")
            self.loss.initialise(model.feature_dim)
        check_parameters({"model": model, "loss": loss})
        self.modules = (model.to(device, memory_format=torch.channels_last), loss.to(device))
        for need, value in (supplies or {}).items():
            if need in self.needs:
                getattr(loss, f"set_{need}")(value)
        loss.to(device)  # a loss may have made state for every sample
        # After this, what a loss keeps changes by training only. Our own models keep nothing but buffers.
        keeping = {"loss": loss} | ({"model": model} if hasattr(model, "capturable") else {})
        self.plain = PlainState(keeping, device)
        self._drawing: list[Any] = [part for part in loss.modules() if Need.DRAWS in getattr(part, "needs", ())]
        for part in self._drawing:
            part.generator = torch.Generator(device)

    @property
    def is_capturable(self) -> bool:
        """Whether every step performs the same operations, as declared by the catalogue or by a user's class."""
        return bool(getattr(self.loss, "capturable", False) and getattr(self.model, "capturable", True))

    @property
    def has_features(self) -> bool:
        """Whether the model can be split into features and classifier."""
        return callable(getattr(self.model, "features", None)) and hasattr(self.model, "feature_dim")

    @property
    def needs_index(self) -> bool:
        """Whether the loss gets the positions of the samples in the training set."""
        return Need.INDEX in self.needs

    @property
    def views(self) -> int:
        """The number of augmented views of each image in a step."""
        return 2 if Need.VIEWS in self.needs else 1

    def begin_epoch(self, epoch: int, *, is_resumed: bool = False) -> None:
        """Begin an epoch (1-based): pass its number to the loss and seed the random draws.

        Code that takes no generator (dropout, a user's loss) draws from the global ones, seeded for each epoch. The
        loss gets each epoch's number once, so not again when an interrupted epoch `is_resumed`.
        """
        draws.seed_globally(self.seed, "training", epoch)
        self.model.train()
        self.loss.train()
        if Need.EPOCH in self.needs and not is_resumed:
            self.loss.set_epoch(epoch)
        for generator in self.generators():
            draws.reseed(generator, self.seed, "loss", epoch)

    def generators(self) -> list[torch.Generator]:
        """The generators of the parts of the loss that have their own."""
        return [module.generator for module in self._drawing]

    def draws_state(self) -> list[Any]:
        """The state of every random stream within the epoch."""
        return [draws.global_state(self.device), [generator.get_state() for generator in self.generators()]]

    def restore_draws(self, streams: list[Any]) -> None:
        """Restore every random stream to what `draws_state` returned."""
        draws.restore_global(streams[0], self.device)
        for generator, state in zip(self.generators(), streams[1], strict=True):
            generator.set_state(state)

    def capturing_state(self) -> tuple[list[Any], dict[str, Any] | None]:
        """What an attempt to capture a step may change: random streams, and what user code keeps (None: unknown)."""
        try:
            return self.draws_state(), self.plain.changed()
        except UnsavableError:
            return self.draws_state(), None

    def restore_after_capture(self, before: tuple[list[Any], dict[str, Any] | None]) -> None:
        """Restore what `capturing_state` returned, after a failed attempt."""
        streams, kept = before
        for part in self._drawing:  # a generator that was registered with a graph may be unusable
            part.generator = torch.Generator(self.device)
        self.restore_draws(streams)
        if kept is not None:
            self.plain.restore(kept)

    def step(self, views: Sequence[Tensor], targets: Tensor, index: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Logits `(B, K)` of the first view and the mean loss; each view is `(B, C, H, W)`.

        `index` `(B,)` holds the positions of the samples in the training set, for a loss that needs them.
        """
        extra = {"index": index} if self.needs_index else {}
        with devices.autocast(self.precision, self.device):
            if Need.FEATURES in self.needs:
                features = self.model.features(views[0])
                value = self.loss(features, targets, **extra)
                with torch.no_grad():
                    return self.loss.logits(features), value
            # One pass per view, each with its own batch statistics, as in the published code of GJS.
            logits = [self._logits(view) for view in views]
            inputs: Any = logits[0] if len(views) == 1 else tuple(logits)
            version = targets._version
            value = self.loss(inputs, targets, **extra)
            if targets._version != version:
                raise UserError("the loss changes its targets in place, but all measures use them; clone them first")
            if not isinstance(value, Tensor) or value.ndim:
                returned = f"shape {tuple(value.shape)}" if isinstance(value, Tensor) else type(value).__name__
                raise UserError(f"a loss must return a scalar tensor, the mean over the batch, not {returned}")
            return logits[0], value

    def logits(self, images: Tensor) -> Tensor:
        """Float32 logits `(B, K)` in evaluation mode."""
        if Need.FEATURES in self.needs:
            return self._evaluated(images, lambda x: self.loss.logits(self.model.features(x)))
        return self._evaluated(images, self._logits)

    def features(self, images: Tensor) -> Tensor:
        """Float32 features `(B, D)`, the input of the classifier, in evaluation mode."""
        return self._evaluated(images, self.model.features)

    def _logits(self, images: Tensor) -> Tensor:
        """The network's logits; raises `UserError` if it returns anything else."""
        logits = self.model(images)
        if not isinstance(logits, Tensor):
            raise UserError(f"the model returns {_describe_output(logits)}; it must return the logits (B, K) only")
        if logits.ndim != 2 or len(logits) != len(images):
            raise UserError(f"the model returns shape {tuple(logits.shape)}, not logits ({len(images)}, K)")
        return logits

    @torch.inference_mode()
    def _evaluated(self, images: Tensor, compute: Callable[[Tensor], Tensor]) -> Tensor:
        self.model.eval()
        self.loss.eval()
        with devices.autocast(self.precision, self.device):
            return compute(images).float()


def _describe_output(output: Any) -> str:
    """What a network returned in place of logits, and which part of it the logits are, as far as names tell."""
    kind = type(output).__name__
    if hasattr(output, "logits"):  # an output of Hugging Face or of torchvision's Inception and GoogLeNet
        return f"a {kind}, whose logits are `.logits`"
    if isinstance(output, Mapping):
        return f"a {kind} with the keys {', '.join(map(str, output))}"
    if isinstance(output, tuple | list):
        return f"a {kind} of {len(output)}, perhaps the logits and auxiliary outputs"
    return f"a {kind}"
