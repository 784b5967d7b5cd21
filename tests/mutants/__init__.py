"""Every single edit of the rules of a knowledge base, and who would notice it.

`python -m mutants` from the folder `tests` tries them all and prints the table; `engine/MUTANTS.md` keeps it.
"""
