"""The server: pages, JSON, FHIR, hooks and SPARQL over HTTP, on this machine unless told otherwise.

Here stand the resources, and who may ask for them. Below lie the `workers` that answer, the `pages` that are set, and
what every request passes (`http`).
"""
