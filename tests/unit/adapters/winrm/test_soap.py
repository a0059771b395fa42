from __future__ import annotations

import pytest

from orchestrator.adapters.winrm.faults import MalformedError, WsFaultError
from orchestrator.adapters.winrm.identify import read_identity
from orchestrator.adapters.winrm.soap import decode_text, fault_of

ENVELOPE = (
    '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" '
    'xmlns:f="http://schemas.microsoft.com/wbem/wsman/1/wsmanfault" '
    'xmlns:w="http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd"><s:Body>{}</s:Body>'
    "</s:Envelope>"
)


def fault(subcode: str, code: str = "", message: str = "") -> WsFaultError:
    attribute = f' Code="{code}"' if code else ""
    text = ENVELOPE.format(
        "<s:Fault><s:Code><s:Value>s:Receiver</s:Value><s:Subcode><s:Value>"
        f"{subcode}</s:Value></s:Subcode></s:Code><s:Reason><s:Text>no</s:Text>"
        f"</s:Reason><s:Detail><f:WSManFault{attribute}><f:Message>{message}"
        "</f:Message></f:WSManFault></s:Detail></s:Fault>"
    )
    detail = fault_of(text)
    assert detail is not None
    return WsFaultError(detail)


def test_a_fault_keeps_subcode_and_code_both() -> None:
    found = fault("w:CannotProcessFilter", "2150858778").detail
    assert (found.subcode, found.code) == ("CannotProcessFilter", 2150858778)


@pytest.mark.parametrize(
    ("subcode", "code"),
    [
        ("w:QuotaLimit", ""),
        ("w:QuotaLimit", "2150858815"),
        ("w:Concurrency", ""),
        ("w:InternalError", "2150859173"),
        ("", "2150859242"),
    ],
)
def test_a_full_quota_is_known_by_either(subcode: str, code: str) -> None:
    assert fault(subcode, code).quota


@pytest.mark.parametrize(
    ("subcode", "code"), [("w:TimedOut", ""), ("w:InternalError", "2150858793")]
)
def test_no_output_yet_is_known_by_either(subcode: str, code: str) -> None:
    assert fault(subcode, code).timed_out


@pytest.mark.parametrize(
    ("subcode", "code", "message"),
    [
        ("n:CannotProcessFilter", "2150858778", ""),
        ("n:CannotProcessFilter", "", ""),
        ("a:DestinationUnreachable", "2150858770", ""),
        ("w:InternalError", str(0x80041010), ""),
        ("w:InternalError", str(0x8004100E), ""),
        ("w:InternalError", "1", "WMI said 0x80041002"),
    ],
)
def test_a_class_that_is_not_there_is_known(
    subcode: str, code: str, message: str
) -> None:
    provider = f'<f:ProviderFault provider="WMI">{message}</f:ProviderFault>'
    assert fault(subcode, code, provider).absent


@pytest.mark.parametrize(
    ("subcode", "code", "message"),
    [
        ("w:InternalError", str(0x80041013), ""),
        ("w:InternalError", "1359", ""),
        ("w:TimedOut", "2150858793", ""),
        ("w:AccessDenied", "5", ""),
        ("", "", ""),
        ("n:CannotProcessFilter", "2150858778", "HRESULT 0x80041013"),
        ("n:CannotProcessFilter", str(0x80041004), ""),
        ("w:InternalError", "1", "0x80041010, then 0x80041004"),
    ],
)
def test_what_has_failed_is_not_taken_for_absent(
    subcode: str, code: str, message: str
) -> None:
    provider = f'<f:ProviderFault provider="WMI">{message}</f:ProviderFault>'
    assert not fault(subcode, code, provider).absent


def test_an_error_of_the_provider_is_part_of_the_sentence() -> None:
    message = '<f:ProviderFault provider="WMI">Invalid class</f:ProviderFault>'
    assert "Invalid class" in str(fault("w:InternalError", "1", message))


def test_a_document_type_is_refused_before_it_can_define_anything() -> None:
    bomb = b'<!DOCTYPE x [<!ENTITY a "aaaa">]><x>&a;</x>'
    with pytest.raises(MalformedError, match="document type"):
        decode_text(bomb)


@pytest.mark.parametrize("codec", ["utf-16", "utf-16-le", "utf-8", "utf-8-sig"])
def test_an_answer_in_utf_16_is_read_like_any_other(codec: str) -> None:
    xml = f'<?xml version="1.0" encoding="{codec.upper()}"?><a>\u00e4</a>'
    assert decode_text(xml.encode(codec)) == "<a>\u00e4</a>"


def test_a_masked_system_is_no_version() -> None:
    body = (
        '<i:IdentifyResponse xmlns:i="urn:i"><i:ProductVersion>{}'
        "</i:ProductVersion></i:IdentifyResponse>"
    )
    masked = read_identity(ENVELOPE.format(body.format("OS: 0.0.0 SP: 0.0 Stack: 1.1")))
    assert masked is not None
    assert (masked.stack, masked.os_version) == ("1.1", "")
    told = read_identity(
        ENVELOPE.format(body.format("OS: 5.2.3790 SP: 1.0 Stack: 1.1"))
    )
    assert told is not None
    assert (told.os_version, told.service_pack) == ("5.2.3790", "1.0")


def test_an_answer_without_identify_is_none() -> None:
    assert read_identity(ENVELOPE.format("<x/>")) is None
