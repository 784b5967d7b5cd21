"""What an auditor counts in a knowledge base, and the way from a sentence of its document to a conclusion and back."""
