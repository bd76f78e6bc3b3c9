"""Readers of label files, tables and matrices. numpy only; anything ambiguous is an error, never a guess.

docs/reading.md says what is read and how ambiguity is resolved.
"""
