"""timm: a labelnoise loss in a loop of timm's own parts, and the two lines that change in timm's train.py.

    pip install timm
    python examples/timm_training.py        # a few seconds on a CPU

train.py is not part of timm's wheel; it lies in timm's repository. Two of its lines change:

    from labelnoise.losses import create                                        # among the imports
    train_loss_fn = create("GCE", num_classes=args.num_classes, q=0.7)          # was: nn.CrossEntropyLoss()

Call it with `--smoothing 0` and without mixup and cutmix, else it takes another branch. It passes logits and labels
only: it cannot serve ELR and SOP (index), GJS (views) and LT (features). SR needs `set_epoch(epoch + 1)` in its loop.
"""

import timm
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from timm.optim import create_optimizer_v2
from timm.scheduler import create_scheduler_v2
from timm.utils import accuracy

from labelnoise.losses import create
from labelnoise.noise import corrupt

EPOCHS, BATCH = 10, 128

images, labels = load_digits(return_X_y=True)
images = torch.tensor((images - 5) / 6, dtype=torch.float32).view(-1, 1, 8, 8)
train_x, test_x, true_y, test_y = train_test_split(images, labels, test_size=0.2, stratify=labels, random_state=0)
train_y = torch.from_numpy(corrupt(true_y, "symmetric", rate=0.4, seed=1))
test_y = torch.from_numpy(test_y)


def accuracy_after_training(name: str, **params: float) -> float:
    torch.manual_seed(0)
    model = timm.create_model("test_resnet", pretrained=False, in_chans=1, num_classes=10)
    train_loss_fn = create(name, num_classes=10, **params)
    optimizer = create_optimizer_v2(model, opt="adamw", lr=0.005, weight_decay=0.01)
    scheduler, _ = create_scheduler_v2(optimizer, sched="cosine", num_epochs=EPOCHS)
    for epoch in range(EPOCHS):
        model.train()
        for index in torch.randperm(len(train_x)).split(BATCH):
            optimizer.zero_grad()
            train_loss_fn(model(train_x[index]), train_y[index]).backward()
            optimizer.step()
        scheduler.step(epoch + 1)
    model.eval()
    with torch.no_grad():
        return accuracy(model(test_x), test_y)[0].item()


if __name__ == "__main__":
    torch.set_num_threads(1)  # more threads gain nothing on so small a network
    print(f"cross-entropy: {accuracy_after_training('CE'):.2f} %")
    print(f"NCE+AGCE: {accuracy_after_training('NCE+AGCE'):.2f} %")
