"""Who answers for a node, what the processing rests on, and which exceptions are made."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

from cairn.checks.parameters import months_after
from cairn.checks.registry import Moment, check
from cairn.checks.subjects import taking_part
from cairn.checks.verdicts import NOT_APPLICABLE, At, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cairn.checks.parameters import Parameters
    from cairn.checks.registry import Check
    from cairn.checks.verdicts import Findings
    from cairn.checks.waivers import Waivers
    from cairn.spec.document import Document
    from cairn.spec.legal import Waiver


@check(
    id="GOV-01",
    title="The impact assessment is named, approved and current",
    severity=Severity.HIGH,
    supports=("GDPR 35", "EUCAIM-HB 3.2", "TEHDAS OPR-12", "NIS2 21(2)(a)"),
    remediation="Set legal.dpia with reference, approved and, if reviewed since, review_by.",
    applies=("T2", "T3", "compute"),
)
def impact_assessment_is_current(document: Document, today: date, limits: Parameters) -> Findings:
    """Images of patients are processed on a large scale, so the assessment comes first.

    An assessment that nobody has looked at since describes a node that no longer exists.
    """
    spec = document.spec
    dpia = spec.legal.dpia if spec.legal else None
    if dpia is None:
        yield False, At(spec, "legal.dpia"), "no impact assessment is named"
        return
    due = dpia.review_by or months_after(dpia.approved, limits.number("dpia_review_months"))
    yield dpia.approved <= today, At(spec, "legal.dpia.approved"), f"approved on {dpia.approved}"
    yield due >= today, At(spec, "legal.dpia.review_by"), f"to be reviewed by {due}"


@check(
    id="GOV-02",
    title="The agreement fits the way of taking part",
    severity=Severity.HIGH,
    supports=("EUCAIM-HB 3.2 (DSA/DTA)", "TEHDAS FSPER-1", "ISO A.5.20"),
    remediation="Set legal.agreement: data-sharing if data stay, data-transfer if copies leave.",
    applies=("T1", "T2", "T3"),
)
def agreement_fits(document: Document, today: date) -> Findings:
    """A sharing agreement does not cover copies that leave the house, nor the reverse."""
    spec = taking_part(document)
    agreement = spec.legal.agreement if spec.legal else None
    if agreement is None:
        yield False, At(spec, "legal.agreement"), "no agreement with the federation is named"
        return
    mode = spec.federation.participation
    wanted = "data-transfer" if mode == "transfer" else "data-sharing"
    yield (
        agreement.kind == wanted,
        At(spec, "legal.agreement.kind"),
        f"participation is {mode}, the agreement is of kind {agreement.kind}",
    )
    signed = agreement.signed
    yield signed <= today, At(spec, "legal.agreement.signed"), f"signed on {signed}"


@check(
    id="GOV-03",
    title="The contacts of the site are named and can be reached in an incident",
    severity=Severity.MEDIUM,
    supports=(
        "EUCAIM-HB 7.1.1",
        "TEHDAS OPR-9 OPR-18",
        "NIS2 21(2)(b)",
        "ISO A.5.2 A.5.24",
    ),
    remediation="Set site.contacts.incident_phone, and a data_protection address of its own.",
)
def contacts_are_named(document: Document) -> Findings:
    """An incident at night needs a number; and nobody supervises the machines he runs himself."""
    spec = document.spec
    contacts = spec.site.contacts
    yield (
        contacts.incident_phone is not None,
        At(spec, "site.contacts.incident_phone"),
        "a number for incidents is named" if contacts.incident_phone else "no number is named",
    )
    apart = contacts.data_protection.casefold() != contacts.technical.casefold()
    yield (
        apart,
        At(spec, "site.contacts.data_protection"),
        "data protection and technical contact are " + ("different" if apart else "the same"),
    )


@check(
    id="GOV-04",
    title="Every data set open to computations rests on a live data permit",
    severity=Severity.CRITICAL,
    supports=("EHDS 73(1)(a) 73(1)(d)", "EHDS 68", "TEHDAS OPR-1 EHDSR-10", "ISO A.5.18"),
    remediation="Add the permit with named persons, or take the data set out of `datasets`.",
    waivable=False,
    applies=("T3", "compute"),
)
def computations_rest_on_permits(document: Document, today: date) -> Findings:
    """Secondary use is allowed to named persons, for named data, until a named day."""
    spec = taking_part(document)
    if not spec.datasets and not spec.permits:
        yield NOT_APPLICABLE, "the node opens no data set to computations"
        return
    live = {name for permit in spec.permits if permit.expires >= today for name in permit.datasets}
    for dataset in spec.datasets:
        yield (
            dataset.name in live,
            At(spec, f"datasets.{dataset.name}"),
            "a live permit covers it" if dataset.name in live else "no live permit covers it",
        )
    ids = [permit.id for permit in spec.permits]
    for permit in spec.permits:
        at = At(spec, f"permits.{permit.id}")
        yield ids.count(permit.id) == 1, at, f"its number occurs {ids.count(permit.id)} times"
        yield permit.expires >= today, at, f"valid until {permit.expires}"
        persons = [person.casefold() for person in permit.persons]
        yield len(set(persons)) == len(persons), at, f"names {len(set(persons))} persons"


@check(
    id="GOV-05",
    title="What a permit allowed is deleted within six months of its end",
    severity=Severity.HIGH,
    supports=("EHDS 68(12)", "TEHDAS OPR-5", "GDPR 5(1)(e)", "ISO A.8.10"),
    remediation="Set permits[].delete_by to a day after expires and at most six months later.",
    applies=("T3", "compute"),
)
def deletion_follows_permit(document: Document, limits: Parameters) -> Findings:
    """What is derived from health data has no reason to exist once the permit has ended."""
    spec = taking_part(document)
    if not spec.permits:
        yield NOT_APPLICABLE, "the node holds no permit"
        return
    months = limits.number("permit_deletion_months")
    for permit in spec.permits:
        last = months_after(permit.expires, months)
        yield (
            permit.expires <= permit.delete_by <= last,
            At(spec, f"permits.{permit.id}.delete_by"),
            f"to be deleted by {permit.delete_by}, allowed {permit.expires} to {last}",
        )


@check(
    id="GOV-06",
    title="Every waiver is exact, short, of use, and signed by who may approve it",
    severity=Severity.HIGH,
    supports=("NIS2 21(2)(f)", "ISO A.5.36", "GDPR 32(1)(d)"),
    remediation="Remove the waiver, or mend what is named and have it signed (`cairn waiver`).",
    waivable=False,
)
def waivers_are_clean(waivers: Waivers, today: date, limits: Parameters) -> Findings:
    """An exception that nobody needs, or that never ends, is a hole with a signature.

    Without one it is a hole that somebody made alone: whoever asks for it does not approve it, and
    the approver's key stands in a bundle that the author of a spec does not write.
    """
    if not waivers.declared:
        yield NOT_APPLICABLE, f"no waiver speaks of a {waivers.moment} check here"
    for waiver, waived in waivers.declared:
        target = waiver.host if waiver.host in waivers.hosts else waivers.node
        at = At(target or waivers.node, f"compliance.waivers.{waiver.check}")
        if waivers.moment is Moment.SPEC:
            faults = list(_form(waivers, waiver, waived, today, limits))
        else:
            faults = []
        if waivers.is_of_this_moment(waived) and waiver not in waivers.used:
            faults.append("it excuses nothing on this target")
        yield not faults, at, "; ".join(faults) or "it is in order"


def _form(
    waivers: Waivers, waiver: Waiver, waived: Check | None, today: date, limits: Parameters
) -> Iterator[str]:
    """Say what is wrong with a waiver whatever it is used for."""
    if waived is None:
        yield f"there is no check {waiver.check}"
        return
    critical = waived.severity is Severity.CRITICAL
    name = "waiver_longest_days_critical" if critical else "waiver_longest_days"
    last = today + timedelta(days=limits.number(name))
    if not waived.waivable:
        yield f"{waived.id} cannot be waived"
    if waiver.expires < today:
        yield f"it expired on {waiver.expires}"
    if waiver.expires > last:
        yield f"it runs until {waiver.expires}, longer than {limits.number(name)} days"
    if waiver.host is not None and waiver.host not in waivers.hosts:
        yield f"the node has no host {waiver.host}"
    if waived.moment is Moment.HOST and waiver.host is None:
        yield f"{waived.id} is asked of hosts, and the waiver names none"
    unapproved = waivers.approval_fault(waiver)
    if unapproved:
        yield unapproved


@check(
    id="GOV-07",
    title="The service level is declared",
    severity=Severity.LOW,
    supports=("EUCAIM-HB 7.1.2", "TEHDAS OPR-26", "ISO A.5.30"),
    remediation="Set service_level with all its keys; `cairn schema` explains each.",
    applies=("T2", "T3", "hub"),
)
def service_level_is_declared(document: Document) -> Findings:
    """Others plan their work on what a site promises; silence is taken for always."""
    spec = document.spec
    level = spec.service_level
    if level is None:
        yield False, At(spec, "service_level"), "no service level is declared"
        return
    yield (
        True,
        At(spec, "service_level"),
        f"{level.availability_percent:g} % over a year, support {level.support_hours}",
    )


@check(
    id="LOC-01",
    title="Data and backups stay in the EU or EEA",
    severity=Severity.HIGH,
    supports=("GDPR 44", "ISO A.5.31 A.5.34"),
    remediation="Keep them in the EU or EEA, or name the basis in legal.transfer_basis.",
    waivable=False,
)
def data_stay_in_europe(document: Document, limits: Parameters) -> Findings:
    """Outside the EU and EEA personal data need a basis of their own (GDPR Chapter V)."""
    spec = document.spec
    inside = limits.words("countries_eu_eea")
    basis = spec.legal.transfer_basis if spec.legal else None
    places = {"site.country": spec.site.country}
    if spec.backup is not None:
        places["backup.country"] = spec.backup.country
    for place, country in places.items():
        rests = f"on {basis}" if basis else "on no basis that is named"
        where = "is in the EU or EEA" if country in inside else f"is outside and rests {rests}"
        yield country in inside or basis is not None, At(spec, place), f"{country} {where}"
