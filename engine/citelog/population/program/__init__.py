"""The rules as queries: what of them runs on entries and what on pictures, compiled for an engine."""
