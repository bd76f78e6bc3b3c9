"""The network of the default experiment."""

from __future__ import annotations

from torch import Tensor, nn

from labelnoise.models.initialise import initialise


class DigitsCNN(nn.Module):
    """cnn4 scaled to 8 × 8 images: two strided conv-BN-ReLU blocks (16, 32 channels), 128 features, logits."""

    def __init__(self, num_classes: int, channels: int):
        super().__init__()
        self.features = nn.Sequential(
            *_block(channels, 16),
            *_block(16, 32),
            nn.Flatten(),
            nn.Linear(32 * 2 * 2, 128),
            nn.BatchNorm1d(128),
            nn.ReLU(),
        )
        self.feature_dim = 128
        self.classifier = nn.Linear(self.feature_dim, num_classes)
        initialise(self)

    def forward(self, images: Tensor) -> Tensor:
        return self.classifier(self.features(images))


def _block(width_in: int, width_out: int) -> list[nn.Module]:
    convolution = nn.Conv2d(width_in, width_out, kernel_size=3, stride=2, padding=1)
    return [convolution, nn.BatchNorm2d(width_out), nn.ReLU()]
