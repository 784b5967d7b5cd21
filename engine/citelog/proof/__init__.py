"""Proofs: what a conclusion rests on, joined from the firings of a run and the statements of the knowledge.

This layer knows firings, statements and how they read aloud; it has never met the reasoner.
"""
