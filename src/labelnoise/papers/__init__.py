"""Repeating the papers: what their experiments cost, what was measured, and what came of it."""
