"""What the words of a rule stand for: predicates, terms and plain values, by the prefixes of its file."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from citelog.diagnostics import Instead
from citelog.rules.findings import Findings
from citelog.rules.language import Names
from citelog.rules.program import Predicate
from citelog.rules.syntax import AtomSyntax, Word
from citelog.values import Iri, Value

_DIGITS = 400
"""What is written longer is no number that anybody reads, and Python makes none of it."""


@dataclass(frozen=True, slots=True)
class Naming:
    """What is declared, as the words of one rule call it."""

    names: Names
    findings: Findings

    @property
    def prefixes(self) -> dict[str, str]:
        """The namespaces of the file, by their prefixes."""
        return self.findings.file.prefixes

    def full(self, written: str) -> str:
        """A predicate's name with its prefix resolved; a bare name stays."""
        prefix, colon, local = written.partition(":")
        return self.prefixes.get(prefix, prefix + ":") + local if colon else written

    def short(self, name: str) -> str:
        """A name as the file writes it: with the prefix whose namespace it is in."""
        for prefix, namespace in self.prefixes.items():
            local = name.removeprefix(namespace)
            if name.startswith(namespace):
                return f"<{name}>" if "-" in local else f"{prefix}:{local}"
        return name

    def iri(self, word: Word) -> Iri | None:
        """The IRI of a name with a prefix; None where it has none."""
        if word.sort == "iri":
            return Iri(word.text)
        prefix, _, local = word.text.partition(":")
        if prefix not in self.prefixes:
            first = self.findings.is_new("prefix", prefix)
            near = self.findings.meant("prefix", prefix, self.prefixes)
            hint = near or f"add @prefix {prefix}: <…> . at the top of the file"
            if near or first:  # where the line of the prefix is missing, one finding is enough
                self.findings.add("undefined-prefix", word.span, f"the prefix {prefix}: is not declared", hint, prefix)
            return None
        if "-" in local:
            whole = f"<{self.prefixes[prefix]}{local}>"
            hint = Instead(word.text, whole, f"write {whole}, or give the term a name with _")
            self.findings.add("syntax", word.span, f"the hyphen in {word.text} is a minus sign to Nemo", hint)
            return None
        return Iri(self.prefixes[prefix] + local)

    def predicate(self, atom: AtomSyntax) -> Predicate | None:
        """The predicate of an atom that has as many arguments as it; else None."""
        word = atom.name
        name = word.text
        if word.sort != "bare":
            iri = self.iri(word)
            if iri is None:
                return None
            name = iri.value
        predicate = self.names.predicates.get(name)
        if predicate is None:
            known = map(self.short, self.names.predicates)
            near = self.findings.meant("predicate", self.short(name), known, _written(word))
            hint = near or "declare it in predicates.ttl: its arguments and its sentence"
            self.findings.add("undefined-predicate", word.span, f"there is no predicate {word.text}", hint, word.text)
            return None
        if len(atom.args) != len(predicate.arguments):
            signature = f"{word.text}({', '.join(f'{a.name}: {a.type}' for a in predicate.arguments)})"
            given, wanted = len(atom.args), len(predicate.arguments)
            message = f"{word.text} takes {wanted} argument{'s' * (wanted != 1)}, not {given}"
            self.findings.add("wrong-arity", word.span, message, f"it is {signature}")
            return None
        return predicate

    def constant(self, word: Word) -> Value | None:
        """The value that a word is; None where it is none."""
        match word.sort:
            case "text":
                return word.text
            case "boolean":
                return word.text == "true"
            case "number":
                short = len(word.text) <= _DIGITS
                value = Decimal(word.text)
                if value not in (0, 1) or not short:
                    told = word.text if short else f"{word.text[:20]}… of {len(word.text)} characters"
                    self.findings.add(
                        "clinical-number",
                        word.span,
                        f"the number {told} stands in the rule",
                        "put it into the statement that gives it, and read it from there",
                    )
                return value if "." in word.text else int(value) if short else None
            case "bare":
                hint = f'write ?{word.text} for a variable, prefix:{word.text} for a term, "{word.text}" for a text'
                self.findings.add("syntax", word.span, f"{word.text} is no variable and no term", hint)
                return None
            case _:
                iri = self.iri(word)
                if iri is not None and iri not in self.names.terms:
                    known = (self.short(t.value) for t in self.names.terms)
                    near = self.findings.meant("term", self.short(iri.value), known, _written(word))
                    told = f"there is no term {word.text}"
                    self.findings.add("undefined-term", word.span, told, near or "declare it in terms.ttl")
                    return None
                return iri


def _written(word: Word) -> str:
    """A word as it stands in the file."""
    return f"<{word.text}>" if word.sort == "iri" else word.text


def local_name(predicate: str) -> str:
    """A predicate's name without its namespace."""
    return Iri(predicate).local
