"""What is kept of a run: the model, its figures, where it comes from, and a card for people."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from lesions import metrics, privacy
from lesions.features import BOUND, CENTRE, SIGMAS, WIDTH
from lesions.model import RATE, RIDGE, STEPS
from lesions.site import flags

if TYPE_CHECKING:
    from pathlib import Path

    from lesions.rounds import Outcome

FORMAT: Final = "cairn-results/1"
#: What people read; after Mitchell et al. 2019 (doi 10.1145/3287560.3287596).
CARD: Final = """\
# Model card: lesions

Says how likely a CT slice shows a lesion. **For research and rehearsal; no medical device.** If it
learned from phantoms, it knows phantoms and nothing else.

## Where it comes from

- Made {finished} in the mode `{mode}`, run `{run}`
- Application lesions {version}, `{app}`
- Model file `{model}`

| site | data set | images | patients | with a lesion | manifest |
|---|---|---|---|---|---|
{sites}

Manifests and counts are as the sites told them.

## How it was made

- Logistic regression over {features} features: how far the brightest and the darkest spot of four
  sizes stand out, in units of noise, at most {bound:g}
- {rounds} rounds of {steps} steps (rate {rate}, ridge {ridge}), brought together by `{strategy}`;
  no result from fewer than {minimum} sites
- {protection}

## How good it is

On patients that no model learned from (30 % of each site):

| model | learned from | AUC | accuracy | sensitivity | specificity | images |
|---|---|---|---|---|---|---|
{judged}

## What was left out

{refused}

## Limits

- Tested at the sites that it learned from; elsewhere it may be worse.
- A median or a trimmed mean of two sites is their mean and bears no bad one.
- Of two sites, each can work out the model of the other from the common one.
"""


@dataclass(frozen=True)
class Origin:
    """Where a result comes from.

    Attributes:
        mode: `federated`, `hybrid` or `central`.
        version: Version of the app.
        digest: SHA-256 of the app's bytes, empty where it did not run as such.
        run: Number of the run, empty without Flower.
        finished: The time, ISO 8601 in UTC.
    """

    mode: str
    version: str
    digest: str
    run: str
    finished: str


def write(folder: Path, outcome: Outcome, origin: Origin) -> None:
    """Write `model.npz`, `metrics.json`, `lineage.json` and `model-card.md` into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    weights = outcome.weights
    np.savez(folder / "model.npz", weights=weights, sigmas=SIGMAS, centre=CENTRE, width=WIDTH)
    digest = f"sha256:{hashlib.sha256((folder / 'model.npz').read_bytes()).hexdigest()}"
    told = figures(outcome, origin)
    lineage = {**told["origin"], "model": digest, "participants": told["sites"]}
    _json(folder / "metrics.json", told)
    _json(folder / "lineage.json", {"format": FORMAT, **lineage})
    (folder / "model-card.md").write_text(card(told, digest), encoding="utf-8")


def figures(outcome: Outcome, origin: Origin) -> dict[str, Any]:
    """Return all figures of a run, as they are kept."""
    return {
        "format": FORMAT,
        "application": "lesions",
        "origin": asdict(origin),
        "settings": asdict(outcome.settings),
        "sites": [{"name": name, **told} for name, told in sorted(outcome.sites.items())],
        "models": [_judged(one, origin.mode) for one in outcome.models],
        "refused": outcome.refused,
    }


def _judged(one: dict[str, Any], mode: str) -> dict[str, Any]:
    counts = one["counts"]
    return {
        "kind": mode if one["name"] == "common" else "single",
        "learned_from": one["sites"],
        "by_site": {name: metrics.figures(counted) for name, counted in sorted(counts.items())},
        "pooled": metrics.figures(metrics.summed(list(counts.values()))) if counts else None,
    }


def card(told: dict[str, Any], digest: str) -> str:
    """Return the model card."""
    settings, origin = told["settings"], told["origin"]
    judged = [_line(one) for one in told["models"]]
    sites = [
        f"| {one['name']} | {one.get('dataset', '')} | {one.get('images', 0)} | "
        f"{one.get('patients', 0)} | {one.get('sick', 0)} | `{one.get('manifest', '')}` |"
        for one in told["sites"]
    ]
    refused = [f"- {one['site']}, round {one['round']}: {one['why']}" for one in told["refused"]]
    features, (_, noisy) = 2 * len(CENTRE), flags(settings)
    return CARD.format(
        finished=origin["finished"], mode=origin["mode"], run=origin["run"] or "-",
        version=origin["version"], app=origin["digest"] or "not run as an app", model=digest,
        sites="\n".join(sites), features=features, bound=BOUND, rounds=settings["rounds"],
        steps=privacy.STEPS if noisy else STEPS, rate=RATE, ridge=RIDGE,
        strategy=settings["strategy"], minimum=settings["minimum_sites"],
        protection=_protection(settings),
        judged="\n".join(judged),
        refused="\n".join(refused) or "Nothing: every answer was taken.",
    )  # fmt: skip


def _line(one: dict[str, Any]) -> str:
    pooled = one["pooled"] or {}
    names = ("auc", "accuracy", "sensitivity", "specificity")
    shown = [f"{pooled[name]:.3f}" if pooled.get(name) is not None else "-" for name in names]
    return (
        f"| {one['kind']} | {', '.join(one['learned_from'])} | {' | '.join(shown)} | "
        f"{pooled.get('images', 0)} |"
    )


def _protection(settings: dict[str, Any]) -> str:
    masked = "the hub saw sums of models only (pairwise masks; it is trusted to pass keys on)"
    noisy = (
        f"differential privacy by patient, epsilon {settings['epsilon']:g} and delta "
        f"{settings['delta']:g} for the weights of this run; counts of test images are exact, and "
        "every further run on the same patients costs again"
    )
    return {
        "none": "Nothing hides the models of sites from the hub",
        "secagg": f"Secure aggregation: {masked}",
        "dp": f"Noise: {noisy}",
        "both": f"Secure aggregation: {masked}. Noise: {noisy}",
    }[settings["privacy"]]


def _json(path: Path, what: dict[str, Any]) -> None:
    path.write_text(json.dumps(what, indent=1, sort_keys=True) + "\n", encoding="utf-8")
