"""Hugging Face: `transformers.Trainer` with any loss of labelnoise as its `compute_loss_func`.

    pip install transformers accelerate
    python examples/huggingface_trainer.py  # a few seconds on a CPU

The Trainer passes the model's outputs and the labels, so whatever else a loss needs (sample index, two views, features)
the model returns among its outputs. The network has the loss as a submodule: its parameters reach the optimiser and
its state the checkpoints. ELR and SOP keep state of every sample, which DDP does not merge: train them in one process.
"""

import tempfile

import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn
from transformers import PrinterCallback, Trainer, TrainerCallback, TrainingArguments
from transformers.utils import logging

from labelnoise.losses import create
from labelnoise.noise import corrupt

images, labels = load_digits(return_X_y=True)
images = torch.tensor((images - 5) / 6, dtype=torch.float32)
train_x, test_x, true_y, test_y = train_test_split(images, labels, test_size=0.2, stratify=labels, random_state=0)
train_y = torch.from_numpy(corrupt(true_y, "symmetric", rate=0.4, seed=1))
train_set = [{"pixels": x, "labels": y, "index": i} for i, (x, y) in enumerate(zip(train_x, train_y, strict=True))]
test_set = [{"pixels": x} for x in test_x]  # without labels the Trainer predicts and computes no loss


class Classifier(nn.Module):
    def __init__(self, loss: nn.Module):
        super().__init__()
        self.network = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, 10))
        self.loss = loss

    def forward(self, pixels: torch.Tensor, index: torch.Tensor | None = None) -> dict[str, torch.Tensor]:
        return {"logits": self.network(pixels)} | ({} if index is None else {"index": index})


class SetEpoch(TrainerCallback):
    """Tells the loss the epoch, for losses that need it."""

    def on_epoch_begin(self, args, state, control, model, **_):
        if "epoch" in model.loss.needs:
            model.loss.set_epoch(int(state.epoch) + 1)


def accuracy_after_training(name: str, **params: float | str) -> float:
    torch.manual_seed(0)
    loss = create(name, num_classes=10, reduction="none", **params)
    if "dataset_size" in loss.needs:
        loss.set_dataset_size(len(train_set))
    if "class_counts" in loss.needs:
        loss.set_class_counts(torch.bincount(train_y, minlength=10))

    def compute_loss(outputs, labels, num_items_in_batch=None):
        extra = {"index": outputs["index"]} if "index" in loss.needs else {}
        values = loss(outputs["logits"], labels, **extra)
        # The Trainer's own convention, right for gradient accumulation and several devices as well.
        return values.sum() / (len(labels) if num_items_in_batch is None else num_items_in_batch)

    settings = TrainingArguments(
        tempfile.mkdtemp(), num_train_epochs=25, per_device_train_batch_size=128, learning_rate=0.01, use_cpu=True,
        lr_scheduler_type="constant", label_names=["labels"], save_strategy="no", report_to=[], disable_tqdm=True,
    )  # fmt: skip
    trainer = Trainer(Classifier(loss), settings, train_dataset=train_set, compute_loss_func=compute_loss)
    trainer.add_callback(SetEpoch)
    trainer.remove_callback(PrinterCallback)
    trainer.train()
    return 100 * (trainer.predict(test_set).predictions.argmax(axis=1) == test_y).mean()


if __name__ == "__main__":
    torch.set_num_threads(1)  # more threads gain nothing on so small a network
    logging.set_verbosity_error()
    print(f"cross-entropy: {accuracy_after_training('CE'):.2f} %")
    print(f"ELR (needs index, dataset_size): {accuracy_after_training('ELR'):.2f} %")
    print(f"SR (needs epoch): {accuracy_after_training('SR', base='GCE'):.2f} %")
