"""OMOP CDM, read as the flat shape."""
