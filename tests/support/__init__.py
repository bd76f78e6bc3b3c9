"""Shared by tests: whole projects, data sets in official formats, formulas, small trained networks."""
