"""Many patients at once, with the answers that each would get alone."""
