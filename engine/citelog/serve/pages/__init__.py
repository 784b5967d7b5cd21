"""The pages, set: of a knowledge base, a population, a patient, and what they have in common."""
