"""One pass over a data set: each attribute is removed, replaced, moved or kept, sequences inside.

What the profile's table does not name is kept only if it can hold no free text: unknown
attributes, names of persons, texts of several lines and bytes of unknown meaning go as well.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from cairn_intake import dates, descriptors
from cairn_intake.profile import Verb, repeats
from cairn_intake.refusals import Refused
from cairn_intake.values import decoded, made, raw_bytes, vr_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pydicom.dataelem import DataElement, RawDataElement
    from pydicom.dataset import Dataset

    from cairn_intake.profile import Profile
    from cairn_intake.pseudonyms import Pseudonyms

#: Levels of sequences in sequences; the deepest objects of the standard have about eight.
DEEPEST: Final = 16
#: UIDs of the standard itself name no patient: classes, transfer syntaxes, coding schemes.
STANDARD_UIDS: Final = b"1.2.840.10008."
#: Groups below are of commands and file meta, which have no place in a data set.
FIRST_GROUP: Final = 0x0008
#: What an attribute that the table does not name is worth, by value representation.
_UNNAMED: Final = {
    **dict.fromkeys(
        ("PN", "LT", "ST", "UT", "UC", "UR", "UN", "OB", "AE", "", "DA", "DT", "TM"), Verb.DROP
    ),
    "UI": Verb.UID,
    "SQ": Verb.ENTER,
}
#: Groups in which bytes are pixels, palettes, profiles of colour or waveforms.
_BYTES_ARE_IMAGE: Final = frozenset({0x0028, 0x5400, 0x7FE0})
#: Values that say nothing, by value representation; the others are emptied.
_DUMMIES: Final = {
    **dict.fromkeys(("LO", "SH", "ST", "LT", "UT", "UC", "PN", "AE", "CS"), b"REMOVED"),
    **dict.fromkeys(("US", "SS"), bytes(2)),
    **dict.fromkeys(("UL", "SL", "FL"), bytes(4)),
    **dict.fromkeys(("FD", "UV", "SV"), bytes(8)),
    **dict.fromkeys(("DS", "IS"), b"0"),
    "AS": b"000Y",
    "DA": b"19000101",
    "DT": b"19000101000000",
    "TM": b"000000",
    "UR": b"http://removed.invalid",
}
_TEXTS: Final = frozenset({"LO", "SH", "CS", "UC", "ST", "LT", "UT"})
#: Where the creators of private blocks stand, DICOM PS3.5 section 7.8.1.
_CREATORS: Final = range(0x10, 0x100)


@dataclass(frozen=True, slots=True)
class Subject:
    """Whom a data set is about, and what stands for them.

    Attributes:
        pseudonym: Stands for name and number.
        days: By how many days dates move.
        traces: Words that would give the patient away wherever they stand, in lower case.
    """

    pseudonym: bytes
    days: int
    traces: tuple[bytes, ...]

    def is_told_by(self, value: bytes) -> bool:
        """Whether a value holds one of the words that give the patient away."""
        lower = value.lower()
        return any(trace in lower for trace in self.traces)


@dataclass(frozen=True, slots=True)
class Cleaner:
    """Cleans data sets of one subject."""

    profile: Profile
    pseudonyms: Pseudonyms
    subject: Subject

    def clean(self, dataset: Dataset, depth: int = 0) -> None:
        """Clean a data set in place, with all that is nested in it.

        Raises:
            Refused: It is nested too deep.
        """
        if depth > DEEPEST:
            raise Refused("too-deep")
        tags = list(dataset.keys())
        kept = frozenset(self._private(dataset, tags)) if self.profile.private else frozenset()
        for tag in tags:
            if tag not in kept:
                self._clean(dataset, dataset.get_item(tag), depth)

    def _clean(self, dataset: Dataset, element: RawDataElement | DataElement, depth: int) -> None:
        vr = vr_of(element)
        verb = self._verb(int(element.tag), vr)
        if verb is Verb.KEEP and not (vr in _TEXTS and self.subject.is_told_by(raw_bytes(element))):
            return
        if verb is Verb.ENTER and vr == "SQ":
            for item in dataset[element.tag].value:
                self.clean(item, depth + 1)
            return
        value = self._value(element, vr, verb)
        if value is None:
            del dataset[element.tag]
        else:
            dataset[element.tag] = made(element, vr, value)

    def _verb(self, tag: int, vr: str) -> Verb:
        """Return what happens to an attribute; what is private or repeats is settled first."""
        if tag >> 16 < FIRST_GROUP or tag >> 16 & 1 or repeats(tag) or not vr:
            return Verb.DROP
        named = self.profile.verbs.get(tag)
        if named is not None:
            return Verb.DUMMY if named is Verb.UID and vr != "UI" else named
        if vr == "OB" and tag >> 16 in _BYTES_ARE_IMAGE:
            return Verb.KEEP
        return self.profile.time.get(vr) or _UNNAMED.get(vr, Verb.KEEP)

    def _value(self, element: RawDataElement | DataElement, vr: str, verb: Verb) -> bytes | None:
        """Return the new value of an attribute, or None where it is to go."""
        new: bytes | None = None
        if verb is Verb.EMPTY:
            new = b""
        elif verb is Verb.DUMMY:
            new = _DUMMIES.get(vr, b"")
        elif verb is Verb.PSEUDONYM:
            new = self.subject.pseudonym
        elif verb is Verb.UID:
            new = self._uids(raw_bytes(element))
        elif verb is Verb.SHIFT:
            new = dates.shift(raw_bytes(element), self.subject.days)
        elif verb is Verb.AGE:
            new = _age(raw_bytes(element))
        elif verb is Verb.WORDS:
            new = self._words(raw_bytes(element))
        return new

    def _uids(self, value: bytes) -> bytes:
        return b"\\".join(self._uid(part.strip(b" \0")) for part in value.split(b"\\"))

    def _uid(self, uid: bytes) -> bytes:
        return uid if not uid or uid.startswith(STANDARD_UIDS) else self.pseudonyms.uid(uid)

    def _words(self, value: bytes) -> bytes | None:
        words = descriptors.clean(decoded(value)).encode()
        return None if self.subject.is_told_by(words) else words

    def _private(self, dataset: Dataset, tags: Iterable[int]) -> Iterator[int]:
        """Yield the private attributes that are kept, and the creators that reserve them."""
        for creator, group, element in self.profile.private:
            blocks = (tag for tag in tags if tag >> 16 == group and tag & 0xFFFF in _CREATORS)
            for block in blocks:
                kept = group << 16 | (block & 0xFF) << 8 | element
                named = raw_bytes(dataset.get_item(block)).strip(b" \0") == creator.encode()
                if named and kept in dataset and self._may_stay(dataset.get_item(kept)):
                    yield from (block, kept)

    def _may_stay(self, element: RawDataElement | DataElement) -> bool:
        return element.VR != "SQ" and not self.subject.is_told_by(raw_bytes(element))


def _age(value: bytes) -> bytes | None:
    """Return an age, but none above 89 years: few people of a region are that old."""
    text = value.strip(b" \0")
    if len(text) != 4 or not text[:3].isdigit() or text[3:] not in b"DWMY":  # noqa: PLR2004 - AS
        return None
    return b"090Y" if text[3:] == b"Y" and int(text[:3]) >= 90 else text  # noqa: PLR2004
