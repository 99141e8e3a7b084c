"""Writes OpenDSS models: from a utility's tables, and from a seeded synthetic utility."""
