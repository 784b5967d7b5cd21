"""A knowledge base, and what it concludes for a case, in the forms of other systems: RDF, nanopublications, programs.

Nothing is decided here. An export that cannot say exactly what the knowledge says is refused, not rounded.
"""
