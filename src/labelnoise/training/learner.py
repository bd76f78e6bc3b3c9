"""A network and its loss as one: gives the loss what it `needs` and gets logits out of either."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from labelnoise.errors import UserError
from labelnoise.training import device as devices
from labelnoise.training import draws

# What a loss may declare in `needs`; a loss without that attribute needs nothing but logits and targets.
KNOWN_NEEDS = ("views", "features", "epoch", "class_counts", "draws")


class Learner:
    """Runs model and loss on normalised images; `modules` are what is trained (the loss may have parameters)."""

    def __init__(self, model: nn.Module, loss: nn.Module, *, seed: int, precision: str, device: torch.device):
        self.model, self.loss, self.seed = model, loss, seed
        self.precision, self.device = precision, device
        self.needs: Sequence[str] = tuple(getattr(loss, "needs", ()))
        unknown = [need for need in self.needs if need not in KNOWN_NEEDS]
        if unknown:
            raise UserError(f"the loss needs {', '.join(unknown)}; the engine knows {', '.join(KNOWN_NEEDS)}")
        if "features" in self.needs:
            draws.seed_globally(seed, "loss")
            loss.initialise(model.feature_dim)
        self.modules = (model.to(device, memory_format=torch.channels_last), loss.to(device))

    @property
    def views(self) -> int:
        """How many augmented views of each image a step takes."""
        return 2 if "views" in self.needs else 1

    def begin(self, given: Tensor, num_classes: int) -> None:
        """Before the first epoch: the classes' sizes by the given labels `(N,)`."""
        if "class_counts" in self.needs:
            self.loss.set_class_counts(torch.bincount(given, minlength=num_classes))

    def begin_epoch(self, epoch: int) -> None:
        """Before each epoch (1-based): its number, and random draws of the loss's own.

        What takes no generator (dropout, a user's loss) draws from torch's global one, seeded for the epoch.
        """
        draws.seed_globally(self.seed, "training", epoch)
        self.model.train()
        self.loss.train()
        if "epoch" in self.needs:
            self.loss.set_epoch(epoch)
        for module in self._drawing():
            module.generator = draws.generator(self.seed, "loss", epoch, device=self.device)

    def _drawing(self) -> list[nn.Module]:
        """The parts of the loss that draw from a generator of their own."""
        if "draws" not in self.needs:
            return []
        return [module for module in self.loss.modules() if "draws" in getattr(module, "needs", ())]

    def draws_state(self) -> list[Tensor]:
        """Where every stream of random draws stands within the epoch."""
        streams = [torch.get_rng_state(), *(module.generator.get_state() for module in self._drawing())]
        if self.device.type == "cuda":
            streams.append(torch.cuda.get_rng_state(self.device))
        return streams

    def restore_draws(self, streams: list[Tensor]) -> None:
        """Put every stream back to where `draws_state` found it."""
        torch.set_rng_state(streams[0])
        for module, state in zip(self._drawing(), streams[1:], strict=False):
            module.generator.set_state(state)
        if self.device.type == "cuda":
            torch.cuda.set_rng_state(streams[-1], self.device)

    def step(self, views: Sequence[Tensor], targets: Tensor) -> tuple[Tensor, Tensor]:
        """Logits `(B, K)` of the first view and the mean loss; each view is `(B, C, H, W)`."""
        with devices.autocast(self.precision, self.device):
            if "features" in self.needs:
                features = self.model.features(views[0])
                value = self.loss(features, targets)
                with torch.no_grad():
                    return self.loss.logits(features), value
            # One pass over all views, as batch norm sees them in the published code.
            logits = self.model(torch.cat(tuple(views)) if len(views) > 1 else views[0])
            given: Any = logits if len(views) == 1 else logits.chunk(len(views))
            version = targets._version
            value = self.loss(given, targets)
            if targets._version != version:
                raise UserError(
                    "the loss changes its targets in place, and they are the labels that everything counts by"
                )
            if not isinstance(value, Tensor) or value.ndim:
                told = f"shape {tuple(value.shape)}" if isinstance(value, Tensor) else type(value).__name__
                raise UserError(f"a loss has to return a scalar tensor, the mean over the batch; this one gave {told}")
            return (logits if len(views) == 1 else given[0]), value

    @torch.inference_mode()
    def logits(self, images: Tensor) -> Tensor:
        """Float32 logits `(B, K)` in evaluation mode."""
        self.model.eval()
        self.loss.eval()
        with devices.autocast(self.precision, self.device):
            if "features" in self.needs:
                return self.loss.logits(self.model.features(images)).float()
            return self.model(images).float()
