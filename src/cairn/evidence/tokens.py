"""Keys that stay in hardware and sign there: PKCS #11 3.0, named by an RFC 7512 URI."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

from cairn.errors import Misuse
from cairn.spec.references import value_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

#: How a reference to such a key begins.
SCHEME: Final = "pkcs11:"
EXAMPLE: Final = "pkcs11:token=cairn;object=reports?module-path=/usr/lib/M.so&pin-source=env:PIN"
#: What to do about what a token says most often; its errors have names, and often no words.
REMEDIES: Final = {
    "NoSuchKey": "compare `object` with the labels that the token has",
    "NoSuchToken": "plug it in, or compare `token` with its label",
    "PinIncorrect": "correct what pin-source names; a token locks itself after a few wrong ones",
    "PinLocked": "its officer has to set a new PIN",
}
_LENGTH: Final = 32
"""Bytes of a public Ed25519 key (RFC 8032)."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a key pair is: the token is opened anew for each use.

    Attributes:
        module: Library of the token's maker.
        token: Label of the token.
        label: Label of the key pair in it.
        pin_source: Where the PIN stands, `env:NAME` or `file:/path`.
    """

    module: str
    token: str
    label: str
    pin_source: str

    @contextmanager
    def opened(self, *, to_write: bool = False) -> Iterator[Any]:
        """Give a session of the token, and end it.

        Raises:
            Misuse: The token is not there, or does not do what is asked of it.
        """
        import pkcs11  # noqa: PLC0415 - most keys are in files

        pin = _pin(self.pin_source)
        try:
            token = pkcs11.lib(self.module).get_token(token_label=self.token)
            with token.open(user_pin=pin, rw=to_write) as session:
                yield session
        except (pkcs11.PKCS11Error, RuntimeError) as error:
            name = type(error).__name__
            told = f"{name} {error}".strip()
            remedy = f"; {REMEDIES[name]}" if name in REMEDIES else ""
            raise Misuse(f"key `{self.label}` of token `{self.token}`: {told}{remedy}") from None


@dataclass(frozen=True, slots=True)
class TokenKey:
    """An Ed25519 key of a token."""

    place: Place

    def sign(self, data: bytes) -> bytes:
        """Return the Ed25519 signature, 64 bytes, that the token makes.

        Raises:
            Misuse: The token does not do it.
        """
        import pkcs11  # noqa: PLC0415 - most keys are in files

        with self.place.opened() as session:
            key = self._found(session, pkcs11.ObjectClass.PRIVATE_KEY)
            return bytes(key.sign(data, mechanism=pkcs11.Mechanism.EDDSA))

    def public_key(self) -> Ed25519PublicKey:
        """Return the public half; errors as for `sign`."""
        import pkcs11  # noqa: PLC0415 - most keys are in files
        from cryptography.hazmat.primitives.asymmetric.ed25519 import (  # noqa: PLC0415
            Ed25519PublicKey,
        )

        with self.place.opened() as session:
            key = self._found(session, pkcs11.ObjectClass.PUBLIC_KEY)
            point = bytes(key[pkcs11.Attribute.EC_POINT])
        # As a bare point or as a DER OCTET STRING, which ends with it: tokens do both.
        return Ed25519PublicKey.from_public_bytes(point[-_LENGTH:])

    def _found(self, session: Any, kind: Any) -> Any:  # noqa: ANN401 - the library has no types
        import pkcs11  # noqa: PLC0415 - most keys are in files

        return session.get_key(
            object_class=kind, key_type=pkcs11.KeyType.EC_EDWARDS, label=self.place.label
        )


def read(reference: str) -> Place:
    """Read a reference; nothing is opened yet.

    Raises:
        Misuse: It lacks something, or holds a PIN.
    """
    path, _, query = reference.removeprefix(SCHEME).partition("?")
    words = [*path.split(";"), *query.split("&")]
    parts = {name: unquote(value) for name, _, value in (one.partition("=") for one in words)}
    if "pin-value" in parts:
        raise Misuse("a PIN is never written into a reference; name its place with pin-source")
    wanted = ("module-path", "token", "object", "pin-source")
    missing = [name for name in wanted if not parts.get(name)]
    if missing:
        raise Misuse(f"the key in hardware lacks {', '.join(missing)}; write it as in {EXAMPLE}")
    return Place(*(parts[name] for name in wanted))


def _pin(source: str) -> str:
    named = source if source.startswith(("env:", "file:")) else f"file:{source}"
    try:
        return value_of(named)
    except LookupError:
        raise Misuse(f"the PIN cannot be read from {source}") from None
