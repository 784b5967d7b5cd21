"""A knowledge base tried on its own cases: what its author expects, and whether it is so."""
