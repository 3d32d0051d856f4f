"""What is secret does not reach the evidence."""

from __future__ import annotations

import pytest

from cairn.checks.redaction import mask


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("ana:$y$j9T$abcdefgh$0123456789abcdef:20000:0", "0123456789abcdef"),
        ("root:$6$saltsalt$" + "h" * 86 + ":1", "h" * 86),
        (
            "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaA\n-----END OPENSSH PRIVATE KEY-----",
            "b3Bl",
        ),
        ("-----BEGIN PRIVATE KEY-----\nMIIEvQIBAD", "MIIEvQ"),
        ("postgres://cairn:hunter2@db/x", "hunter2"),
        ('{"password": "hunter22"}', "hunter22"),
        ("SECRET=hunter22 next", "hunter22"),
        ("api_key: hunter22", "hunter22"),
        ("Authorization: Bearer abc.def", "abc.def"),
    ],
)
def test_secrets_are_masked(text: str, secret: str) -> None:
    assert secret not in mask(text)


@pytest.mark.parametrize(
    "text",
    [
        "passwordauthentication no",
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEp5Ky8q ana@imaging",
        'tcp LISTEN 0 128 0.0.0.0:22 0.0.0.0:* users:(("sshd",pid=1,fd=3))',
        "sha256:" + "a" * 64,
    ],
)
def test_what_is_public_stays(text: str) -> None:
    assert mask(text) == text


@pytest.mark.parametrize(
    "text", ["x" * 200_000, "a.b-" * 50_000, "http://" * 30_000, "$y$" * 60_000]
)
def test_a_long_answer_is_masked_in_a_time_that_grows_with_its_length(text: str) -> None:
    assert len(mask(text)) <= len(text)
