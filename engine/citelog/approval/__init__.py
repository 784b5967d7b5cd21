"""Who looked at what a knowledge base is made of, who put it there, and what it takes to freeze an edition of it."""
