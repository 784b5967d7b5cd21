"""One RDF dataset of everything that citelog knows or derives, and the SPARQL queries that are asked of it.

It knows how knowledge and assessments look as RDF; it decides nothing, and prints nothing.
"""
