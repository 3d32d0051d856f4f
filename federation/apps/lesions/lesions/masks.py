"""Sums that the hub learns while it learns no summand (Bonawitz et al. 2017, doi 10.1145/3133956).

Each site makes a key for the run (X25519). Each pair of sites has a secret that the hub does not
know, and from it a stream of numbers (ChaCha20, 256 bits) for each round: one site of the pair adds
it, the other takes it away, modulo 2^64. What one site sends is noise; the sum has none left.

Flower's own SecAgg+ is not used: in 1.41 its streams come from a seed of 32 bits
(`pseudo_rand_gen`), which whoever holds the messages can try out. The price of the simpler protocol
here: if a site is lost between keys and answer, the round has no sum. It is not asked again with
fewer sites, because the difference of the two sums would be that site's model.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import ChaCha20
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from lesions.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

#: Binary digits after the point of a masked number.
POINT: Final = 24
#: Greatest number of one site before it is masked, so that a thousand sites cannot overflow.
GREATEST: Final = 2.0**52
#: Fewer keys than this hide nothing from the hub.
LEAST: Final = 2


def key_pair() -> tuple[bytes, bytes]:
    """Return a new private key and its public one, 32 bytes each."""
    private = X25519PrivateKey.generate()
    return private.private_bytes_raw(), private.public_key().public_bytes_raw()


def masked(
    values: NDArray[np.float64], weight: int, private: bytes, keys: Mapping[str, bytes], about: str
) -> NDArray[np.uint64]:
    """Return weight and weighted values, hidden.

    Args:
        values: What the site learned.
        weight: How many images it learned from.
        private: Its private key.
        keys: The public keys of all sites, its own among them.
        about: Run and round; a stream is used once.

    Raises:
        Refused: The keys hide nothing, or a number is too great.
    """
    own = X25519PrivateKey.from_private_bytes(private)
    mine = own.public_key().public_bytes_raw()
    others = [key for key in keys.values() if key != mine]
    if len(others) != len(keys) - 1 or len(set(keys.values())) != len(keys) or len(keys) < LEAST:
        raise Refused("the keys sent for this sum would hide nothing; the site sends no model")
    whole = np.append(float(weight), values * weight)
    if not np.isfinite(whole).all() or np.abs(whole).max() * 2**POINT > GREATEST:
        raise Refused("the model has numbers that cannot be summed; the site sends no model")
    hidden = np.rint(whole * 2**POINT).astype(np.int64).view(np.uint64)
    for other in others:
        stream = _stream(own, other, sorted((mine, other)), about, len(hidden))
        hidden = hidden + stream if mine < other else hidden - stream
    return np.asarray(hidden, dtype=np.uint64)


def unmasked(hidden: Sequence[NDArray[np.uint64]]) -> tuple[NDArray[np.float64], int]:
    """Return the weighted mean of all sites and their weight, from what all of them sent."""
    total = np.add.reduce(np.stack(hidden), axis=0).view(np.int64) / 2**POINT
    weight = round(float(total[0]))
    return total[1:] / max(weight, 1), weight


def _stream(
    own: X25519PrivateKey, other: bytes, pair: list[bytes], about: str, length: int
) -> NDArray[np.uint64]:
    try:
        secret = own.exchange(X25519PublicKey.from_public_bytes(other))
    except (ValueError, UnsupportedAlgorithm):
        raise Refused("a key sent for this sum is none; the site sends no model") from None
    info = b"lesions/1 mask " + about.encode() + b" " + b"".join(pair)
    key = HKDF(hashes.SHA256(), 32, salt=None, info=info).derive(secret)
    stream = Cipher(ChaCha20(key, bytes(16)), mode=None).encryptor().update(bytes(8 * length))
    return np.frombuffer(stream, dtype="<u8").astype(np.uint64)
