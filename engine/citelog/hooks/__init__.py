"""CDS Hooks 2.0: what a knowledge base asks a hospital system for, what comes, and the cards that it gets back.

https://cds-hooks.hl7.org/2.0/: a system calls a service at a moment of its work (a *hook*), and brings what the service
has said it needs (*prefetch*). Nothing is fetched here: what is not brought is not looked at, and the cards say so.
"""
