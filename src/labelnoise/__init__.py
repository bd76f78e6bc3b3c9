"""labelnoise: a benchmark of loss functions for training classifiers on noisy labels."""

__version__ = "0.2.0"
