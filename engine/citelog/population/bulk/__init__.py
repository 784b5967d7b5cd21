"""FHIR Bulk Data, read as the flat shape."""
