"""For users of scikit-learn: noisy labels for numpy arrays, their audit, and a linear classifier that tolerates them.

    python examples/noisy_arrays.py         # a few seconds on a CPU

The noise needs numpy only. scikit-learn's classifiers take no loss of torch: `LogisticRegression` minimises
cross-entropy, and the same linear model with a robust loss is a few lines of torch.
"""

import numpy as np
import torch
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

from labelnoise.losses import create
from labelnoise.noise import corrupt
from labelnoise.noise.audit import audit

CLASSES = [str(digit) for digit in range(10)]

images, labels = load_digits(return_X_y=True)
train_x, test_x, true_y, test_y = train_test_split(images, labels, test_size=0.2, stratify=labels, random_state=0)
scaler = StandardScaler().fit(train_x)
train_x, test_x = scaler.transform(train_x), scaler.transform(test_x)

# The kinds are those of config.yaml: symmetric, asymmetric (with a map or a matrix), pair, instance (with features).
train_y = corrupt(true_y, "symmetric", rate=0.4, seed=1)

audited = audit(true_y, train_y, classes=CLASSES, noise=None)
print(f"{audited['wrong_labels']} of {audited['size']} labels are wrong, rate {audited['realised_rate']:.4f}")
print(f"clean labels dominate: {audited['clean_labels_dominate']} (margin {audited['dominance_margin']:.3f})")
print("transition matrix, one row per true class:")
print(np.array(audited["realised_transition"]).round(2))
print(f"sha256 of the labels: {audited['sha256'][:16]}…")


def robust_accuracy(name: str, **params: float) -> float:
    """The test accuracy in % of a linear classifier with a labelnoise loss, trained on all samples at once."""
    torch.manual_seed(0)
    model, loss = torch.nn.Linear(64, 10), create(name, num_classes=10, **params)
    x, y = torch.tensor(train_x, dtype=torch.float32), torch.from_numpy(train_y)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
    for _ in range(300):
        optimizer.zero_grad()
        loss(model(x), y).backward()
        optimizer.step()
    predicted = model(torch.tensor(test_x, dtype=torch.float32)).argmax(dim=1).numpy()
    return 100 * (predicted == test_y).mean()


torch.set_num_threads(1)  # more threads gain nothing on so small a model
logistic = LogisticRegression(max_iter=1000).fit(train_x, train_y)
print(f"cross-entropy (LogisticRegression): {100 * logistic.score(test_x, test_y):.2f} %")
print(f"NCE+RCE (linear model): {robust_accuracy('NCE+RCE'):.2f} %")
print(f"ANL-CE (linear model): {robust_accuracy('ANL-CE'):.2f} %")
