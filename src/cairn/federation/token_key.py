"""The root's key in a PKCS #11 token: P-384, made there, never outside of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NoReturn

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from cairn.errors import Misuse

if TYPE_CHECKING:
    from typing import Self

    from cryptography.utils import Buffer

    from cairn.evidence.tokens import Place

CURVE: Final = ec.SECP384R1()
#: Object identifier of that curve (RFC 5480 section 2.1.1.1).
_OBJECT_ID: Final = "1.3.132.0.34"
#: Bytes of an uncompressed point of it (SEC 1 section 2.3.3).
_POINT: Final = 1 + 2 * 48


class TokenKey(ec.EllipticCurvePrivateKey):
    """A key that certificates and lists are signed with as with one of a file.

    What would need the private half itself is refused: it does not leave the token.
    """

    def __init__(self, place: Place) -> None:
        self._place = place

    def public_key(self) -> ec.EllipticCurvePublicKey:
        """Return the public half.

        Raises:
            Misuse: The token is not there, does not open, or has no such key.
        """
        import pkcs11  # noqa: PLC0415 - most roots are in files

        with self._place.opened() as session:
            key = session.get_key(
                object_class=pkcs11.ObjectClass.PUBLIC_KEY,
                key_type=pkcs11.KeyType.EC,
                label=self._place.label,
            )
            point = bytes(key[pkcs11.Attribute.EC_POINT])
        # As a bare point or as a DER OCTET STRING, which ends with it: tokens do both.
        try:
            return ec.EllipticCurvePublicKey.from_encoded_point(CURVE, point[-_POINT:])
        except ValueError:
            raise Misuse(f"key `{self._place.label}` is none that `cairn hub init` made") from None

    def sign(self, data: Buffer, signature_algorithm: ec.EllipticCurveSignatureAlgorithm) -> bytes:
        """Return the token's signature, in DER; errors as for `public_key`."""
        import pkcs11  # noqa: PLC0415 - most roots are in files

        digest = hashes.Hash(_whole(signature_algorithm))
        digest.update(data)
        with self._place.opened() as session:
            key = session.get_key(
                object_class=pkcs11.ObjectClass.PRIVATE_KEY,
                key_type=pkcs11.KeyType.EC,
                label=self._place.label,
            )
            made = bytes(key.sign(digest.finalize(), mechanism=pkcs11.Mechanism.ECDSA))
        half = len(made) // 2
        first, second = (int.from_bytes(part, "big") for part in (made[:half], made[half:]))
        return encode_dss_signature(first, second)

    @property
    def curve(self) -> ec.EllipticCurve:
        """The curve."""
        return CURVE

    @property
    def key_size(self) -> int:
        """Bits of the curve."""
        return CURVE.key_size

    def exchange(self, *_: object) -> NoReturn:
        """Refuse: the key signs, and nothing else."""
        raise _stays()

    def private_numbers(self) -> NoReturn:
        """Refuse: the private half does not leave the token."""
        raise _stays()

    def private_bytes(self, *_: object) -> NoReturn:
        """Refuse: the private half does not leave the token."""
        raise _stays()

    def __copy__(self) -> Self:
        """Return the same: the key is where it is."""
        return self

    def __deepcopy__(self, memo: dict[int, object]) -> Self:
        """Return the same: the key is where it is."""
        return self


def make(place: Place) -> TokenKey:
    """Make a key pair in the token, which lets nobody take the private half out.

    Raises:
        Misuse: The token has a key of that label, or does not make one.
    """
    import pkcs11  # noqa: PLC0415 - most roots are in files
    from pkcs11.util.ec import encode_named_curve_parameters  # noqa: PLC0415

    with place.opened(to_write=True) as session:
        if any(session.get_objects({pkcs11.Attribute.LABEL: place.label})):
            raise Misuse(
                f"token `{place.token}` has a `{place.label}` already; name another `object`, a "
                "root is never made over another one"
            )
        curve = {pkcs11.Attribute.EC_PARAMS: encode_named_curve_parameters(_OBJECT_ID)}
        session.create_domain_parameters(pkcs11.KeyType.EC, curve, local=True).generate_keypair(
            mechanism=pkcs11.Mechanism.EC_KEY_PAIR_GEN,
            capabilities=pkcs11.MechanismFlag.SIGN | pkcs11.MechanismFlag.VERIFY,
            label=place.label,
            store=True,
            private_template={pkcs11.Attribute.EXTRACTABLE: False},
        )
    return TokenKey(place)


def _whole(wanted: ec.EllipticCurveSignatureAlgorithm) -> hashes.HashAlgorithm:
    algorithm = wanted.algorithm
    if not isinstance(algorithm, hashes.HashAlgorithm):
        raise TypeError("the data is hashed here, so that the token sees a digest only")
    return algorithm


def _stays() -> Misuse:
    return Misuse("the root's key stays in its token, which signs and does nothing else")
