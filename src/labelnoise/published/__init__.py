"""Hyper-parameters that the papers and their code publish, by preset. Needs no torch."""
