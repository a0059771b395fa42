"""WMI of the simulated computer answers as Server 2003 would."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from orchestrator.lab.machine import (
    WBEM_E_INVALID_CLASS,
    WBEM_E_INVALID_METHOD,
    WBEM_E_INVALID_NAMESPACE,
    WBEM_E_INVALID_PARAMETER,
    WBEM_E_INVALID_QUERY,
    WBEM_E_NOT_FOUND,
    Instance,
    WmiError,
)

SCHANNEL = "c:\\\\windows\\\\system32\\\\schannel.dll"
TCPIP = "SYSTEM\\CurrentControlSet\\Services\\Tcpip\\Parameters"


def test_the_system_describes_itself(make: Any) -> None:
    lab = make(service_pack=1, language="DEU", platform="x64")
    system = lab.one("SELECT * FROM Win32_OperatingSystem")
    assert system["CSDVersion"] == "Service Pack 1"
    assert (system["BuildNumber"], system["OSLanguage"]) == ("3790", 1031)
    assert system["OtherTypeDescription"] is None
    assert lab.one("SELECT SystemType FROM Win32_ComputerSystem") == {
        "SystemType": "x64-based PC"
    }
    assert lab.one("SELECT AddressWidth FROM Win32_Processor")["AddressWidth"] == 64


def test_no_service_pack_is_null_not_empty(make: Any) -> None:
    system = make(service_pack=0).one("SELECT CSDVersion FROM Win32_OperatingSystem")
    assert system == {"CSDVersion": None}


@pytest.mark.parametrize(
    "name", ["OSArchitecture", "MUILanguages", "OperatingSystemSKU", "Nonsense"]
)
def test_a_property_that_2003_lacks_is_an_invalid_query(make: Any, name: str) -> None:
    lab = make()
    for query in (
        f"SELECT {name} FROM Win32_OperatingSystem",  # noqa: S608 -- WQL
        f"SELECT * FROM Win32_OperatingSystem WHERE {name} = 1",  # noqa: S608 -- WQL
    ):
        with pytest.raises(WmiError) as caught:
            lab.rows(query)
        assert caught.value.code == WBEM_E_INVALID_QUERY


@pytest.mark.parametrize(
    ("namespace", "query", "code"),
    [
        ("root/cimv2", "SELECT * FROM Win32_Nothing", WBEM_E_INVALID_CLASS),
        ("root/nothing", "SELECT * FROM Win32_Service", WBEM_E_INVALID_NAMESPACE),
        ("root/default", "SELECT * FROM Win32_Service", WBEM_E_INVALID_CLASS),
        ("root/cimv2", "SELECT * FROM StdRegProv", WBEM_E_INVALID_CLASS),
        ("root\\CIMV2", "SELECT nonsense", WBEM_E_INVALID_QUERY),
    ],
)
def test_what_is_unknown_is_refused_with_its_code(
    make: Any, namespace: str, query: str, code: int
) -> None:
    with pytest.raises(WmiError) as caught:
        make().computer.query(namespace, query)
    assert caught.value.code == code


def test_a_projection_has_the_class_s_own_spelling_and_nothing_else(make: Any) -> None:
    row = make().one("select STATE, name from win32_service where NAME = 'rtcsrv'")
    assert row == {"State": "Running", "Name": "RTCSRV"}


def test_get_wants_the_keys_and_only_them(make: Any) -> None:
    computer = make().computer
    found = computer.get("root/cimv2", "Win32_Service", {"name": "rtcsrv"})
    assert found.properties["Name"] == "RTCSRV"
    assert computer.get("root/cimv2", "Win32_OperatingSystem", {}).class_name == (
        "Win32_OperatingSystem"
    )
    for selectors, code in (
        ({}, WBEM_E_INVALID_PARAMETER),
        ({"Name": "RTCSRV", "State": "Running"}, WBEM_E_INVALID_PARAMETER),
        ({"Name": "none"}, WBEM_E_NOT_FOUND),
    ):
        with pytest.raises(WmiError) as caught:
            computer.get("root/cimv2", "Win32_Service", selectors)
        assert caught.value.code == code


def test_an_unknown_method_is_refused(make: Any) -> None:
    with pytest.raises(WmiError) as caught:
        make().call("Win32_Process.Explode")
    assert caught.value.code == WBEM_E_INVALID_METHOD


def test_files_are_found_by_name_and_missing_ones_are_no_row(make: Any) -> None:
    lab = make()
    row = lab.one(
        "SELECT Name,Version,FileSize FROM CIM_DataFile"  # noqa: S608 -- WQL
        f" WHERE Name='{SCHANNEL}' OR Name='c:\\\\none.dll'"
    )
    assert row["Version"] == "5.2.3790.1830"
    assert row["Name"] == "c:\\windows\\system32\\schannel.dll"
    assert lab.one("SELECT Version FROM CIM_DataFile WHERE Name='c:\\\\boot.ini'") == {
        "Version": None
    }
    assert lab.rows("SELECT Name FROM CIM_DataFile WHERE Name='c:\\\\windows'") == []
    folder = lab.one("SELECT Name FROM Win32_Directory WHERE Name='C:\\\\Windows'")
    assert folder == {"Name": "c:\\windows"}


def test_files_are_found_by_any_other_property_too(make: Any) -> None:
    rows = make().rows(
        "SELECT Name FROM CIM_DataFile WHERE Extension='dll' AND Drive='C:'"
    )
    assert rows == [{"Name": "c:\\windows\\system32\\schannel.dll"}]


def test_an_update_may_come_twice_from_the_registry(make: Any) -> None:
    rows = make().rows(
        "SELECT HotFixID,ServicePackInEffect FROM Win32_QuickFixEngineering"
    )
    names = [(one["HotFixID"], one["ServicePackInEffect"]) for one in rows]
    assert ("KB896424", "SP2") in names
    assert ("File 1", "KB896424") in names


def test_process_counters_number_processes_of_one_name(make: Any) -> None:
    rows = make().rows(
        "SELECT Name,IDProcess FROM Win32_PerfRawData_PerfProc_Process"
        " WHERE Name LIKE 'svchost%'"
    )
    assert [one["Name"] for one in rows][:2] == ["svchost", "svchost#1"]
    assert len({one["IDProcess"] for one in rows}) == len(rows)


@pytest.mark.parametrize(
    ("language", "name"),
    [("ENU", "Administrators"), ("DEU", "Administratoren"), ("FRA", "Administrateurs")],
)
def test_well_known_accounts_have_local_names(
    make: Any, language: str, name: str
) -> None:
    row = make(language=language).one(
        "SELECT Name FROM Win32_Group WHERE SID='S-1-5-32-544'"
    )
    assert row == {"Name": name}


def test_a_sid_is_given_in_bytes(make: Any) -> None:
    found = make().computer.get("root/cimv2", "Win32_SID", {"SID": "S-1-5-32-544"})
    assert found.properties["BinaryRepresentation"] == [
        *(1, 2, 0, 0, 0, 0, 0, 5),
        *(32, 0, 0, 0, 32, 2, 0, 0),
    ]


@pytest.mark.parametrize(
    ("product", "role", "present"),
    [
        ("lcs-2005", "front-end", True),
        ("lcs-2005-sp1", "access-proxy", True),
        ("lcs-2003", "standard", False),
        ("none", "other", False),
    ],
)
def test_lcs_classes_exist_only_with_lcs_2005(
    make: Any, product: str, role: str, present: bool
) -> None:
    lab = make(product=product, role=role)
    if present:
        assert lab.one("SELECT DefaultPort FROM MSFT_SIPRoutingSetting") == {
            "DefaultPort": 5061
        }
    else:
        with pytest.raises(WmiError) as caught:
            lab.rows("SELECT DefaultPort FROM MSFT_SIPRoutingSetting")
        assert caught.value.code == WBEM_E_INVALID_CLASS


def test_the_pool_tells_the_edition_and_its_members(make: Any) -> None:
    lab = make(
        product="lcs-2005-sp1",
        role="front-end",
        edition="enterprise",
        pool="pool-01",
        pool_members=("a.lab.example", "b.lab.example"),
    )
    row = lab.one("SELECT * FROM MSFT_SIPPoolSetting")
    assert (row["MajorVersion"], row["MinorVersion"]) == (2, 1)
    assert row["PoolFQDN"] == "pool-01.lab.example"
    assert row["PoolMemberList"] == ["a.lab.example", "b.lab.example"]
    assert "pool-01-db" in lab.one("SELECT Backend FROM MSFT_SIPLogSetting")["Backend"]


def test_the_proxies_that_lcs_knows_have_classes_of_their_own(make: Any) -> None:
    lab = make(edge_proxies=("ap.lab.example",), proxies=("px.lab.example",))
    edge = lab.one("SELECT * FROM MSFT_SIPEdgeProxySetting")
    proxy = lab.one("SELECT * FROM MSFT_SIPProxyServerSetting")
    assert (edge["FQDN"], proxy["FQDN"]) == ("ap.lab.example", "px.lab.example")


def test_memory_grows_by_the_leak_and_by_nothing_else(make: Any) -> None:
    query = "SELECT PrivatePageCount FROM Win32_Process WHERE Name='{}'"
    lab = make(leak_per_hour=6_000_000)
    before = [
        lab.one(query.format(name))["PrivatePageCount"]
        for name in ("rtcsrv.exe", "lsass.exe", "smss.exe")
    ]
    lab.wait(1800)
    after = [
        lab.one(query.format(name))["PrivatePageCount"]
        for name in ("rtcsrv.exe", "lsass.exe", "smss.exe")
    ]
    grown = [now - then for then, now in zip(before, after, strict=True)]
    assert grown == pytest.approx([3_000_000, 1_000_000, 0], abs=2)


# StdRegProv.


def test_a_value_that_is_absent_is_code_2_and_null(make: Any) -> None:
    out = make().call(
        "StdRegProv.GetDWORDValue",
        {"sSubKeyName": TCPIP, "sValueName": "SynAttackProtect"},
    )
    assert out == {"ReturnValue": 2, "uValue": None}


@pytest.mark.parametrize("value", [0, 1, 2])
def test_a_value_that_is_there_is_read(make: Any, value: int) -> None:
    out = make(syn_attack_protect=value).call(
        "StdRegProv.GetDWORDValue",
        {
            "hDefKey": 2147483650,
            "sSubKeyName": TCPIP.lower(),
            "sValueName": "SYNATTACKPROTECT",
        },
    )
    assert out == {"ReturnValue": 0, "uValue": value}


def test_an_unreadable_key_is_code_5(make: Any) -> None:
    lab = make(syn_attack_protect=1)
    lab.host.denied_keys = (f"HKLM\\{TCPIP}",)
    arguments = {"sSubKeyName": TCPIP, "sValueName": "SynAttackProtect"}
    assert lab.call("StdRegProv.GetDWORDValue", arguments)["ReturnValue"] == 5
    assert lab.call("StdRegProv.CheckAccess", arguments) == {
        "ReturnValue": 5,
        "bGranted": False,
    }


def test_every_kind_of_value_is_written_and_read_back(make: Any) -> None:
    lab = make()
    key = {"sSubKeyName": "SOFTWARE\\Lab", "sValueName": "v"}
    assert lab.call("StdRegProv.CreateKey", key)["ReturnValue"] == 0
    for kind, name, value in (
        ("DWORD", "uValue", 7),
        ("String", "sValue", "text"),
        ("ExpandedString", "sValue", "%windir%"),
        ("MultiString", "sValue", ["a", "b"]),
        ("Binary", "uValue", [1, 255]),
    ):
        assert lab.call(f"StdRegProv.Set{kind}Value", {**key, name: value}) == {
            "ReturnValue": 0
        }
        assert lab.call(f"StdRegProv.Get{kind}Value", key) == {
            "ReturnValue": 0,
            name: value,
        }


def test_keys_and_values_are_listed_and_deleted(make: Any) -> None:
    lab = make()
    lab.host.registry.set("HKLM\\SOFTWARE\\Lab\\Below", "v", 1)
    lab.host.registry.set("HKLM\\SOFTWARE\\Lab", "one", "x")
    key = {"sSubKeyName": "SOFTWARE\\Lab", "sValueName": "one"}
    assert lab.call("StdRegProv.EnumKey", key) == {
        "ReturnValue": 0,
        "sNames": ["Below"],
    }
    assert lab.call("StdRegProv.EnumValues", key) == {
        "ReturnValue": 0,
        "sNames": ["one"],
        "Types": [1],
    }
    assert lab.call("StdRegProv.DeleteValue", key)["ReturnValue"] == 0
    assert lab.call("StdRegProv.DeleteValue", key)["ReturnValue"] == 2
    assert lab.call("StdRegProv.DeleteKey", key)["ReturnValue"] == 5
    below = {"sSubKeyName": "SOFTWARE\\Lab\\Below"}
    assert lab.call("StdRegProv.DeleteKey", below)["ReturnValue"] == 0
    assert lab.call("StdRegProv.DeleteKey", key)["ReturnValue"] == 0
    assert lab.call("StdRegProv.EnumKey", key)["ReturnValue"] == 2


def test_a_wrong_kind_or_hive_is_told_by_its_code(make: Any) -> None:
    lab = make()
    key = {"sSubKeyName": TCPIP, "sValueName": "Hostname"}
    assert lab.call("StdRegProv.GetDWORDValue", key)["ReturnValue"] == 0x80041005
    bad = {**key, "hDefKey": 12}
    assert lab.call("StdRegProv.GetStringValue", bad)["ReturnValue"] == 87


# Security.


def entry(sid: list[int], mask: int = 0x1F01FF) -> Instance:
    trustee = Instance("Win32_Trustee", {"SID": sid, "SidLength": len(sid)})
    return Instance(
        "Win32_ACE",
        {"AccessMask": mask, "AceFlags": 3, "AceType": 0, "Trustee": trustee},
    )


ADMINISTRATORS = [1, 2, 0, 0, 0, 0, 0, 5, 32, 0, 0, 0, 32, 2, 0, 0]
SYSTEM = [1, 1, 0, 0, 0, 0, 0, 5, 18, 0, 0, 0]


def test_a_folder_is_restricted_and_read_back(make: Any) -> None:
    lab = make(language="DEU")
    path = "c:\\windows\\temp"
    descriptor = Instance(
        "Win32_SecurityDescriptor",
        {
            "ControlFlags": 0x1004,
            "DACL": [entry(ADMINISTRATORS), entry(SYSTEM)],
            "Owner": Instance("Win32_Trustee", {"SID": ADMINISTRATORS}),
        },
    )
    setting = "Win32_LogicalFileSecuritySetting"
    out = lab.call(
        f"{setting}.SetSecurityDescriptor", {"Descriptor": descriptor}, Path=path
    )
    assert out == {"ReturnValue": 0}
    found = lab.call(f"{setting}.GetSecurityDescriptor", Path=path)["Descriptor"]
    assert found.properties["ControlFlags"] & 0x1000
    names = [
        (
            ace.properties["Trustee"].properties["SIDString"],
            ace.properties["Trustee"].properties["Name"],
        )
        for ace in found.properties["DACL"]
    ]
    assert names == [("S-1-5-32-544", "Administratoren"), ("S-1-5-18", "SYSTEM")]


@pytest.mark.parametrize(
    "descriptor",
    [
        None,
        "text",
        Instance("X", {"ControlFlags": 4, "DACL": [entry([1, 2, 3])]}),
        Instance("X", {"ControlFlags": 4, "DACL": ["text"]}),
        Instance("X", {"ControlFlags": 4, "DACL": [Instance("Win32_ACE", {})]}),
    ],
)
def test_a_broken_descriptor_changes_nothing(make: Any, descriptor: Any) -> None:
    lab = make()
    path = "c:\\windows\\temp"
    before = lab.host.files.node(path).security
    out = lab.call(
        "Win32_LogicalFileSecuritySetting.SetSecurityDescriptor",
        {"Descriptor": descriptor},
        Path=path,
    )
    assert out == {"ReturnValue": 21}
    assert lab.host.files.node(path).security == before


# The computer as a whole.


def test_power_loss_ends_everything_and_gives_a_new_boot_time(make: Any) -> None:
    lab = make()
    boot = "SELECT LastBootUpTime FROM Win32_OperatingSystem"
    before = lab.one(boot)["LastBootUpTime"]
    lab.computer.power_loss()
    with pytest.raises(WmiError):
        lab.rows(boot)
    lab.wait(119)
    assert not lab.computer.online
    lab.wait(30)
    after = lab.one(boot)["LastBootUpTime"]
    assert after - before > timedelta(hours=600)
    assert lab.one("SELECT State FROM Win32_Service WHERE Name='RTCSRV'") == {
        "State": "Running"
    }


def test_a_stepped_clock_leaves_what_was_recorded(make: Any) -> None:
    lab = make()
    query = "SELECT CreationDate FROM Win32_Process WHERE Name='lsass.exe'"
    started, now = lab.one(query), lab.computer.now()
    lab.computer.step_clock(-3600)
    assert lab.one(query) == started
    assert lab.computer.now() == now - timedelta(hours=1)


def test_accounts_are_known_by_domain_and_name(make: Any) -> None:
    computer = make(accounts={"lab\\operator": "pw"}).computer
    assert computer.password_of("LAB", "Operator") == "pw"
    assert computer.password_of("OTHER", "operator") is None
    assert "pw" not in repr(computer.profile)


def test_identity_tells_the_service_pack(make: Any) -> None:
    assert make(service_pack=1).computer.identity() == ("5.2.3790", "1.0")
