"""Label-noise models: true labels in, audited wrong labels out. numpy only, the same bytes everywhere."""
