"""Says in words where the losses of one table are not trained alike."""

from __future__ import annotations

from collections.abc import Collection

from labelnoise.manifest import Manifest

# How captions name recipe values; others are named by their key.
_NAMES = {
    "weight_decay": "weight decay",
    "l1": "L1",
    "lr": "learning rate",
    "warmup_epochs": "warm-up epochs",
    "batch_size": "batch size",
    "clip_norm": "gradient norm limit",
}

# `precision` and `threads` are compared as they were measured; `own` repeats model and augmentation.
_NOT_SHOWN = ("precision", "threads", "own")

# In captions the values that decide most come first.
_FIRST = ("weight_decay", "l1", "optimizer", "epochs", "model", "augmentation")


def differences(manifest: Manifest, dataset: str, noises: Collection[str]) -> str:
    """One sentence, without its full stop: which recipe values differ between the losses of a table, and for which.

    Empty if all losses are trained alike. The value of the most losses is named first.
    """
    values: dict[str, dict[str, dict[str, None]]] = {}  # key → label → its values
    for trial in manifest["trials"]:
        if trial["dataset"] == dataset and trial["noise"] in noises:
            for key, value in manifest["recipes"][trial["recipe"]].items():
                if key in _NOT_SHOWN:
                    continue
                values.setdefault(key, {}).setdefault(trial["label"], {})[value] = None
    order = [*_FIRST, *(key for key in values if key not in _FIRST)]
    phrases = [phrase for key in order if key in values and (phrase := _phrase(key, values[key]))]
    return f"The losses are not all trained alike: {'; '.join(phrases)}" if phrases else ""


def _phrase(key: str, of_labels: dict[str, dict[str, None]]) -> str:
    """`weight decay 0.0001, but 0 for ANL-CE, ANL-FL`; empty if it is the same for all."""
    labels: dict[str, list[str]] = {}
    for label, values in of_labels.items():
        labels.setdefault(" or ".join(values), []).append(label)
    if len(labels) == 1:
        return ""
    most = max(labels, key=lambda value: len(labels[value]))
    others = [f"{value} for {', '.join(named)}" for value, named in labels.items() if value != most]
    return f"{_NAMES.get(key, key)} {most}, but {', '.join(others)}"


def own_parts(manifest: Manifest, dataset: str, noises: Collection[str]) -> str:
    """`Trained with the model Net width=32`: what is the user's own and the same for all losses; empty if nothing."""
    used = {t["recipe"] for t in manifest["trials"] if t["dataset"] == dataset and t["noise"] in noises}
    recipes = [manifest["recipes"][i] for i in sorted(used)]
    parts = []
    for key in ("model", "augmentation"):
        shown = {recipe[key] if key in recipe["own"].split() else "" for recipe in recipes}
        if len(shown) == 1 and shown != {""}:
            parts.append(f"the {key} {shown.pop()}")
    return f"Trained with {' and '.join(parts)} of one's own" if parts else ""
