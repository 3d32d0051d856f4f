"""Secrets in clear are refused wherever they stand, and no message repeats them."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import pytest

from cairn.spec.secrets import looks_secret

if TYPE_CHECKING:
    from collections.abc import Callable

PEM = "-----BEGIN " + "PRIVATE KEY-----"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"
PLANTED = [
    pytest.param(PEM, "a private key", id="private key"),
    pytest.param("AGE-SECRET-KEY-" + "1QL3Z7HJY54PW3HYWW5AYYFG7ZQ", "a private key", id="age"),
    pytest.param("AKIA" + "IOSFODNN7EXAMPLE", "an AWS access key", id="AWS"),
    pytest.param(JWT, "a web token", id="JWT"),
    pytest.param("https://me:pw@hospital.example/", "a login", id="login in an address"),
    pytest.param("ghp_" + "16C7e42F292c6912E7710c838347Ae178B4a", "a token", id="GitHub"),
    pytest.param("glpat-" + "abcdefghij0123456789", "a token", id="GitLab"),
    pytest.param("$6$rounds$" + "abcdefgh", "the hash of a password", id="crypt"),
    pytest.param("dsn password=tiger", "a password", id="connection string"),
    pytest.param("ChangeMe", "a default password", id="changeme"),
    pytest.param("supersecret42", "a default password", id="supersecret"),
    pytest.param("P@ssw0rd1", "a default password", id="password1"),
    pytest.param("admin/admin", "a default login", id="admin/admin"),
    pytest.param("orthanc:orthanc", "a default login", id="orthanc:orthanc"),
    pytest.param("9f86d081884c7d659a2feaa0c55ad015", "what looks like a key or a token", id="hex"),
    pytest.param("kJ8vQ2mXz7LpR4tWn6YbC3dF", "what looks like a key or a token", id="base64"),
]  # fmt: skip
INNOCENT = [
    "LoadCredential=node.key:/etc/cairn/pki/node.key",
    "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEp5Ky8qMi669H7hSrzmfG2d6AgOuICyTx37p/tOoCgj",
    "ssh-ed25519\n      AAAAC3NzaC1lZDI1NTE5AAAAIEp5Ky8qMi669H7hSrzmfG2d6AgOuICyTx37p/tOoCgj",
    "2f1acc6c-3f1b-4c9b-8d3e-9a8b7c6d5e4f",
    "https://login.hospital-a.example/realms/imaging",
    "http://proxy.hospital.example:3128",
    "Example University Hospital of Valencia and its Research Foundation",
    "/srv/imaging/data-sets-2026/long-path-of-a-folder/another-one",
    "imaging-it-and-radiology@university-hospital.example",
    "retain-longitudinal-modified-dates",
    "the password of sudo is asked for at the console",
    "DPIA-2026-07/REF-000123456789",
    "file:/etc/cairn/become-password",
    "2001:db8:85a3:8d3:1319:8a2e:370:7348",
    "0.debian.pool.ntp.org",
]
ADVICE = (
    "stands here in clear; remove it, change it where it is in use, and refer to the new one as "
    "`env:NAME` or `file:/path`"
)


@pytest.mark.parametrize(("secret", "what"), PLANTED)
def test_a_secret_in_a_value_is_refused_and_not_repeated(
    said: Callable[..., list[str]], secret: str, what: str
) -> None:
    found = said(("Example University Hospital, Valencia", f"'{secret}'"))

    assert found == [f"la-fe.yaml:6:16: site.institution: {what} {ADVICE}"]


@pytest.mark.parametrize(("secret", "what"), PLANTED)
def test_a_secret_in_a_comment_is_refused_and_not_repeated(
    said: Callable[..., list[str]], secret: str, what: str
) -> None:
    found = said(("country: ES", f"country: ES # was {secret} once"))

    assert len(found) == 1
    assert found[0].startswith("la-fe.yaml:7:")
    assert found[0].endswith(f": {what} {ADVICE}")
    assert secret not in found[0]


@pytest.mark.parametrize(("secret", "what"), PLANTED)
def test_a_secret_as_a_key_is_refused_and_not_repeated(
    said: Callable[..., list[str]], secret: str, what: str
) -> None:
    found = said(("country: ES", f"country: ES\n  '{secret}': here"))

    assert found == [f"la-fe.yaml:8:3: site: {what} {ADVICE}"]


@pytest.mark.parametrize("text", INNOCENT)
def test_ordinary_text_is_no_secret(text: str) -> None:
    assert not looks_secret(text)


def test_a_secret_as_the_name_of_a_host_is_not_in_the_path_of_other_problems(
    said: Callable[..., list[str]],
) -> None:
    found = said(("name: imaging-1", "name: supersecret-1"), ("debian-13", "debian-9"))

    assert [line.split(":")[3].strip() for line in found] == ["hosts.1.name", "hosts.1.os"]
    assert not any("supersecret" in line for line in found)


@pytest.mark.parametrize("key", ["password", "db_password", "apiKey", "access-key", "TOKEN"])
def test_a_key_named_like_a_secret_takes_references_only(
    said: Callable[..., list[str]], key: str
) -> None:
    found = said(("country: ES", f"country: ES\n  {key}: tiger"))

    assert f"la-fe.yaml:8:{5 + len(key)}: site.{key}: a secret {ADVICE}" in found
    assert not any("tiger" in line for line in found)


def test_references_to_secrets_are_welcome(said: Callable[..., list[str]]) -> None:
    assert said(("user: cairn-admin", "become_password: env:SUDO_PASSWORD")) == []
    assert said(("user: cairn-admin", "become_password: file:/run/secrets/sudo")) == []


def test_a_password_that_is_commented_out_is_found(said: Callable[..., list[str]]) -> None:
    found = said(("country: ES", "country: ES\n  # become_password: tiger"))

    assert found == [f"la-fe.yaml:8:5: a password {ADVICE}"]


def test_a_secret_written_in_escapes_is_found(said: Callable[..., list[str]]) -> None:
    found = said(("Example University Hospital, Valencia", r'"change\x6de"'))

    assert found == [f"la-fe.yaml:6:16: site.institution: a default password {ADVICE}"]


def test_a_private_key_over_several_lines_is_one_problem(said: Callable[..., list[str]]) -> None:
    body = base64.b64encode(bytes(range(96))).decode()
    block = f"|\n    {PEM}\n    {body[:64]}\n    {body[64:]}"

    found = said(("Example University Hospital, Valencia", block))

    assert found == [f"la-fe.yaml:6:16: site.institution: a private key {ADVICE}"]


def test_a_secret_in_a_broken_file_is_found_beside_the_fault(
    said: Callable[..., list[str]],
) -> None:
    found = said(text="name: la: fe\n# AKIA" + "IOSFODNN7EXAMPLE\n")

    assert [line.split(": ", 1)[0] for line in found] == ["la-fe.yaml:1:9", "la-fe.yaml:2:3"]


def test_known_hashes_and_random_keys_are_told_from_words() -> None:
    keys = [base64.b64encode(bytes((seed * 37 + n * 101) % 256 for n in range(32))).decode()
            for seed in range(50)]  # fmt: skip

    assert sum(looks_secret(key) for key in keys) >= 45
