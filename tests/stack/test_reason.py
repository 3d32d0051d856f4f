"""What is left of Pulumi's words when its decoration is taken off."""

from __future__ import annotations

from cairn.stack.pulumi_cli import reason


def test_frames_colours_and_prefixes_are_taken_off() -> None:
    text = (
        "Diagnostics:\n  \x1b[31merror: an unhandled error occurred: Program exited\x1b[0m\n"
        "error: nodes/a.yaml:3:1: kind: is missing\n"
    )
    assert reason(text) == "nodes/a.yaml:3:1: kind: is missing"


def test_silence_is_said_to_be_silence() -> None:
    assert reason("\n \n") == "no reason given"
