"""Writing down what authors and auditors are told of a knowledge base: as text, Markdown, pages, SARIF.

This layer decides nothing: it lays out what the layers below have found.
"""
