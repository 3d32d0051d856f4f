"""What `cairn new` asks, and which answers it takes: the same types as in a spec."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import click


@dataclass(frozen=True, slots=True)
class Question:
    """One thing that only the site knows.

    Attributes:
        name: Key of the answer; with hyphens, the option.
        text: The question, as a phrase.
        metavar: What stands for the answer in help.
        kind_of_value: Name of a type in `cairn.spec.types`.
        wants: What an answer looks like, said after a bad one.
        default: The answer if none is given, or None where there is no sensible one.
        kind: The only kind of node that is asked, or None for all.
    """

    name: str
    text: str
    metavar: str
    kind_of_value: str
    wants: str
    default: str | None = None
    kind: str | None = None


QUESTIONS = (
    Question(
        "institution",
        "Name of the institution and its city",
        "TEXT",
        "Sentence",
        "write 3 to 400 characters",
    ),
    Question(
        "country",
        "Country, two capital letters (ES, NO)",
        "CODE",
        "Country",
        "write two capital letters of ISO 3166-1, as in ES",
    ),
    Question(
        "technical", "E-mail of who runs the machines", "EMAIL", "Email", "write a mail address"
    ),
    Question(
        "security",
        "E-mail of who is told of a security incident",
        "EMAIL",
        "Email",
        "write a mail address",
    ),
    Question(
        "data_protection",
        "E-mail of the data-protection officer",
        "EMAIL",
        "Email",
        "write a mail address",
    ),
    Question(
        "address",
        "IP address of the first host, `local`, or `sandbox`",
        "ADDRESS",
        "AddressOrLocal",
        "write an address as in 10.20.0.12, `local` or `sandbox`",
        default="sandbox",
    ),
    Question(
        "domain",
        "Name under which nodes reach the hub (asked of a hub only)",
        "NAME",
        "Destination",
        "write a host name, as in hub.example.org",
        kind="hub",
    ),
)


class Answer(click.ParamType[str]):
    """An answer to a question, judged as the spec will judge it."""

    name = "text"

    def __init__(self, question: Question) -> None:
        self.question = question

    def convert(
        self,
        value: Any,  # noqa: ANN401 - click's own signature
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> str:
        """Return the answer as the spec would hold it; a bad one is told what a good one is."""
        from pydantic import TypeAdapter, ValidationError  # noqa: PLC0415 - help needs no models

        from cairn.spec import types  # noqa: PLC0415

        if self.question.name == "address" and value == "sandbox":
            return str(value)
        try:
            kind = getattr(types, self.question.kind_of_value)
            return str(TypeAdapter(kind).validate_python(value))
        except ValidationError:
            self.fail(f"`{value}` is not understood; {self.question.wants}", param, ctx)
