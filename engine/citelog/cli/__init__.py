"""The commands: arguments in, one of the engine's answers out."""
