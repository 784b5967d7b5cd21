"""What a reader of a knowledge base is shown of it, and where each thing of it leads.

Values only: no page, no address. What `show`, `audit` and `coverage` say of a thing is taken from where they take it.
"""
