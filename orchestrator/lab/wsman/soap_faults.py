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


_K = FaultKind

MUST_UNDERSTAND = _K("s:MustUnderstand", 2150858768, "A header is not understood.")
INVALID_HEADER = _K(
    "a:InvalidMessageInformationHeader", 2150858767, "A SOAP header is not valid."
)
HEADER_REQUIRED = _K(
    "a:MessageInformationHeaderRequired", 2150858769, "A SOAP header is missing."
)
ACTION_NOT_SUPPORTED = _K("a:ActionNotSupported", 2150858771, "No such action here.")

_UNREACHABLE = "a:DestinationUnreachable"
DESTINATION_UNREACHABLE = _K(
    _UNREACHABLE, 2150858770, "There is no such resource.", "ResourceNotFound"
)
INVALID_RESOURCE_URI = _K(
    _UNREACHABLE, 2150858811, "The resource URI is not known.", "InvalidResourceURI"
)
WQL_NEEDS_STAR = _K(
    _UNREACHABLE, 2150859003, "WQL needs a URI that ends in /*", "InvalidResourceURI"
)

CANNOT_PROCESS_FILTER = _K(
    "n:CannotProcessFilter", 2150858778, "The filter is missing or not valid."
)
FILTER_DIALECT = _K(
    "n:FilterDialectRequestedUnavailable", 2150858777, "The dialect is not available."
)
INVALID_CONTEXT = _K(
    "n:InvalidEnumerationContext",
    2150858779,
    "The enumeration context is not known. It may have expired.",
    receiver=True,
)

TIMED_OUT = _K(
    "w:TimedOut", 2150858793, "Nothing happened in OperationTimeout.", receiver=True
)
CONCURRENCY = _K("w:Concurrency", 2150858802, "Another action is under way.")
QUOTA_LIMIT = _K("w:QuotaLimit", 2150858815, "A quota is full.", receiver=True)
INTERNAL_ERROR = _K("w:InternalError", 1359, "The service failed.", receiver=True)
PROVIDER_FAILED = _K(
    "w:InternalError", 0x80041013, "The WMI provider failed.", receiver=True
)
"""WMI's own number (MS-WMI 2.2.11); the words of Server 2003 were not sourced."""
CHUNKED = _K("w:InternalError", 50, "The request is not supported.")
"""Chunked bodies to a shell (MS-WSMV 3.1.4.1.31.8)."""
ACCESS_DENIED = _K("w:AccessDenied", 5, "Access is denied.")
SCHEMA_VALIDATION = _K(
    "w:SchemaValidationError", 2150858817, "The request has an invalid element."
)

_ENCODING = "w:EncodingLimit"
ENCODING_LIMIT = _K(
    _ENCODING, 2150858805, "MaxEnvelopeSize is too small.", "MinimumEnvelopeLimit"
)
RESPONSE_TOO_LARGE = _K(
    _ENCODING, 2150858824, "The answer is too large.", "MaxEnvelopeSizeExceeded"
)

_OPTIONS = "w:InvalidOptions"
INVALID_OPTIONS = _K(_OPTIONS, 2150858809, "An option is not valid.", "NotSupported")
CODE_PAGE = _K(_OPTIONS, 2150859072, "The code page is not supported.", "InvalidValue")

_SELECTORS = "w:InvalidSelectors"
INVALID_SELECTORS = _K(
    _SELECTORS, 2150858813, "The selectors are not valid.", "InsufficientSelectors"
)
SHELL_NOT_FOUND = _K(
    _SELECTORS, 2150858843, "The shell is not found.", "UnexpectedSelectors"
)

_FEATURE = ("w:UnsupportedFeature", 2150858818)
UNSUPPORTED_FEATURE = _K(*_FEATURE, "The feature is not supported.")
ADDRESSING_MODE = _K(*_FEATURE, "Only anonymous addresses.", "AddressingMode")
LOCALE = _K(*_FEATURE, "A locale cannot be demanded.", "Locale")
DATA_LOCALE = _K(*_FEATURE, "A data locale cannot be demanded.", "DataLocale")
