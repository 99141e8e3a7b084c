"""Frozen data and pure formulas of the field: no engine, no solver, no files except catalogues."""
