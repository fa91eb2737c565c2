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


class BudgetIsCanceled(DomainError):
    """The budget was canceled; nothing more can be done with it."""

    kind, code = Kind.RULE, "BUDGET_CANCELED"


class BudgetIsExpired(DomainError):
    """The budget's validity has passed; revise it to offer it again."""

    kind, code = Kind.RULE, "BUDGET_EXPIRED"


class BudgetWithoutPrice(DomainError):
    """The budget has no price above zero yet."""

    kind, code = Kind.RULE, "BUDGET_WITHOUT_PRICE"


class BudgetWithoutCustomer(DomainError):
    """The budget names nobody to send it to."""

    kind, code = Kind.RULE, "BUDGET_WITHOUT_CUSTOMER"


class BudgetNotApproved(DomainError):
    """Money is taken for approved budgets only."""

    kind, code = Kind.RULE, "BUDGET_NOT_APPROVED"


class BudgetIsBeingPaid(DomainError):
    """The budget has an open or kept payment; cancel or refund that first."""

    kind, code = Kind.RULE, "BUDGET_BEING_PAID"


class StaleRevision(DomainError):
    """The budget has another revision now; read it again."""

    kind, code = Kind.RULE, "STALE_REVISION"


class LinkRevoked(DomainError):
    """The approval link is for a revision that was replaced."""

    kind, code = Kind.RULE, "LINK_REVOKED"


class LinkInvalid(DomainError):
    """The approval link was not made here, or not for this budget."""

    kind, code = Kind.FORBIDDEN, "LINK_INVALID"


class PaymentNotFound(DomainError):
    """There is no such payment."""

    kind, code = Kind.NOT_FOUND, "PAYMENT_NOT_FOUND"


class PaymentAlreadyOpen(DomainError):
    """The budget has an open or kept payment already."""

    kind, code = Kind.ALREADY_EXISTS, "PAYMENT_ALREADY_OPEN"


class TooManyPayments(DomainError):
    """The budget has had as many payment attempts as are allowed."""

    kind, code = Kind.EXHAUSTED, "TOO_MANY_PAYMENTS"


class WrongAmount(DomainError):
    """A payment is for the whole total of its budget."""

    kind, code = Kind.INVALID, "WRONG_AMOUNT"


class NothingToRefund(DomainError):
    """The amount is more than what was captured and not yet given back."""

    kind, code = Kind.RULE, "REFUND_EXCEEDS_CAPTURE"


class RefundInProgress(DomainError):
    """A refund of this payment is under way; wait for it."""

    kind, code = Kind.RULE, "REFUND_IN_PROGRESS"


class PaymentIsDisputed(DomainError):
    """The payment is disputed; the bank decides about its money."""

    kind, code = Kind.RULE, "DISPUTED"


class RefundWindowClosed(DomainError):
    """The provider refunds only for a limited time after the payment."""

    kind, code = Kind.RULE, "REFUND_WINDOW_CLOSED"


class NoPixCode(DomainError):
    """The payment has no PIX code, or no longer one that can be paid."""

    kind, code = Kind.RULE, "NO_PIX_CODE"
