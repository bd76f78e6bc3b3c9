"""Lightning: a LightningModule with any loss of labelnoise, also one that needs the sample index or the epoch.

    pip install lightning
    python examples/lightning_module.py     # a few seconds on a CPU

The loss is a submodule: its parameters reach the optimiser and its state is in the checkpoints. ELR and SOP keep state
of every sample, which DDP does not merge: train them in one process. GJS (two views) and LT (features) need other
inputs than logits: plain_pytorch.py shows them.
"""

import logging
import warnings

import lightning
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from labelnoise.losses import create
from labelnoise.noise import corrupt

images, labels = load_digits(return_X_y=True)
images = torch.tensor((images - 5) / 6, dtype=torch.float32)
train_x, test_x, true_y, test_y = train_test_split(images, labels, test_size=0.2, stratify=labels, random_state=0)
train_y = torch.from_numpy(corrupt(true_y, "symmetric", rate=0.4, seed=1))
train_set = TensorDataset(train_x, train_y, torch.arange(len(train_x)))  # with each sample's position in it
test_set = TensorDataset(test_x, torch.from_numpy(test_y))


class Classifier(lightning.LightningModule):
    def __init__(self, loss: str, **params: float | str):
        super().__init__()
        self.network = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, 10))
        self.loss = create(loss, num_classes=10, **params)
        if "dataset_size" in self.loss.needs:  # here, not in on_fit_start: a checkpoint must find its buffers
            self.loss.set_dataset_size(len(train_set))

    def on_fit_start(self) -> None:
        if "class_counts" in self.loss.needs:
            self.loss.set_class_counts(torch.bincount(train_y, minlength=10))
        if "epochs" in self.loss.needs:
            self.loss.set_epochs(self.trainer.max_epochs)

    def on_train_epoch_start(self) -> None:
        if "epoch" in self.loss.needs:
            self.loss.set_epoch(self.current_epoch + 1)

    def training_step(self, batch: list[torch.Tensor], _: int) -> torch.Tensor:
        x, y, index = batch
        extra = {"index": index} if "index" in self.loss.needs else {}
        return self.loss(self.network(x), y, **extra)

    def test_step(self, batch: list[torch.Tensor], _: int) -> None:
        x, y = batch
        self.log("accuracy", 100 * (self.network(x).argmax(dim=1) == y).double().mean())

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=0.1, momentum=0.9)


def accuracy_after_training(loss: str, **params: float | str) -> float:
    lightning.seed_everything(0, verbose=False)
    quiet = dict.fromkeys(("logger", "enable_checkpointing", "enable_progress_bar", "enable_model_summary"), False)
    trainer = lightning.Trainer(max_epochs=25, accelerator="cpu", **quiet)
    model = Classifier(loss, **params)
    trainer.fit(model, DataLoader(train_set, batch_size=128, shuffle=True))
    return trainer.test(model, DataLoader(test_set, batch_size=len(test_set)), verbose=False)[0]["accuracy"]


if __name__ == "__main__":
    torch.set_num_threads(1)  # more threads gain nothing on so small a network
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", message=".*num_workers|.*tree_spec|.*isinstance.treespec")
    print(f"cross-entropy: {accuracy_after_training('CE'):.2f} %")
    print(f"ELR (needs index, dataset_size): {accuracy_after_training('ELR'):.2f} %")
    print(f"SR (needs epoch): {accuracy_after_training('SR', base='GCE'):.2f} %")
