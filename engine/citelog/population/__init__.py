"""Many patients at once, with the answers that each would get alone.

Here a run goes from data to a folder of answers. Below it lie the `derivation` of facts of all units at once, the
`engines` that run queries, the `program` as such queries, and the `data` that are read, to whose flat shape `bulk`
exports and `omop` tables are brought; above it, what can be counted in the answers (`counts`).
"""
