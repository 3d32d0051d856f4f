"""What hub and sites say to each other, whatever carries it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

#: Under this word a site tells from how many images it learned, as all apps of Flower do.
EXAMPLES = "num-examples"
#: What a site is asked: for its key, for what it learns, for how good models are.
KEYS, TRAIN, EVALUATE = "query", "train", "evaluate"


@dataclass(frozen=True)
class Request:
    """What a site is asked with: arrays and settings by name."""

    arrays: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    config: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Answer:
    """What a site answers: arrays, numbers and words by name."""

    arrays: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    metrics: Mapping[str, int | float | list[int]] = field(default_factory=dict)
    told: Mapping[str, str | int] = field(default_factory=dict)


@dataclass(frozen=True)
class Failure:
    """That a site gave no answer, and why."""

    why: str


class Sites(Protocol):
    """The sites of a run, by name."""

    def names(self) -> Sequence[str]:
        """Return who is there, in a fixed order."""

    def ask(self, task: str, requests: Mapping[str, Request]) -> Mapping[str, Answer | Failure]:
        """Ask some sites at once and return the answer of each."""
