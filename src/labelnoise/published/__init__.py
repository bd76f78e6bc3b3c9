"""What the papers and their code publish: hyper-parameters by preset. Needs no torch."""
