"""What helps the author of a knowledge base: a folder to begin with, and the place of a passage."""
