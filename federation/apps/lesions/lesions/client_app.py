"""The site's end under Flower: from a message to what the site is asked, and back."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
from flwr.app import Array, ArrayRecord, ConfigRecord, Context, Message, MetricRecord, RecordDict
from flwr.clientapp import ClientApp

from lesions import site
from lesions.errors import Refused
from lesions.wire import EVALUATE, KEYS, TRAIN, Answer, Request

app = ClientApp()
#: Where a run's memory of the site lies in Flower's context; it stays on the node.
MEMORY = "lesions"


@app.query()
def key(message: Message, context: Context) -> Message:
    """Make the site's key for the run."""
    return _answered(KEYS, message, context)


@app.train()
def train(message: Message, context: Context) -> Message:
    """Learn from the site's images."""
    return _answered(TRAIN, message, context)


@app.evaluate()
def evaluate(message: Message, context: Context) -> Message:
    """Count how models score the site's test images."""
    return _answered(EVALUATE, message, context)


def _answered(task: str, message: Message, context: Context) -> Message:
    if MEMORY not in context.state.config_records:
        context.state.config_records[MEMORY] = ConfigRecord()
    memory = context.state.config_records[MEMORY]
    try:
        answer = site.answer(task, _request(message), _place(context, memory))
    except Refused as error:
        answer = Answer(told={"refused": str(error)})
    return Message(_content(answer), reply_to=message)


def _request(message: Message) -> Request:
    content = message.content
    arrays = {
        name: array.numpy()
        for record in content.array_records.values()
        for name, array in record.items()
    }
    config = {
        name: value for record in content.config_records.values() for name, value in record.items()
    }
    return Request(arrays, config)


def _content(answer: Answer) -> RecordDict:
    content = RecordDict()
    content["told"] = ConfigRecord(dict(answer.told))
    content["metrics"] = MetricRecord(dict(answer.metrics))
    # A node lets a record go out under the name of one that came in only with the same arrays.
    for name, wanted in (("arrays", {"model"}), ("extra", set(answer.arrays) - {"model"})):
        arrays = {key: Array(np.asarray(answer.arrays[key])) for key in wanted & set(answer.arrays)}
        if arrays:
            content[name] = ArrayRecord(arrays)
    return content


def _place(context: Context, memory: Any) -> site.Place:  # noqa: ANN401 - a record of Flower
    """Return the site: the granted data set, or outside of a node's cell the configured folder."""
    node = {**context.node_config}
    if "CAIRN_DATA" in os.environ:
        names = os.environ["CAIRN_DATASET"].split(",")
        folders = tuple(Path(os.environ["CAIRN_DATA"]) / name for name in names)
    else:
        folders = tuple(Path(part) for part in str(node["data"]).split(os.pathsep))
        names = [folder.name for folder in folders]
    epsilon = os.environ.get("CAIRN_EPSILON", node.get("epsilon"))
    masked = os.environ.get("CAIRN_SECURE_AGGREGATION", node.get("secure-aggregation", False))
    limits = site.Limits(
        float(epsilon) if epsilon else None, str(masked).lower() in {"1", "true", "yes"}
    )
    manifest = os.environ.get("CAIRN_MANIFEST", "")
    return site.Place(folders, ", ".join(names), limits, manifest, memory)
