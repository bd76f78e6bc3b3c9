"""Theory of robust losses: which conditions each loss meets, measured and compared with the papers' claims."""
