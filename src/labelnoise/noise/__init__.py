"""Label-noise models: true labels in, audited noisy labels out. numpy only; the same bytes on every machine."""
