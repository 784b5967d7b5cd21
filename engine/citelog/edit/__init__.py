"""What an author can be told about a place in a text, and changed from it, while the text is being written.

Texts are values here: those of the files, and of the drafts that stand in for them. Offsets count code points from 0.
A text may be broken anywhere, because texts mostly are while they are being written; so names are found by reading
what can be read, and nothing here judges a text: that is for `knowledge`.
"""
