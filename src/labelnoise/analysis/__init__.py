"""From result files to trials.csv, statistics and tables. Reads files only; never imports torch."""
