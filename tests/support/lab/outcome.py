"""What became of a request to the lab, behind any door; and short ways to write down what must become of one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final


@dataclass(frozen=True)
class Outcome:
    """`message`: the JSON of what reached the servant, None when nothing did.

    `answer`: its JSON, or its type and bytes when it is no JSON, where the status is 200; else None.
    """

    status: int
    message: Any = None
    answer: Any = None


_VALUES: Final[dict[str, Any]] = {
    **dict.fromkeys(("floatValue", "doubleValue"), 0.0),
    **dict.fromkeys(("int64Value", "uint64Value"), "0"),
    **dict.fromkeys(("int32Value", "uint32Value"), 0),
    **dict.fromkeys(("stringValue", "bytesValue"), ""),
    **{name: [] for name in ("repeatedValue", "repeatedMessage", "repeatedEnum", "repeatedInt32")},
    **{name: {} for name in ("mapValue", "mapValue3", "mapValue14")},
    "boolValue": False,
    "enumValue": "X",
}
"""What an answer of `Values` shows of what was not given."""

_EVERYTHING: Final[dict[str, Any]] = {
    **dict.fromkeys(("floatValue", "doubleValue"), 0.0),
    "boolValue": False,
    "stringValue": "",
    "repeatedStringValue": [],
    "mappedStringValue": {},
}
"""The same of what a PATCH changes."""


def refused(status: int) -> Outcome:
    """Nothing reaches the servant."""
    return Outcome(status)


def echoed(**given: Any) -> Outcome:
    """These fields of `Values` reach the servant, no others, and come back."""
    return Outcome(200, given, _VALUES | given)


def patched(mask: str, given: dict[str, Any], shown: dict[str, Any] | None = None) -> Outcome:
    """A PATCH reaches the servant with these fields and this mask; `shown`: they as they come back, if with more."""
    before = {"uuid": "1"}
    return Outcome(
        200,
        {"abe": before | given, "updateMask": mask},
        {"abe": before | _EVERYTHING | (given if shown is None else shown), "updateMask": mask},
    )
