"""A trial's state on disk, so that a killed one goes on where it was and ends with the same bits."""

from __future__ import annotations

import copy
import io
import time
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from labelnoise.files import write_bytes
from labelnoise.training.plain_state import PlainState, UnsavableError


@dataclass
class Begun:
    """An epoch that was interrupted: the steps done in it, and what they left beside the modules."""

    steps: int
    loss_sum: Tensor
    predicted: Tensor
    draws: list[Any]


class Checkpoint:
    """Saves and restores modules, a loss's plain attributes, the optimiser's tensors and the metrics so far.

    Saved is after every epoch, but not within `seconds` of the last time; where `epochs` is given, after every so many
    instead. With `keep`, the last epoch's stays when the trial is complete.

    Nothing else is needed between epochs: every draw depends on (seed, epoch) only. Within one, `begun` holds the rest.
    Where the loss keeps something that cannot be saved, nothing is: the trial then begins anew, and its log says so.
    A file that is damaged, another trial's or made with another `arithmetic` (device and precision, in words) is moved
    aside with a message and never trusted; it is read with `weights_only=True`.
    """

    def __init__(
        self,
        path: Path,
        identity: str,
        *,
        arithmetic: str = "",
        seconds: float = 60.0,
        epochs: int | None = None,
        keep: bool = False,
    ):
        self.path, self.identity, self.arithmetic = path, identity, arithmetic
        self.seconds, self.epochs, self.keep = seconds, epochs, keep
        self.epochs_restored = 0
        self.begun: Begun | None = None
        self._last = time.monotonic()
        self._told = False

    def restore(
        self, modules: tuple[nn.Module, ...], plain: PlainState, optimizer: dict[str, Tensor]
    ) -> list[dict[str, Any]]:
        """Put the saved state into `modules`, `plain` and `optimizer`, in place; the metrics rows of the epochs done.

        An epoch that was interrupted is then in `begun`.
        """
        if not self.path.exists():
            return []
        untrained = [copy.deepcopy(module.state_dict()) for module in modules]
        try:
            saved = self._read()
            metrics, begun = saved["metrics"], Begun(**saved["begun"]) if saved["begun"] else None
            if any(saved["optimizer"][name].shape != tensor.shape for name, tensor in optimizer.items()):
                raise ValueError("its optimiser is another one")
            for module, state in zip(modules, saved["modules"], strict=True):
                module.load_state_dict(state)
            plain.restore(saved["plain"])
        # What a damaged or foreign file raises is nobody's list.
        except Exception as error:
            for module, state in zip(modules, untrained, strict=True):
                module.load_state_dict(state)
            aside = self.path.with_suffix(".unusable")
            self.path.replace(aside)
            print(f"{self.path} cannot be used ({error}); moved to {aside}, training starts anew", flush=True)
            return []
        for name, tensor in optimizer.items():
            tensor.copy_(saved["optimizer"][name])
        self.begun, self.epochs_restored = begun, len(metrics)
        within = f", {self.begun.steps} steps into the next" if self.begun else ""
        print(f"going on after epoch {self.epochs_restored}{within}", flush=True)
        return metrics

    def _read(self) -> dict[str, Any]:
        """The state in the file. Raises what a damaged one raises, and `ValueError` for one that is not ours."""
        with zipfile.ZipFile(self.path) as file:
            damaged = file.testzip()  # torch.load checks no checksum
        if damaged:
            raise ValueError(f"{damaged} in it is damaged")
        saved = torch.load(self.path, map_location="cpu", weights_only=True)
        if saved["identity"] != self.identity:
            raise ValueError("it is another trial's")
        if saved["arithmetic"] != self.arithmetic:
            raise ValueError(f"it was trained on {saved['arithmetic']}, not on {self.arithmetic}")
        return saved

    def is_due(self, epoch: int, last: int) -> bool:
        """Whether to save after this epoch (1-based)."""
        if epoch == last and self.keep:
            return True
        if self.epochs is not None:
            return epoch % self.epochs == 0
        return time.monotonic() - self._last >= self.seconds

    def save(
        self,
        modules: tuple[nn.Module, ...],
        plain: PlainState,
        optimizer: dict[str, Tensor],
        metrics: list[dict[str, Any]],
        begun: Begun | None = None,
    ) -> None:
        """Write the state, unless the loss keeps something that cannot be saved."""
        self._last = time.monotonic()
        try:
            changed = plain.changed()
        except UnsavableError as error:
            if not self._told:
                print(f"no checkpoint is saved: {error}; a trial that is stopped begins anew", flush=True)
            self._told = True
            return
        state = {
            "plain": changed,
            "identity": self.identity,
            "arithmetic": self.arithmetic,
            "modules": [module.state_dict() for module in modules],
            "optimizer": optimizer,
            "metrics": metrics,
            "begun": vars(begun) if begun else None,
        }
        # Through memory: torch's own writer turns a full disk into an error that does not say so.
        content = io.BytesIO()
        torch.save(state, content)
        write_bytes(self.path, content.getbuffer())

    def finish(self) -> None:
        """The trial is complete."""
        if not self.keep:
            self.path.unlink(missing_ok=True)
