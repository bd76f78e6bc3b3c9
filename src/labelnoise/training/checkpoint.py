"""A training's state on disk, so that a killed trial resumes where it was and ends with the same bits."""

from __future__ import annotations

import copy
import io
import time
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from labelnoise.files import write_bytes
from labelnoise.training.plain_state import PlainState, UnsavableError


@dataclass
class PartialEpoch:
    """An incomplete epoch: its steps so far, and what they produced besides the modules' state.

    `loss_sum` is the sum of the samples' losses; `predicted` `(N,)` holds the classes predicted before each step, in
    the order of the epoch. `draws` is the state of every random stream when the epoch was interrupted.
    """

    steps: int
    loss_sum: Tensor
    predicted: Tensor
    draws: list[Any] = field(default_factory=list)

    def on_host(self) -> dict[str, Any]:
        """The fields, with tensors in the host's memory."""
        return vars(self) | {"loss_sum": self.loss_sum.cpu(), "predicted": self.predicted.cpu()}


def host_state(module: nn.Module) -> dict[str, Any]:
    """The module's `state_dict` in the host's memory, so that a file of it loads on a machine without a GPU."""
    state: dict[str, Any] = module.state_dict()
    for name, value in state.items():
        if isinstance(value, Tensor):
            state[name] = value.cpu()
    return state


@dataclass
class TrainingState:
    """All that a resumed training needs: modules, the loss's plain attributes, optimiser tensors, metrics so far.

    Between epochs nothing else is needed, since every draw depends on (seed, epoch) only; within an epoch, `partial`
    holds the rest.
    """

    modules: tuple[nn.Module, ...]
    plain: PlainState
    optimizer: dict[str, Tensor]
    metrics: list[dict[str, Any]] = field(default_factory=list)
    partial: PartialEpoch | None = None


class Checkpoint:
    """Saves and restores a `TrainingState`.

    A checkpoint is saved after an epoch, at most once per `seconds`, or every `epochs` epochs if that is set. With
    `keep`, the checkpoint of the last epoch remains when the trial is complete.

    If the loss keeps something that cannot be saved, no checkpoint is written, the log says so, and a killed trial
    starts from the first epoch. A file that is damaged, belongs to another trial or was made with another `arithmetic`
    (device and precision, in words) is moved aside with a message and never used. Files are read with
    `weights_only=True`.
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
        self._last_saved = time.monotonic()
        self._has_warned = False

    def restore(self, state: TrainingState) -> None:
        """Load the saved state into `state`, in place; without a usable checkpoint, `state` is unchanged."""
        if not self.path.exists():
            return
        untrained = [copy.deepcopy(module.state_dict()) for module in state.modules]
        try:
            saved = self._read()
            metrics = saved["metrics"]
            partial = PartialEpoch(**saved["partial"]) if saved["partial"] else None
            if any(saved["optimizer"][name].shape != tensor.shape for name, tensor in state.optimizer.items()):
                raise ValueError("it was saved with another optimiser")
            for module, values in zip(state.modules, saved["modules"], strict=True):
                module.load_state_dict(values)
            state.plain.restore(saved["plain"])
        # A damaged or foreign file may raise anything.
        except Exception as error:
            for module, values in zip(state.modules, untrained, strict=True):
                module.load_state_dict(values)
            aside = self.path.with_suffix(".unusable")
            self.path.replace(aside)
            print(f"{self.path} cannot be used ({error}); moved to {aside}, training starts over", flush=True)
            return
        for name, tensor in state.optimizer.items():
            tensor.copy_(saved["optimizer"][name])
        state.metrics, state.partial = metrics, partial
        self.epochs_restored = len(metrics)
        within = f" and {partial.steps} steps of the next" if partial else ""
        print(f"resuming after epoch {self.epochs_restored}{within}", flush=True)

    def _read(self) -> dict[str, Any]:
        """Read the saved state. Raises `ValueError` if the file is not ours, anything if it is damaged."""
        with zipfile.ZipFile(self.path) as file:
            damaged = file.testzip()  # torch.load verifies no checksum
        if damaged:
            raise ValueError(f"its part {damaged} is damaged")
        saved: dict[str, Any] = torch.load(self.path, map_location="cpu", weights_only=True)
        if saved["identity"] != self.identity:
            raise ValueError("it belongs to another trial")
        if saved["arithmetic"] != self.arithmetic:
            raise ValueError(f"it was trained on {saved['arithmetic']}, not on {self.arithmetic}")
        return saved

    def is_due(self, epoch: int, last: int) -> bool:
        """Whether to save after this epoch (1-based)."""
        if epoch == last and self.keep:
            return True
        if self.epochs is not None:
            return epoch % self.epochs == 0
        return time.monotonic() - self._last_saved >= self.seconds

    def save(self, state: TrainingState) -> None:
        """Write the state, unless the loss keeps something that cannot be saved."""
        self._last_saved = time.monotonic()
        try:
            plain = state.plain.changed()
        except UnsavableError as error:
            if not self._has_warned:
                print(f"no checkpoint is saved: {error}; if this trial is stopped, it starts over", flush=True)
            self._has_warned = True
            return
        content = io.BytesIO()  # in memory, as torch's own writer hides that the disk is full
        torch.save(
            {
                "identity": self.identity,
                "arithmetic": self.arithmetic,
                "modules": [host_state(module) for module in state.modules],
                "plain": plain,
                "optimizer": {name: tensor.cpu() for name, tensor in state.optimizer.items()},
                "metrics": state.metrics,
                "partial": state.partial.on_host() if state.partial else None,
            },
            content,
        )
        write_bytes(self.path, content.getbuffer())

    def finish(self) -> None:
        """Remove the checkpoint of a complete trial, unless `keep` is set."""
        if not self.keep:
            self.path.unlink(missing_ok=True)
