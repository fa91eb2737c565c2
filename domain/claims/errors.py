"""The refusals of claims and invoices; their codes are `acerto.claims.v1.ErrorReason`."""

from __future__ import annotations

from domain.errors import DomainError, Kind


class ClaimNotFound(DomainError):
    """There is no such claim."""

    kind, code = Kind.NOT_FOUND, "CLAIM_NOT_FOUND"


class ClaimBatchNotFound(DomainError):
    """There is no such batch of claims."""

    kind, code = Kind.NOT_FOUND, "CLAIM_BATCH_NOT_FOUND"


class ProviderNotFound(DomainError):
    """There is no such provider."""

    kind, code = Kind.NOT_FOUND, "PROVIDER_NOT_FOUND"


class DenialNotFound(DomainError):
    """The claim has no such denial."""

    kind, code = Kind.NOT_FOUND, "DENIAL_NOT_FOUND"


class ClaimNumberTaken(DomainError):
    """The provider has a claim with this number already."""

    kind, code = Kind.ALREADY_EXISTS, "CLAIM_NUMBER_TAKEN"


class ClaimBatchNumberTaken(DomainError):
    """The provider has a batch with this number already."""

    kind, code = Kind.ALREADY_EXISTS, "CLAIM_BATCH_NUMBER_TAKEN"


class AmountDiffers(DomainError):
    """The amount is not what the items come to."""

    kind, code = Kind.INVALID, "AMOUNT_DIFFERS"


class WrongCurrency(DomainError):
    """Claims are in one currency, BRL."""

    kind, code = Kind.INVALID, "WRONG_CURRENCY"


class ClaimIsInvalid(DomainError):
    """The claim has findings that are errors; each is a violation."""

    kind, code = Kind.RULE, "CLAIM_INVALID"


class ClaimIsBatched(DomainError):
    """The claim is in a batch, and is submitted with it."""

    kind, code = Kind.RULE, "CLAIM_IN_BATCH"


class AdjudicationDiffers(DomainError):
    """The analysis does not fit the claim: each item once, all that is asked, and released plus denied is processed."""

    kind, code = Kind.INVALID, "ADJUDICATION_DIFFERS"


class DenialNotPending(DomainError):
    """The denial is under appeal, or over."""

    kind, code = Kind.RULE, "DENIAL_NOT_PENDING"


class DenialNotAppealed(DomainError):
    """The denial is not under appeal."""

    kind, code = Kind.RULE, "DENIAL_NOT_APPEALED"


class AppealDeadlinePassed(DomainError):
    """The time to appeal the denial has passed."""

    kind, code = Kind.RULE, "APPEAL_DEADLINE_PASSED"


class RecoveryExceedsDenial(DomainError):
    """More cannot be recovered than is pending of the denial."""

    kind, code = Kind.INVALID, "RECOVERY_EXCEEDS_DENIAL"


class ClaimDoesNotFit(DomainError):
    """A batch has claims of one insurer, one provider and one type."""

    kind, code = Kind.RULE, "CLAIM_DOES_NOT_FIT"


class ClaimBatchIsFull(DomainError):
    """A batch has at most 100 claims."""

    kind, code = Kind.RULE, "CLAIM_BATCH_FULL"


class ClaimBatchIsEmpty(DomainError):
    """A batch needs a claim to be closed."""

    kind, code = Kind.RULE, "CLAIM_BATCH_EMPTY"


class ClaimBatchIsFrozen(DomainError):
    """The batch is closed and takes no more claims, or it was submitted and keeps those that it has."""

    kind, code = Kind.RULE, "CLAIM_BATCH_FROZEN"


class InvoiceNotFound(DomainError):
    """There is no such invoice."""

    kind, code = Kind.NOT_FOUND, "INVOICE_NOT_FOUND"


class SettlementNotFound(DomainError):
    """The invoice has no such settlement."""

    kind, code = Kind.NOT_FOUND, "SETTLEMENT_NOT_FOUND"


class ClaimAlreadyInvoiced(DomainError):
    """The claim is in another invoice that is not canceled."""

    kind, code = Kind.ALREADY_EXISTS, "CLAIM_ALREADY_INVOICED"


class ClaimNotInvoiceable(DomainError):
    """Only claims that were submitted, that something is owed for and that were not denied can be invoiced."""

    kind, code = Kind.RULE, "CLAIM_NOT_INVOICEABLE"


class InvoicePartyMismatch(DomainError):
    """The claims of an invoice are of one provider and one insurer, or of one patient: those that the request names."""

    kind, code = Kind.RULE, "INVOICE_PARTY_MISMATCH"


class AmountExceedsDue(DomainError):
    """The amount is more than what is due of the invoice."""

    kind, code = Kind.RULE, "AMOUNT_EXCEEDS_DUE"


class NothingDue(DomainError):
    """Nothing of the invoice is due: what is left of it is denied, and not decided yet."""

    kind, code = Kind.RULE, "NOTHING_DUE"


class InvoiceOverpaid(DomainError):
    """More was paid of the invoice than would be left of it, or it would lose a claim; reverse a settlement first."""

    kind, code = Kind.RULE, "INVOICE_OVERPAID"


class InvoiceTooLarge(DomainError):
    """The claims add up to more than an amount can be."""

    kind, code = Kind.RULE, "INVOICE_TOO_LARGE"
