"""The refusals of billing; their codes are `acerto.billing.v1.ErrorReason`."""

from __future__ import annotations

from domain.errors import DomainError, Kind


class BudgetNotFound(DomainError):
    """There is no such budget."""

    kind, code = Kind.NOT_FOUND, "BUDGET_NOT_FOUND"


class WorkOrderNotFound(DomainError):
    """There is no such work order."""

    kind, code = Kind.NOT_FOUND, "WORK_ORDER_NOT_FOUND"


class WorkshopNotFound(DomainError):
    """There is no such workshop."""

    kind, code = Kind.NOT_FOUND, "WORKSHOP_NOT_FOUND"


class BudgetAlreadyExists(DomainError):
    """The work order has a budget already."""

    kind, code = Kind.ALREADY_EXISTS, "BUDGET_ALREADY_EXISTS"


class WorkOrderCanceled(DomainError):
    """The work order was canceled."""

    kind, code = Kind.RULE, "WORK_ORDER_CANCELED"


class NegativeTotal(DomainError):
    """The discounts are larger than everything else together."""

    kind, code = Kind.INVALID, "NEGATIVE_TOTAL"


class WrongCurrency(DomainError):
    """Billing is in one currency, BRL."""

    kind, code = Kind.INVALID, "WRONG_CURRENCY"
