"""The server: pages, JSON, FHIR, hooks and SPARQL over HTTP, on this machine unless told otherwise."""
