"""How the files of a knowledge base are laid out: `citelog fmt`.

The line breaks are the author's, as are the blocks, the comments and the order of rules. What is between the words of
a line (its indentation, its blanks, the columns it keeps with its neighbours) is the formatter's, and so are the place
of a quote and the order of what is said about a statement.
"""
