"""Writing finished assessments and proofs down, for people and for programs.

This layer decides nothing: where two renderings could disagree about a fact, the fact belongs below.
"""
