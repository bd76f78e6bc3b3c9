"""config.yaml → a list of fully resolved trials. Knows names, not implementations; never imports torch."""
