"""Safety properties proved for every patient, by looking at every picture that the rules can tell apart.

Rules see a record only through what they ask of it. So the endless number of patients falls into pictures, and there
are finitely many: numbers matter by the side of each limit that they lie on, days by their order, entries by what the
rules can see of them (`forms`), and parts of a record that never meet in a rule can be looked at one by one (`axes`).
engine/VERIFY.md gives the argument for sceptics.
"""
