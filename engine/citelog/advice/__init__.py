"""What an expert reviewer of a knowledge base would say: nothing is wrong, and yet something should be looked at."""
