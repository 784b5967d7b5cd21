"""A program run on many units at once."""
