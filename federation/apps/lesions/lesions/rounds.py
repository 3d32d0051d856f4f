"""The course of a run at the hub: ask, judge each answer alone, bring together, compare.

One site's bad answer is left out and written down; the others are not harmed by it. Fewer answers
than the minimum mean no result.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from lesions import masks, metrics, model, privacy
from lesions.errors import NoResult, Refused
from lesions.site import flags
from lesions.strategies import strategy
from lesions.wire import EVALUATE, EXAMPLES, KEYS, TRAIN, Answer, Failure, Request, Sites

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

#: More images than any hospital has; a claim above it is a mistake or worse.
GREATEST_CLAIM: Final = 10_000_000
#: Greatest size of a number in a model.
GREATEST_WEIGHT: Final = 1e6
_TOLD: Final = ("dataset", "manifest", "images", "train", "test", "sick", "patients", "unlabelled")


@dataclass(frozen=True)
class Settings:
    """How a run goes; the names are those of the app's configuration.

    Attributes:
        rounds: How often all sites learn from a common model.
        strategy: How models become one.
        privacy: What protects them on their way.
        minimum_sites: No result from fewer.
        epsilon: Cost of the whole run where there is noise.
        delta: How likely that promise may fail.
        baselines: Whether sites also learn alone, to compare with.
    """

    rounds: int = 3
    strategy: str = "fedavg"
    privacy: str = "none"
    minimum_sites: int = 2
    epsilon: float = 8.0
    delta: float = 1e-5
    baselines: bool = True

    def checked(self) -> Settings:
        """Return the settings if they can be kept.

        Raises:
            Refused: They contradict each other or the app.
        """
        strategy(self.strategy)
        masked, noisy = flags({"privacy": self.privacy})
        if masked and self.strategy != "fedavg":
            raise Refused(
                f"`{self.strategy}` has to see each model, secure aggregation shows none; "
                "choose strategy fedavg or privacy none or dp"
            )
        if noisy:
            privacy.noise(self.epsilon, self.delta, self.rounds)
        if self.rounds < 1 or self.minimum_sites < 1 + masked:
            raise Refused("a run has at least one round and one site, two with masks")
        return self

    @property
    def compares(self) -> bool:
        """Whether models of single sites are sent to the hub; never beside protected ones."""
        return self.baselines and self.privacy == "none"


@dataclass
class Outcome:
    """What a run brought.

    Attributes:
        weights: The model.
        settings: How it went.
        sites: What each site told of itself.
        models: For each model its name, who it learned from, and its counts by site.
        refused: Answers that were left out: site, round and reason.
    """

    weights: NDArray[np.float64]
    settings: Settings
    sites: dict[str, dict[str, Any]] = field(default_factory=dict)
    models: list[dict[str, Any]] = field(default_factory=list)
    refused: list[dict[str, Any]] = field(default_factory=list)

    def refuse(self, name: str, number: int, why: str) -> None:
        """Write down that an answer was left out."""
        self.refused.append({"site": name, "round": number, "why": why})


def conduct(
    sites: Sites,
    settings: Settings,
    judges: Sites | None = None,
    tell: Callable[[str], None] = print,
) -> Outcome:
    """Carry a run out.

    Args:
        sites: Who learns.
        settings: How.
        judges: Who tests the models; those who learn if None.
        tell: Takes a line for the log.

    Raises:
        Refused: The settings cannot be kept.
        NoResult: Too few sites, or too few good answers.
    """
    outcome = Outcome(model.fresh(), settings.checked())
    alone: dict[str, NDArray[np.float64]] = {}
    keys = _keys(sites, outcome) if flags({"privacy": settings.privacy})[0] else {}
    for number in range(1, settings.rounds + 1):
        answers = _asked(sites, TRAIN, _training(sites, outcome, keys, number), outcome, number)
        for name, one in answers.items():
            outcome.sites[name] = {key: one.told[key] for key in _TOLD if key in one.told}
            if settings.compares and number == 1 and _why_not(one, "alone") is None:
                alone[name] = one.arrays["alone"]
        _none_twice(outcome.sites)
        outcome.weights = _together(answers, outcome, keys)
        tell(f"round {number}: {len(answers)} sites, {len(outcome.refused)} refused so far")
    _compare(judges or sites, outcome, alone)
    return outcome


def _keys(sites: Sites, outcome: Outcome) -> dict[str, str]:
    """Return the public key of each site; without one of each there are no masks."""
    asked = sites.ask(KEYS, {name: Request() for name in _present(sites, outcome.settings)})
    keys = {
        name: one.told["key"]
        for name, one in asked.items()
        if isinstance(one, Answer) and isinstance(one.told.get("key"), str)
    }
    if len(keys) != len(asked) or len(keys) < outcome.settings.minimum_sites:
        missing = ", ".join(sorted(set(asked) - set(keys)))
        raise NoResult(f"no key for secure aggregation from {missing or 'enough sites'}")
    return {name: str(key) for name, key in keys.items()}


def _present(sites: Sites, settings: Settings) -> Sequence[str]:
    names = sites.names()
    if len(names) < settings.minimum_sites:
        there = ", ".join(names) or "nobody"
        raise NoResult(f"{settings.minimum_sites} sites are needed; there: {there}")
    return names


def _training(
    sites: Sites, outcome: Outcome, keys: Mapping[str, str], number: int
) -> dict[str, Request]:
    settings = outcome.settings
    config: dict[str, Any] = {
        "privacy": settings.privacy, "epsilon": settings.epsilon, "delta": settings.delta,
        "rounds": settings.rounds, "round": number,
        "baseline": settings.compares and number == 1,
        **{f"key:{name}": key for name, key in keys.items()},
    }  # fmt: skip
    names = keys or _present(sites, settings)
    return {name: Request({"model": outcome.weights}, config) for name in names}


def _asked(
    sites: Sites, task: str, requests: Mapping[str, Request], outcome: Outcome, number: int
) -> dict[str, Answer]:
    """Return the good answers, by site.

    Raises:
        NoResult: They are fewer than the minimum.
    """
    masked, _ = flags({"privacy": outcome.settings.privacy})
    good = {}
    for name, one in sorted(sites.ask(task, requests).items()):
        if isinstance(one, Failure):
            outcome.refuse(name, number, one.why)
        elif task == TRAIN and (why := _why_not(one, "masked" if masked else "model")):
            outcome.refuse(name, number, why)
        else:
            good[name] = one
    if len(good) < outcome.settings.minimum_sites or (masked and len(good) < len(requests)):
        whys = "; ".join(f"{one['site']}: {one['why']}" for one in outcome.refused)
        raise NoResult(f"{len(good)} good answers of {len(requests)} in round {number}; {whys}")
    return good


def _none_twice(sites: Mapping[str, Mapping[str, Any]]) -> None:
    """Refuse a run in which a copy of a data set counts beside the data set itself."""
    holders: dict[str, str] = {}
    for name, told in sorted(sites.items()):
        digest = str(told.get("manifest", ""))
        if digest and (other := holders.setdefault(digest, name)) != name:
            raise NoResult(
                f"{other} and {name} have the same data, {digest}; name with `sites` which of "
                "them takes part"
            )


def _why_not(one: Answer, name: str) -> str | None:
    """Return why an answer to `train` is not taken, or None."""
    values = one.arrays.get(name)
    if values is None:
        return "the answer has no model"
    if name == "masked":
        good = values.shape == (model.SIZE + 1,) and values.dtype == np.uint64
        return None if good else "what it sent is no masked model of this app"
    if values.shape != (model.SIZE,):
        return f"the model has the shape {values.shape}, not {(model.SIZE,)}"
    if values.dtype != np.float64 or not np.isfinite(values).all():
        return "the model has weights that are no numbers"
    claimed = one.metrics.get(EXAMPLES)
    if not isinstance(claimed, int) or not 0 < claimed <= GREATEST_CLAIM:
        return "the answer does not say from how many images it learned"
    beyond = np.abs(values).max() > GREATEST_WEIGHT
    return "the model has weights beyond all reason" if beyond else None


def _together(
    answers: Mapping[str, Answer], outcome: Outcome, keys: Mapping[str, str]
) -> NDArray[np.float64]:
    if not keys:
        models = [
            (one.arrays["model"], int(one.metrics[EXAMPLES]))  # type: ignore[arg-type]
            for one in answers.values()
        ]
        return strategy(outcome.settings.strategy)(models)
    weights, count = masks.unmasked([one.arrays["masked"] for one in answers.values()])
    if not 0 < count <= GREATEST_CLAIM or np.abs(weights).max() > GREATEST_WEIGHT:
        raise NoResult("the sum of the masked models is beyond all reason; a site sent a bad one")
    return weights


def _compare(judges: Sites, outcome: Outcome, alone: Mapping[str, NDArray[np.float64]]) -> None:
    """Have each site test each model, and write the counts down."""
    models = {"common": outcome.weights, **{f"alone:{name}": one for name, one in alone.items()}}
    requests = {name: Request(models) for name in judges.names()}
    number = outcome.settings.rounds + 1
    answers = _asked(judges, EVALUATE, requests, outcome, number)
    for key in models:
        counted = {
            name: list(one.metrics[key])  # type: ignore[arg-type]
            for name, one in answers.items()
            if _are_counts(one.metrics.get(key))
        }
        learned = [key.removeprefix("alone:")] if key != "common" else sorted(outcome.sites)
        outcome.models.append({"name": key.split(":")[0], "sites": learned, "counts": counted})
    for name in answers:
        if name not in outcome.models[0]["counts"]:
            outcome.refuse(name, number, "the answer has no counts of test images")


def _are_counts(told: object) -> bool:
    return (
        isinstance(told, list)
        and len(told) == 2 * metrics.BINS
        and all(isinstance(one, int) and 0 <= one <= GREATEST_CLAIM for one in told)
    )
