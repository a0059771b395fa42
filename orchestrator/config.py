"""Settings: the environment, a file, and what the command line overrides.

Every setting has a name, a unit and a safe default. No secret is a setting, save what
an address of the database or of the broker holds.
"""

from __future__ import annotations

import os
from enum import StrEnum
from pathlib import Path

import platformdirs
from pydantic import Field, PositiveFloat, PositiveInt, SecretStr
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SecretsSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)
from typing_extensions import override

from orchestrator.application.ports.hooks import Hook
from orchestrator.domain.authenticode import Demand

_NAME = "orchestrator"


def config_file() -> Path:
    """Where the settings file is looked for."""
    return platformdirs.user_config_path(_NAME) / "config.toml"


def state_folder() -> Path:
    """Where the database lies unless a URL says otherwise."""
    return platformdirs.user_state_path(_NAME)


class EngineName(StrEnum):
    """What brings servers' turns to workers."""

    #: Threads of this process.
    THREADS = "threads"
    #: RabbitMQ, to ``orchestrator worker`` of each site.
    CELERY = "celery"


class Settings(BaseSettings):
    """What an operator may set, as ``ORCHESTRATOR_…`` or in the settings file."""

    model_config = SettingsConfigDict(
        env_prefix="ORCHESTRATOR_",
        toml_file=config_file(),
        extra="ignore",
        frozen=True,
    )

    #: SQLAlchemy URL; SQLite in the state folder where none is given.
    database: str | None = None
    engine: EngineName = EngineName.THREADS
    #: URL of RabbitMQ, amqp:// or amqps://; may hold a password.
    broker: SecretStr | None = None
    #: Certificates that the broker's is checked against; else the system's.
    broker_ca_file: Path | None = None
    #: Our own certificate and its key, where the broker wants one.
    broker_certificate_file: Path | None = None
    broker_key_file: Path | None = None
    #: Seconds until an order that no worker of its site takes up, or takes over, is
    #: given up.
    worker_wait_seconds: PositiveFloat = 300.0
    #: Where a worker finds packages by their names, if not where they were imported.
    packages_folder: Path | None = None
    #: The private file of credentials, mode 0600.
    credentials_file: Path = Field(
        default_factory=lambda: platformdirs.user_config_path(_NAME) / "credentials.yml"
    )
    #: Ports that are tried on a server without one, in order.
    ports: tuple[int, ...] = (80, 5985, 443, 5986)
    #: Certificates that HTTPS is checked against, beside the system's.
    ca_file: Path | None = None
    #: Seconds in which a host must accept a connection.
    connect_seconds: PositiveFloat = 3.0
    #: Seconds in which a host must answer a request.
    answer_seconds: PositiveFloat = 30.0
    survey_concurrency: PositiveInt = 32
    apply_concurrency: PositiveInt = 32
    #: Processes of this machine that survey and change servers.
    processes: PositiveInt = 1
    #: Seconds between two looks at a running installer.
    poll_seconds: PositiveFloat = 5.0
    #: Seconds past which an installer counts as hung.
    installer_seconds: PositiveFloat = 3600.0
    #: Seconds that contact may be lost before an attempt is unknown.
    lost_contact_seconds: PositiveFloat = 300.0
    #: Seconds for a service to stop and start again.
    service_seconds: PositiveFloat = 300.0
    #: Seconds for its listeners and applications to be up again once it runs.
    serving_seconds: PositiveFloat = 120.0
    #: A site's own playbooks and hooks.yml.
    hooks_folder: Path | None = None
    #: Shipped playbooks that are switched on.
    hooks: tuple[Hook, ...] = ()
    #: Seconds that a hook may take.
    hook_seconds: PositiveInt = 600
    #: Seconds after which a lease that is not renewed has lost its owner.
    lease_seconds: PositiveFloat = 120.0

    #: What a package's signature must show, beside the pin.
    package_signature: Demand = Demand.UNTAMPERED
    #: SHA-256 of certificates, one of which a package's chain must hold.
    trusted_certificates: frozenset[str] = frozenset()

    @classmethod
    @override
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The command line first, then the environment, then the file.

        Under systemd, its credentials come before the file: one with the name of a
        setting, such as orchestrator_broker, is that setting.
        """
        handed = os.environ.get("CREDENTIALS_DIRECTORY")
        return (
            init_settings,
            env_settings,
            *((SecretsSettingsSource(settings_cls, handed),) if handed else ()),
            TomlConfigSettingsSource(settings_cls),
        )
