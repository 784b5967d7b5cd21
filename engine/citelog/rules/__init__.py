"""The rule language: text, syntax, the checked program.

This layer knows predicates, terms and statements by name only; it has never seen a patient.
"""
