"""The federation file is read only if it is the pinned one, and judged like a spec."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from cairn.errors import InvalidSpec
from cairn.spec.digest import digest_of
from cairn.spec.loader import load

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.spec.conftest import Declare

PINNED = "sha256:88e181a355ed274d01114314b56e05d396f4374b550ed5c8fc4ec2bdf1755a2d"


@pytest.fixture
def publish(declare: Declare, tmp_path: Path) -> Callable[[dict[str, Any]], list[str]]:
    """Change the federation file, pin the result, and return what is said."""

    def published(changes: dict[str, Any]) -> list[str]:
        path = declare()
        file = tmp_path / "demo.federation.json"
        content = {**json.loads(file.read_text()), **changes}
        file.write_text(json.dumps({k: v for k, v in content.items() if v != "gone"}, indent=2))
        declare((PINNED, digest_of(file.read_bytes())))
        with pytest.raises(InvalidSpec) as caught:
            load(path)
        return str(caught.value).replace(f"{tmp_path}/", "").splitlines()

    return published


def test_the_pinned_file_is_read(declare: Declare) -> None:
    federation = load(declare()).federation

    assert federation is not None
    assert federation.domain == "hub.demo.example"
    assert [endpoint.name for endpoint in federation.endpoints] == ["fl", "ca"]
    assert federation.ca_certificates[0].startswith("-----BEGIN CERTIFICATE-----")


def test_another_file_than_the_pinned_one_is_refused(said: Callable[..., list[str]]) -> None:
    found = said((PINNED, PINNED.replace("88e", "98e")))

    assert found == [
        (
            "la-fe.yaml:11:16: federation.fingerprint: the federation file is another one; if "
            "the hub "
            "published a new one, run `sha256sum` on it and compare with the hub's operators by "
            "telephone"
        )
    ]


def test_a_missing_file_is_placed_at_its_name(said: Callable[..., list[str]]) -> None:
    assert said(("demo.federation", "other.federation")) == [
        "la-fe.yaml:10:9: federation.file: there is no such file; check the path"
    ]


def test_an_absolute_path_is_refused(said: Callable[..., list[str]]) -> None:
    assert said(("demo.federation", "/etc/demo")) == [
        (
            "la-fe.yaml:10:9: federation.file: is no path of a federation file; write it "
            "relative to "
            "the spec, ending in `.json`"
        )
    ]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"domains": ["x"]}, "domains: unknown key; did you mean `domain`?"),
        ({"hub": "gone"}, "hub: is missing; add it: Name of the hub's node"),
        ({"ca_certificates": []}, "ca_certificates: has too few items; give at least 1 item"),
        ({"ca_certificates": ["x"]}, ("ca_certificates.1: holds no certificate; give PEM text, "
         "beginning with `-----BEGIN CERTIFICATE-----`")),
        ({"federation_version": 2}, "federation_version: is too large; give at most 1"),
        ({"addresses": {"hub.demo.example": "here"}}, ("addresses.hub.demo.example: is no IP "
         "address; write it as in `10.20.0.12`")),
    ],
)  # fmt: skip
def test_what_is_wrong_in_the_file_is_placed_in_the_file(
    publish: Callable[[dict[str, Any]], list[str]], changes: dict[str, Any], expected: str
) -> None:
    found = publish(changes)

    assert len(found) == 1
    file, line, column, rest = found[0].split(":", 3)
    assert (file, rest.strip()) == ("demo.federation.json", expected)
    assert int(line) >= 1
    assert int(column) >= 1


def test_a_private_key_in_the_file_is_refused_and_not_repeated(
    publish: Callable[[dict[str, Any]], list[str]],
) -> None:
    key = "-----BEGIN " + "PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49\n-----END PRIVATE KEY-----"

    found = publish({"ca_certificates": [key]})

    assert len(found) == 1
    assert "holds a private key; take it out of the file, and make a new key" in found[0]
    assert "MIGH" not in found[0]


def test_what_is_no_json_is_placed(declare: Declare, tmp_path: Path) -> None:
    declare()
    (tmp_path / "demo.federation.json").write_text("{,")
    path = declare((PINNED, digest_of(b"{,")))
    (tmp_path / "demo.federation.json").write_text("{,")

    with pytest.raises(InvalidSpec, match=r"demo\.federation\.json:1:2: "):
        load(path)
