"""Who answers for a node: the institution, its contacts and its administrators."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StrictBool

from cairn.spec.model import Declared
from cairn.spec.types import Country, Email, HttpUrl, Login, Phone, PublicKey, Sentence


class Contacts(Declared):
    """People of the site whom the federation may call; functions rather than persons."""

    technical: Email
    """Who runs the machines."""
    security: Email
    """Who is told of a security incident."""
    data_protection: Email
    """The data-protection officer; not the same address as `technical`."""
    incident_phone: Phone | None = None
    """A number that is answered day and night, as in `+34 900 000 000`."""


class Site(Declared):
    """The hospital or institute as an organisation."""

    institution: Sentence
    """Name of the institution and its city."""
    country: Country
    """Two capital letters, ISO 3166-1 (`ES`, `NO`)."""
    contacts: Contacts
    """Whom to call."""


class Administrator(Declared):
    """One person who may log in to the hosts, by SSH key only."""

    name: Login
    """Login name; one person each, never `admin` or `root`."""
    keys: Annotated[tuple[PublicKey, ...], Field(min_length=1)]
    """Public SSH keys, one line each as in `id_ed25519.pub`."""


class Identity(Declared):
    """How people prove who they are to the services of the node."""

    issuer: HttpUrl
    """OpenID Connect issuer of the federation or the site."""
    second_factor: StrictBool
    """Whether the issuer demands a second factor."""
