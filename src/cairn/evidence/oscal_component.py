"""A node as an OSCAL 1.1.3 component definition: which check supports which clause."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cairn.evidence.oscal import identify, metadata, prop, token, written

if TYPE_CHECKING:
    from cairn.evidence.formats import Source
    from cairn.evidence.model import Report
    from cairn.evidence.parts import Control, Framework


def render(source: Source) -> bytes:
    """Return the component definition: one component, an implementation for each framework."""
    report = source.report
    component = {
        "uuid": identify(report, "component"),
        "type": "validation",
        "title": f"Policy checks of {report.node.name}",
        "description": (
            "Checks that are asked of the spec, the plan and the live hosts. They support the "
            "clauses named here; none of them is fulfilled by a check alone."
        ),
        "props": [
            prop("policy-bundle", f"{one.name} {one.version} {one.digest}")
            for one in report.basis.policies
        ],
        "control-implementations": [
            _implementation(report, one) for one in report.frameworks if _supported(one)
        ],
    }
    document = {
        "uuid": identify(report, "component definition"),
        "metadata": metadata(report, f"Node {report.node.name}"),
        "components": [component],
    }
    return written("component-definition", document)


def _supported(framework: Framework) -> list[Control]:
    return [one for one in framework.controls if one.checks]


def _implementation(report: Report, framework: Framework) -> dict[str, Any]:
    return {
        "uuid": identify(report, "implementation", framework.name),
        "source": f"urn:cairn:framework:{token(framework.name)}",
        "description": framework.title,
        "implemented-requirements": [
            {
                "uuid": identify(report, "requirement", framework.name, control.id),
                "control-id": token(control.id),
                "description": control.title or f"{framework.name} {control.id}",
                "props": [
                    prop("status", control.status),
                    *(prop("check", check) for check in control.checks),
                ],
            }
            for control in _supported(framework)
        ],
    }
