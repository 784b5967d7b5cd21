"""A second, independent reading of the B12 decision tables, for comparison with the engine."""
