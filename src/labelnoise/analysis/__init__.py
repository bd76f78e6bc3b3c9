"""From result files to trials.csv, statistics and tables. Reads result files only; never imports torch."""
