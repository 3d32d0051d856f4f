"""Turns checks into Pulumi policies; each fails by its own name in the preview."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeAlias

from pulumi_policy import EnforcementLevel, ResourceValidationPolicy, StackValidationPolicy
from pulumi_policy.proxy import UnknownValueError

from cairn.checks import registry
from cairn.checks.engine import judge_plan, judge_spec
from cairn.checks.registry import Moment
from cairn.checks.verdicts import BLOCKING, Judgement, Verdict, join
from cairn.errors import CairnError, PolicyError
from cairn.plan.derive import derive
from cairn.policy_pack.conformity import Registered, Unknown, differences, missing
from cairn.spec.loader import load_node
from cairn.stack.places import places

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pulumi_policy import Policy, ReportViolation, ResourceValidationArgs, StackValidationArgs

    from cairn.checks.registry import Check
    from cairn.plan.model import Plan

Validate: TypeAlias = "Callable[[Any, ReportViolation], None]"

#: When a check is asked inside Pulumi; hosts are asked after the change, by `cairn verify`.
MOMENTS = (Moment.SPEC, Moment.PLAN, Moment.EVERY)


def policies() -> list[Policy]:
    """Return one mandatory policy for each check of specs and plans, and three of our own.

    What needs a person (verdict *manual*) is shown by an advisory policy. A check that could not
    look stops the change like one that failed.
    """
    checks = [one for moment in MOMENTS for one in registry.catalogue().of(moment)]
    return [
        *(_policy_of(check) for check in checks),
        ResourceValidationPolicy(
            name="resource-follows-the-plan",
            description="Each resource of the program is as the plan that was judged",
            validate=_guarded(_report_differences),
            enforcement_level=EnforcementLevel.MANDATORY,
        ),
        _policy(
            "plan-is-complete",
            "Every resource of the plan is in the program",
            EnforcementLevel.MANDATORY,
            _report_missing,
        ),
        _policy(
            "a-person-looks",
            "What only a person can judge is named",
            EnforcementLevel.ADVISORY,
            lambda args, report: _report(args, report, lambda one: one is Verdict.MANUAL, None),
        ),
    ]


def _policy_of(check: Check) -> StackValidationPolicy:
    def validate(args: StackValidationArgs, report: ReportViolation) -> None:
        _report(args, report, lambda verdict: verdict in BLOCKING, check.id)

    return _policy(check.id, check.title, EnforcementLevel.MANDATORY, validate)


def _policy(
    name: str, title: str, level: EnforcementLevel, validate: Validate
) -> StackValidationPolicy:
    return StackValidationPolicy(
        name=name, description=title, validate=_guarded(validate), enforcement_level=level
    )


def _guarded(validate: Validate) -> Validate:
    """Report what keeps a check from looking, instead of letting Pulumi show a traceback."""

    def guarded(args: Any, report: ReportViolation) -> None:  # noqa: ANN401 - of both kinds
        try:
            validate(args, report)
        except CairnError as error:
            report(f"nothing could be judged: {error}")

    return guarded


def _report(
    args: StackValidationArgs,
    report: ReportViolation,
    counts: Callable[[Verdict], bool],
    check: str | None,
) -> None:
    judgement, _ = _judged(_stack_of(args))
    for found in judgement.findings:
        if counts(found.verdict) and check in {found.check, None}:
            report(str(found))


def _report_differences(args: ResourceValidationArgs, report: ReportViolation) -> None:
    if not args.resource_type.startswith("cairn:index:"):
        return
    _, plan = _judged(_stack(args.urn))
    found = Registered(args.resource_type, args.name, plain(args.props))
    for difference in differences(found, plan):
        report(difference)


def _report_missing(args: StackValidationArgs, report: ReportViolation) -> None:
    _, plan = _judged(_stack_of(args))
    for one in missing({resource.name for resource in args.resources}, plan):
        report(one)


def _stack_of(args: StackValidationArgs) -> str:
    if not args.resources:
        raise PolicyError("Pulumi showed no resource, so the node is not known")
    return _stack(args.resources[0].urn)


def _stack(urn: str) -> str:
    """Read the name of the stack, which is the node's, from the address of a resource."""
    return urn.split("::", maxsplit=1)[0].rpartition(":")[2]


@lru_cache(maxsize=1)
def _judged(node: str) -> tuple[Judgement, Plan]:
    """Judge a node once for all policies of one preview."""
    document = load_node(node)
    plan = derive(document, places(document))
    return join(node, (judge_spec(document), judge_plan(document, plan))), plan


def plain(props: Mapping[str, Any]) -> dict[str, Any]:
    """Return properties as plain values; what Pulumi does not know yet becomes `Unknown`.

    The SDK raises where an unknown value is read and then lets a mandatory policy pass with a
    remark; here it is read on purpose, so that it can be judged.
    """
    return {key: _value(lambda key=key: props[key]) for key in props}  # type: ignore[misc]


def _value(read: Callable[[], Any]) -> Any:  # noqa: ANN401 - any JSON value
    try:
        value = read()
    except UnknownValueError:
        return Unknown()
    if hasattr(value, "keys"):
        return plain(value)
    if isinstance(value, str | bytes) or not hasattr(value, "__len__"):
        return value
    return [_value(lambda index=index: value[index]) for index in range(len(value))]  # type: ignore[misc]
