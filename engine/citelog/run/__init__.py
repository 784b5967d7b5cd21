"""Executing a checked program: facts and rules in, every firing out.

This layer never handles a quote or a source. Proofs join firings with statements later, so no
executor can drop a citation.
"""
