"""Two editions of a knowledge base, compared: what they say, what they conclude, and which change is the cause.

This layer knows how editions differ by meaning. It must not know how a difference is written down, and it decides
nothing: whatever it says of a conclusion was derived under the one edition, the other, or a mixture of both.
"""
