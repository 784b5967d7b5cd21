"""The outcome of trials as JUnit XML, as build servers read it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from xml.etree import ElementTree

from citelog.trial.expectations import Trial

_NO_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
"""Signs that XML cannot hold, and the name of a file can."""


def xml(trials: Iterable[Trial], name: str) -> str:
    """One suite, one test case for each case, one failure for each expectation that does not hold."""
    listed = list(trials)
    bad = sum(bool(trial.failures) for trial in listed)
    suite = ElementTree.Element("testsuite", name=name, tests=str(len(listed)), failures=str(bad), errors="0")
    for trial in listed:
        case = ElementTree.SubElement(suite, "testcase", classname=name, name=trial.case, file=str(trial.file))
        for failure in trial.failures:
            told = ElementTree.SubElement(case, "failure", type=failure.kind, message=failure.what)
            told.text = "\n".join((failure.what, *failure.lines))
        if trial.slips:
            told = ElementTree.SubElement(case, "system-err")
            told.text = "\n".join(f"{note.text} ({note.read_from})" for note in trial.slips)
    root = ElementTree.Element("testsuites")
    root.append(suite)
    ElementTree.indent(root)
    written = _NO_XML.sub(lambda sign: f"\\u{ord(sign[0]):04x}", ElementTree.tostring(root, encoding="unicode"))
    return f"<?xml version='1.0' encoding='utf-8'?>\n{written}\n"
