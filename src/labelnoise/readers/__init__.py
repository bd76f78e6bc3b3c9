"""Readers of label files, tables and matrices. numpy only; anything ambiguous is an error, never a guess.

docs/reference/label-files.md says what is read and how ambiguity is resolved.
"""
