"""What a site does when it is asked, wherever the app runs: under Flower or without it.

Nothing of an image or of one patient is in an answer: models, counts and the digest of the
manifest are.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from lesions import images, masks, metrics, model, privacy
from lesions.errors import Refused
from lesions.wire import EVALUATE, EXAMPLES, KEYS, TRAIN, Answer, Request

if TYPE_CHECKING:
    from collections.abc import Mapping, MutableMapping
    from pathlib import Path

#: Whether models are masked, and whether they have noise, by the setting `privacy`.
PRIVACY: Final = {
    "none": (False, False),
    "secagg": (True, False),
    "dp": (False, True),
    "both": (True, True),
}


@dataclass(frozen=True)
class Limits:
    """What a site asks of every run, whatever the hub sets.

    Attributes:
        epsilon: Models leave only with noise for this or less; None asks for no noise.
        masked: Models leave only masked.
    """

    epsilon: float | None = None
    masked: bool = False


@dataclass
class Place:
    """A site, or a compute node with the data of several.

    Attributes:
        folders: Where its images are.
        dataset: What the data set is called.
        limits: What the site asks of every run.
        manifest: Digest of the data set's manifest; empty where whoever gives the data told none.
        state: What it remembers during one run; values are bytes and numbers.
    """

    folders: tuple[Path, ...]
    dataset: str
    limits: Limits = field(default_factory=Limits)
    manifest: str = ""
    state: MutableMapping[str, Any] = field(default_factory=dict)


def answer(task: str, request: Request, place: Place) -> Answer:
    """Answer what a site is asked.

    Raises:
        Refused: It does not do that; the message may be sent to the hub.
    """
    return {KEYS: _key, TRAIN: _train, EVALUATE: _evaluate}[task](request, place)


def flags(config: Mapping[str, Any]) -> tuple[bool, bool]:
    """Return whether a run's models are masked and whether they have noise.

    Raises:
        Refused: There is no such setting.
    """
    wanted = str(config.get("privacy", "none"))
    if wanted not in PRIVACY:
        raise Refused(f"no privacy `{wanted}`; there are {', '.join(PRIVACY)}")
    return PRIVACY[wanted]


def _key(_request: Request, place: Place) -> Answer:
    """Make the key of the run; a second one would let a stream be used twice."""
    if "private" in place.state:
        raise Refused("this site has a key for this run already")
    private, public = masks.key_pair()
    place.state.update({"private": private, "used": 0})
    return Answer(told={"key": public.hex()})


def _train(request: Request, place: Place) -> Answer:
    config = request.config
    masked, noisy = flags(config)
    _keep_to(place.limits, config, masked=masked, noisy=noisy)
    cohort = images.read(place.folders)
    start = np.asarray(request.arrays["model"], dtype=np.float64)
    if start.shape != (model.SIZE,) or not np.isfinite(start).all():
        raise Refused("the hub sent something that is no model of this app")
    if noisy:
        noise = privacy.noise(config["epsilon"], config["delta"], config["rounds"])
        chance = np.random.default_rng()
        learned = model.trained_privately(start, cohort.train, noise, chance)
    else:
        learned = model.trained(start, cohort.train)
    told, count = _told(cohort, place), {EXAMPLES: cohort.train.size}
    if masked:
        return Answer({"masked": _hidden(learned, cohort, request, place)}, count, told)
    arrays = {"model": learned}
    if config.get("baseline") and not noisy:
        arrays["alone"] = model.trained(model.fresh(), cohort.train, model.STEPS_ALONE)
    return Answer(arrays, count, told)


def _keep_to(limits: Limits, config: Mapping[str, Any], *, masked: bool, noisy: bool) -> None:
    """Refuse a run that protects less than the site asks for.

    Raises:
        Refused: It does.
    """
    if limits.masked and not masked:
        raise Refused("this site sends models only with secure aggregation; set privacy")
    if limits.epsilon is None:
        return
    if not noisy or config["epsilon"] > limits.epsilon:
        raise Refused(f"this site sends models only with epsilon {limits.epsilon:g} or less")


def _hidden(learned: Any, cohort: images.Cohort, request: Request, place: Place) -> Any:  # noqa: ANN401 - arrays
    """Return what was learned under the masks of a round, each round once and in order."""
    number = int(request.config["round"])
    if "private" not in place.state or number <= place.state["used"]:
        raise Refused("this site has no unused key for this round; it sends no model")
    place.state["used"] = number
    sent = {name: key for name, key in request.config.items() if name.startswith("key:")}
    try:
        keys = {name: bytes.fromhex(str(key)) for name, key in sent.items()}
    except ValueError:
        raise Refused("a key sent for this sum is none; the site sends no model") from None
    private = place.state["private"]
    return masks.masked(learned, cohort.train.size, private, keys, str(number))


def _told(cohort: images.Cohort, place: Place) -> dict[str, str | int]:
    train, test = cohort.train, cohort.test
    return {
        "dataset": place.dataset,
        "manifest": place.manifest or images.manifest(place.folders),
        "images": train.size + test.size,
        "train": train.size,
        "test": test.size,
        "sick": int(train.y.sum() + test.y.sum()),
        "patients": sum(len(set(part.patients.tolist())) for part in (train, test)),
        "unlabelled": cohort.unlabelled,
    }


def _evaluate(request: Request, place: Place) -> Answer:
    """Count the test images by score, for each model that was sent."""
    test = images.read(place.folders).test
    found = {
        name: metrics.counts(model.scores(np.asarray(values, dtype=np.float64), test.x), test.y)
        for name, values in request.arrays.items()
    }
    return Answer(metrics={**found, EXAMPLES: test.size})
