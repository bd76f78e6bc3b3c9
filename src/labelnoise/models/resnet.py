"""ResNets for small images: the ResNet-34 that ALF, ANL and JAL train on CIFAR-100, and APL's ResNet-50."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn
from torch.nn import functional as F

from labelnoise.models.initialise import initialise


class _Residual(nn.Module):
    """Convolutions with a shortcut, which is a 1 × 1 convolution with batch norm where shapes differ."""

    def __init__(self, residual: nn.Sequential, width_in: int, width_out: int, stride: int):
        super().__init__()
        self.residual = residual
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or width_in != width_out:
            self.shortcut = nn.Sequential(
                nn.Conv2d(width_in, width_out, kernel_size=1, stride=stride, bias=False), nn.BatchNorm2d(width_out)
            )

    def forward(self, images: Tensor) -> Tensor:
        return F.relu(self.residual(images) + self.shortcut(images))


def _basic(width_in: int, width: int, stride: int) -> _Residual:
    """Two 3 × 3 convolutions (He et al. 2016, Figure 5 left)."""
    residual = nn.Sequential(
        nn.Conv2d(width_in, width, kernel_size=3, stride=stride, padding=1, bias=False),
        nn.BatchNorm2d(width),
        nn.ReLU(),
        nn.Conv2d(width, width, kernel_size=3, padding=1, bias=False),
        nn.BatchNorm2d(width),
    )
    return _Residual(residual, width_in, width, stride)


def _bottleneck(width_in: int, width: int, stride: int) -> _Residual:
    """1 × 1, 3 × 3 and 1 × 1 convolutions to four times the width (He et al. 2016, Figure 5 right)."""
    residual = nn.Sequential(
        nn.Conv2d(width_in, width, kernel_size=1, bias=False),
        nn.BatchNorm2d(width),
        nn.ReLU(),
        nn.Conv2d(width, width, kernel_size=3, stride=stride, padding=1, bias=False),
        nn.BatchNorm2d(width),
        nn.ReLU(),
        nn.Conv2d(width, 4 * width, kernel_size=1, bias=False),
        nn.BatchNorm2d(4 * width),
    )
    return _Residual(residual, width_in, 4 * width, stride)


class _SmallImageResNet(nn.Module):
    """3 × 3 stem without pooling, then 3, 4, 6 and 3 blocks of 64, 128, 256 and 512 channels, times `expansion`."""

    def __init__(self, num_classes: int, channels: int, block: Callable[[int, int, int], _Residual], expansion: int):
        super().__init__()
        self.feature_dim = 512 * expansion
        layers: list[nn.Module] = [
            nn.Conv2d(channels, 64, kernel_size=3, padding=1, bias=False),
            nn.BatchNorm2d(64),
            nn.ReLU(),
        ]
        width_in = 64
        for width, depth, stride in ((64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2)):
            for number in range(depth):
                layers.append(block(width_in, width, stride if number == 0 else 1))
                width_in = width * expansion
        self.features = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten())
        self.classifier = nn.Linear(self.feature_dim, num_classes)
        initialise(self)

    def forward(self, images: Tensor) -> Tensor:
        return self.classifier(self.features(images))


class ResNet34(_SmallImageResNet):
    """Basic blocks: 21,328,292 parameters for CIFAR-100."""

    def __init__(self, num_classes: int, channels: int):
        super().__init__(num_classes, channels, _basic, expansion=1)


class ResNet50Small(_SmallImageResNet):
    """Bottleneck blocks: 23,705,252 parameters for CIFAR-100 (APL's code)."""

    def __init__(self, num_classes: int, channels: int):
        super().__init__(num_classes, channels, _bottleneck, expansion=4)
