"""The theory of robust losses as code: which conditions a loss meets, measured, beside what the papers claim."""
