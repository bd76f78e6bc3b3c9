"""Labels, tables and matrices as people write them. numpy only; what is not certain is an error, never a guess.

docs/reading.md says what is read and how ambiguity is resolved.
"""
