"""The commands: arguments in, one of the engine's answers out."""

import gc

# A command lives briefly and keeps most of what it makes: the collector, looking every 700 objects, would only walk
# over it. Measured: a twentieth of the time of `citelog assess`.
gc.set_threshold(100_000)
