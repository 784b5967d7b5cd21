"""Receipts: the whole record of one assessment, sealed, so that it can be asked again years later.

A receipt holds the record as it was read, the hashes of all that answered, the answer and its proofs. It is written
the same, byte for byte, wherever and whenever: no clock, no random number, one way of writing each value. To replay it
takes the receipt and a knowledge base: today's, and the one that answered then, if an archive or git has it.
"""
