"""A new edition of the document, before anybody has read it: what became of each quote, and what rests on it.

This layer knows what a difference of words can turn round. It decides nothing: what it writes is where the old words
stand in the new document, and everything else is left as it was.
"""
