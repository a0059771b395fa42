"""The environment of a hook's child process, built from an allow-list.

ansible-runner starts from a copy of ours and writes it to disk, so everything that
is not named here is left out before it gets that far.
"""

from __future__ import annotations

import sysconfig
from collections.abc import Mapping

#: What a playbook may need of our environment; none of these holds a secret.
INHERITED = (
    "HOME",
    "USER",
    "LOGNAME",
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
    "TZ",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "SSH_AUTH_SOCK",
    "KRB5CCNAME",
    "KRB5_CONFIG",
    "ANSIBLE_CONFIG",
    "ANSIBLE_COLLECTIONS_PATH",
    "ANSIBLE_VAULT_PASSWORD_FILE",
)

#: What ansible-runner itself sets and its events depend on. Its switch that turns
#: off the check of SSH host keys is left out on purpose.
_OF_RUNNER = (
    "ANSIBLE_CALLBACK_PLUGINS",
    "ANSIBLE_STDOUT_CALLBACK",
    "ANSIBLE_RETRY_FILES_ENABLED",
    "AWX_ISOLATED_DATA_DIR",
    "RUNNER_OMIT_EVENTS",
    "RUNNER_ONLY_FAILED_EVENTS",
)


def child_environment(
    ours: Mapping[str, str], prepared: Mapping[str, str], scratch: str
) -> dict[str, str]:
    """The allowed part of ours, and what ansible-runner prepared for itself.

    Modules are unpacked, with their arguments, into the ``scratch`` folder.
    """
    kept = {name: ours[name] for name in INHERITED if name in ours}
    needed = {name: prepared[name] for name in _OF_RUNNER if name in prepared}
    return {
        "LANG": "C.UTF-8",
        **kept,
        **needed,
        "PATH": search_path(ours),
        "ANSIBLE_LOCAL_TEMP": scratch,
        "ANSIBLE_NOCOLOR": "1",
    }


def search_path(ours: Mapping[str, str]) -> str:
    """Programs beside our own interpreter first: Ansible is installed with us."""
    scripts = sysconfig.get_path("scripts")
    return f"{scripts}:{ours.get('PATH', '/usr/local/bin:/usr/bin:/bin')}"
