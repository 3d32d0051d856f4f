"""Striking out secrets."""

from __future__ import annotations

from cairn.ansible.masks import striker


def test_a_secret_is_struck_out_wherever_it_stands() -> None:
    assert striker(["hunter2"])("a hunter2 b:hunter2") == "a [secret] b:[secret]"


def test_each_line_of_a_long_secret_is_struck_out() -> None:
    strike = striker(["-----BEGIN KEY-----\nabcdefgh\n"])
    assert strike("found abcdefgh") == "found [secret]"


def test_a_secret_in_the_spelling_of_json_is_struck_out() -> None:
    assert striker(['pass"word'])('{"msg": "pass\\"word"}') == '{"msg": "[secret]"}'


def test_a_short_text_is_no_secret() -> None:
    assert striker(["no", ""])("no secret") == "no secret"
