"""Evidence: the source document byte for byte, and the proof that a quote is really in it.

This layer knows texts and places; it has never seen a rule.
"""
