"""The 4- and 8-layer CNNs that APL, ALF, ANL and JAL train on MNIST and CIFAR-10."""

from __future__ import annotations

from torch import Tensor, nn

from labelnoise.models.initialise import initialise


class CNN4(nn.Module):
    """Two conv-BN-ReLU-pool blocks (32, 64), 128 features, logits: 422,090 parameters for MNIST (28 × 28)."""

    def __init__(self, num_classes: int, channels: int):
        super().__init__()
        self.feature_dim = 128
        self.features = nn.Sequential(
            *_block(channels, 32, nn.MaxPool2d(2)),
            *_block(32, 64, nn.MaxPool2d(2)),
            *_head(64 * 7 * 7, self.feature_dim),
        )
        self.classifier = nn.Linear(self.feature_dim, num_classes)
        initialise(self)

    def forward(self, images: Tensor) -> Tensor:
        return self.classifier(self.features(images))


class CNN8(nn.Module):
    """Three double conv-BN-ReLU blocks (64, 128, 196) with pooling, 256 features, logits: 1,639,794 for CIFAR-10."""

    def __init__(self, num_classes: int, channels: int):
        super().__init__()
        self.feature_dim = 256
        layers: list[nn.Module] = []
        for width in (64, 128, 196):
            layers += [*_block(channels, width), *_block(width, width, nn.MaxPool2d(2))]
            channels = width
        self.features = nn.Sequential(*layers, *_head(196 * 4 * 4, self.feature_dim))
        self.classifier = nn.Linear(self.feature_dim, num_classes)
        initialise(self)

    def forward(self, images: Tensor) -> Tensor:
        return self.classifier(self.features(images))


def _block(width_in: int, width_out: int, *pooling: nn.Module) -> list[nn.Module]:
    # The papers' code pools after ReLU; pooling first gives the same values and gradients at a quarter of the work.
    convolution = nn.Conv2d(width_in, width_out, kernel_size=3, padding=1)
    return [convolution, nn.BatchNorm2d(width_out), *pooling, nn.ReLU(inplace=True)]


def _head(width_in: int, width_out: int) -> list[nn.Module]:
    return [nn.Flatten(), nn.Linear(width_in, width_out), nn.BatchNorm1d(width_out), nn.ReLU(inplace=True)]
