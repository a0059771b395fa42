"""One certificate authority for all tests of packages."""

from __future__ import annotations

import pytest

from tests.fixtures.packages import ThrowAwayAuthority, need_osslsigncode


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> ThrowAwayAuthority:
    need_osslsigncode()
    return ThrowAwayAuthority.create(tmp_path_factory.mktemp("authority"))
