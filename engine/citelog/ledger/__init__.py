"""The log: what was answered, in the order in which it was answered, so that a later change shows."""
