"""The server: SPARQL over HTTP, on this machine unless told otherwise. It answers and never changes anything."""
