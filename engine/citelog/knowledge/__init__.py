"""Knowledge bases: a folder of source, statements, terms, rules; read, checked, and frozen.

This layer opens the folder and resolves everything in it. It knows what statements say and which
rules encode them; it has never seen a patient.
"""
