"""The faults that the service answers with."""

from __future__ import annotations

from dataclasses import dataclass

from orchestrator.lab.wsman.vocabulary import ADDRESSING, ENUMERATION, FAULT_DETAIL

_ACTIONS = {
    "a": ADDRESSING + "/fault",
    "n": ENUMERATION + "/fault",
    "s": ADDRESSING + "/fault",
    "w": "http://schemas.dmtf.org/wbem/wsman/1/wsman/fault",
}


@dataclass(frozen=True, slots=True)
class FaultKind:
    """One row of the table of faults.

    Attributes:
        subcode: SOAP subcode with the prefix of the envelope; ``s:`` names stand
            in the place of the code itself.
        number: ``WSManFault/@Code``, from the public list of WS-Man errors.
        reason: A sentence for people.
        detail: Leaf of ``wsman:FaultDetail``, if there is one.
        receiver: Whether the service, not the client, is to blame.
    """

    subcode: str
    number: int
    reason: str
    detail: str = ""
    receiver: bool = False

    @property
    def action(self) -> str:
        """The Action header of the answer (DSP0226, section 14)."""
        return _ACTIONS[self.subcode.partition(":")[0]]

    @property
    def detail_uri(self) -> str:
        """The fault detail in full, or nothing."""
        return FAULT_DETAIL + self.detail if self.detail else ""


class SoapFault(Exception):  # noqa: N818 - the protocol's own word
    """The service refuses a request.

    Attributes:
        kind: The row of the table.
        message: What is said in this case; the row's reason unless given.
        provider_message: What the WMI provider said, if it was asked.
    """

    def __init__(
        self, kind: FaultKind, message: str = "", *, provider_message: str = ""
    ) -> None:
        """Take the row and what is particular to this case."""
        super().__init__(message or kind.reason)
        self.kind = kind
        self.message = message or kind.reason
        self.provider_message = provider_message


MUST_UNDERSTAND = FaultKind(
    "s:MustUnderstand", 2150858768, "A header that must be understood is unknown."
)
INVALID_HEADER = FaultKind(
    "a:InvalidMessageInformationHeader", 2150858767, "A SOAP header is not valid."
)
HEADER_REQUIRED = FaultKind(
    "a:MessageInformationHeaderRequired", 2150858769, "A SOAP header is missing."
)
DESTINATION_UNREACHABLE = FaultKind(
    "a:DestinationUnreachable",
    2150858770,
    "No resource is found for the resource URI and selectors.",
    detail="ResourceNotFound",
)
ACTION_NOT_SUPPORTED = FaultKind(
    "a:ActionNotSupported", 2150858771, "The action is not supported."
)
INVALID_RESOURCE_URI = FaultKind(
    "a:DestinationUnreachable",
    2150858811,
    "The resource URI is not known or has the wrong form.",
    detail="InvalidResourceURI",
)
WQL_NEEDS_STAR = FaultKind(
    "a:DestinationUnreachable",
    2150859003,
    "A WQL query needs a resource URI whose class is the asterisk.",
    detail="InvalidResourceURI",
)
CANNOT_PROCESS_FILTER = FaultKind(
    "n:CannotProcessFilter",
    2150858778,
    "The filter is missing or invalid: the data source could not process it.",
)
FILTER_DIALECT = FaultKind(
    "n:FilterDialectRequestedUnavailable", 2150858777, "The dialect is not available."
)
INVALID_CONTEXT = FaultKind(
    "n:InvalidEnumerationContext",
    2150858779,
    "The enumeration context is not known. It may have expired.",
    receiver=True,
)
TIMED_OUT = FaultKind(
    "w:TimedOut",
    2150858793,
    "The operation did not complete within OperationTimeout.",
    receiver=True,
)
CONCURRENCY = FaultKind(
    "w:Concurrency", 2150858802, "The action conflicts with one that is under way."
)
ENCODING_LIMIT = FaultKind(
    "w:EncodingLimit",
    2150858805,
    "MaxEnvelopeSize is too small.",
    detail="MinimumEnvelopeLimit",
)
RESPONSE_TOO_LARGE = FaultKind(
    "w:EncodingLimit",
    2150858824,
    "The answer does not fit into the envelope size of the request.",
    detail="MaxEnvelopeSizeExceeded",
)
INTERNAL_ERROR = FaultKind(
    "w:InternalError", 1359, "The service failed.", receiver=True
)
INVALID_OPTIONS = FaultKind(
    "w:InvalidOptions", 2150858809, "An option is not valid.", detail="NotSupported"
)
INVALID_SELECTORS = FaultKind(
    "w:InvalidSelectors",
    2150858813,
    "The selectors are not valid for the resource.",
    detail="InsufficientSelectors",
)
SHELL_NOT_FOUND = FaultKind(
    "w:InvalidSelectors",
    2150858843,
    "The Windows Remote Shell is not found on the server.",
    detail="UnexpectedSelectors",
)
QUOTA_LIMIT = FaultKind(
    "w:QuotaLimit", 2150858815, "The request exceeds a quota.", receiver=True
)
SCHEMA_VALIDATION = FaultKind(
    "w:SchemaValidationError", 2150858817, "The SOAP packet has an invalid element."
)
UNSUPPORTED_FEATURE = FaultKind(
    "w:UnsupportedFeature", 2150858818, "The feature is not supported."
)
ADDRESSING_MODE = FaultKind(
    "w:UnsupportedFeature",
    2150858818,
    "Answers go only to the anonymous address.",
    detail="AddressingMode",
)
LOCALE = FaultKind(
    "w:UnsupportedFeature",
    2150858818,
    "The locale cannot be demanded.",
    detail="Locale",
)
DATA_LOCALE = FaultKind(
    "w:UnsupportedFeature",
    2150858818,
    "The data locale cannot be demanded.",
    detail="DataLocale",
)
CHUNKED = FaultKind("w:InternalError", 50, "The request is not supported.")
"""Chunked bodies to a shell (MS-WSMV 3.1.4.1.31.8)."""

CODE_PAGE = FaultKind(
    "w:InvalidOptions", 2150859072, "The code page is not supported.", detail="Invalid"
)
ACCESS_DENIED = FaultKind("w:AccessDenied", 5, "Access is denied.")
