"""Explanations that go beyond one derivation: why not, what if, what is missing, why this and not that.

Whatever is proposed here is applied to the record and derived again before anyone sees it.
"""
