"""Data as hospitals have them: flat tables, FHIR Bulk Data, OMOP; all of them as flat tables."""
