"""A plain PyTorch loop that can serve every loss: what a loss needs beside logits and labels is in `loss.needs`.

    python examples/plain_pytorch.py        # a few seconds on a CPU

Trains a small network on scikit-learn's digits, 40 % of whose training labels are wrong, and prints the accuracy on
the clean test labels. Only losses whose needs are listed below need those lines; CE, GCE and most others need none.
"""

import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn

from labelnoise.losses import create
from labelnoise.noise import corrupt

EPOCHS, BATCH, WIDTH, CLASSES = 25, 128, 128, 10

images, labels = load_digits(return_X_y=True)
images = torch.tensor((images - 5) / 6, dtype=torch.float32)
train_x, test_x, true_y, test_y = train_test_split(images, labels, test_size=0.2, stratify=labels, random_state=0)
train_y = torch.from_numpy(corrupt(true_y, "symmetric", rate=0.4, seed=1))
test_y = torch.from_numpy(test_y)


def augmented(x: torch.Tensor) -> torch.Tensor:
    """Another view of the same images: some noise on the pixels."""
    return x + 0.3 * torch.randn_like(x)


def accuracy_after_training(name: str, **params: float | str) -> float:
    torch.manual_seed(0)
    loss = create(name, num_classes=CLASSES, **params)
    body = nn.Sequential(nn.Linear(64, WIDTH), nn.ReLU(), nn.Linear(WIDTH, WIDTH), nn.ReLU())
    head = nn.Linear(WIDTH, CLASSES)
    if "features" in loss.needs:  # the loss has class means instead of a last layer
        loss.initialise(WIDTH)

    # Once, before training.
    if "dataset_size" in loss.needs:
        loss.set_dataset_size(len(train_x))
    if "epochs" in loss.needs:
        loss.set_epochs(EPOCHS)
    if "class_counts" in loss.needs:
        loss.set_class_counts(torch.bincount(train_y, minlength=CLASSES))

    parameters = [*body.parameters(), *head.parameters(), *loss.parameters()]  # a loss may have its own
    optimizer = torch.optim.SGD(parameters, lr=0.1, momentum=0.9)
    for epoch in range(1, EPOCHS + 1):
        if "epoch" in loss.needs:
            loss.set_epoch(epoch)  # counts from 1
        if "draws" in loss.needs:  # optional: random numbers that do not depend on anything else
            loss.generator = torch.Generator().manual_seed(epoch)
        for index in torch.randperm(len(train_x)).split(BATCH):
            x, y = train_x[index], train_y[index]
            if "views" in loss.needs:
                inputs = head(body(augmented(x))), head(body(augmented(x)))
            else:
                inputs = body(x) if "features" in loss.needs else head(body(x))
            extra = {"index": index} if "index" in loss.needs else {}
            optimizer.zero_grad()
            loss(inputs, y, **extra).backward()
            optimizer.step()

    with torch.no_grad():
        features = body(test_x)
        logits = loss.logits(features) if "features" in loss.needs else head(features)
    return 100 * (logits.argmax(dim=1) == test_y).double().mean().item()


if __name__ == "__main__":
    torch.set_num_threads(1)  # more threads gain nothing on so small a network
    print(f"cross-entropy: {accuracy_after_training('CE'):.2f} %")
    robust = {"GCE": {"q": 0.7}, "NCE+AGCE": {}, "NLNL": {"num_negative": 3}, "SR": {"base": "GCE"}}
    for name, params in (robust | {"ELR": {}, "GJS": {}, "LT": {}}).items():
        needs = ", ".join(create(name, num_classes=CLASSES).needs) or "nothing"
        print(f"{name} (needs {needs}): {accuracy_after_training(name, **params):.2f} %")
