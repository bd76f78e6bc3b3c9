"""The ResNet-34 for small images that ALF, ANL and JAL train on CIFAR-100."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from labelnoise.models.initialise import initialise


class _Block(nn.Module):
    """Two 3 × 3 convolutions with batch norm beside a shortcut, which is a 1 × 1 convolution where shapes differ."""

    def __init__(self, width_in: int, width: int, stride: int):
        super().__init__()
        self.residual = nn.Sequential(
            nn.Conv2d(width_in, width, kernel_size=3, stride=stride, padding=1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.Conv2d(width, width, kernel_size=3, padding=1, bias=False),
            nn.BatchNorm2d(width),
        )
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or width_in != width:
            self.shortcut = nn.Sequential(
                nn.Conv2d(width_in, width, kernel_size=1, stride=stride, bias=False), nn.BatchNorm2d(width)
            )

    def forward(self, images: Tensor) -> Tensor:
        return F.relu(self.residual(images) + self.shortcut(images))


class ResNet34(nn.Module):
    """3 × 3 stem without pooling, 3, 4, 6, 3 blocks of 64 to 512 channels: 21,328,292 parameters for CIFAR-100."""

    def __init__(self, num_classes: int, channels: int):
        super().__init__()
        self.feature_dim = 512
        layers: list[nn.Module] = [
            nn.Conv2d(channels, 64, kernel_size=3, padding=1, bias=False),
            nn.BatchNorm2d(64),
            nn.ReLU(),
        ]
        width_in = 64
        for width, depth, stride in ((64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2)):
            for number in range(depth):
                layers.append(_Block(width_in, width, stride if number == 0 else 1))
                width_in = width
        self.features = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten())
        self.classifier = nn.Linear(self.feature_dim, num_classes)
        initialise(self)

    def forward(self, images: Tensor) -> Tensor:
        return self.classifier(self.features(images))
