"""Every setting, read from the environment once at start and checked there (DESIGN §6)."""

from __future__ import annotations

import re
import secrets
from base64 import b64decode
from datetime import date, time
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from Crypto.PublicKey import ECC
from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from core.errors import Refused
from core.schedule import at_local

OWNER_ONLY = 0o600
SHORTEST_SECRET_CHARS = 32
SHORTEST_HOOK_SECRET_CHARS = 16

OF_HOOKS = frozenset(
    f"FERMATA_{name}"
    for name in (
        "HOOKS_SECRET",
        "CALENDLY_SECRET",
        "CAL_SECRET",
        "SENDGRID_KEY",
        "MAILGUN_SECRET",
        "SNS_TOPICS",
    )
)
TOPIC = re.compile(r"arn:aws:sns:[a-z0-9-]{1,30}:[0-9]{12}:[A-Za-z0-9_.-]{1,260}", re.ASCII)

Names = Annotated[frozenset[str], NoDecode]


class Settings(BaseSettings):
    """The environment, checked; a fault is one sentence that names its variable."""

    model_config = SettingsConfigDict(
        env_ignore_empty=True, extra="ignore", frozen=True, populate_by_name=True
    )

    home: Path = Field(default=Path("fermata-data"), validation_alias="FERMATA_HOME")
    database_url: str = Field(default="", validation_alias="FERMATA_DATABASE_URL")
    redis_url: str | None = Field(default=None, validation_alias="FERMATA_REDIS_URL")
    secret_key: SecretStr = Field(default=SecretStr(""), validation_alias="FERMATA_SECRET_KEY")
    # keys of before, from the newest: what they encrypted is read still, and links they signed are known
    secret_key_old: SecretStr = Field(default=SecretStr(""), validation_alias="FERMATA_SECRET_KEY_OLD")
    base_url: str = Field(default="", validation_alias="FERMATA_BASE_URL")
    host: str = Field(default="127.0.0.1", validation_alias="FERMATA_HOST")
    port: int = Field(default=8300, ge=1, le=65535, validation_alias="FERMATA_PORT")
    # where a bot or worker without a web part answers /healthz, /readyz and /metrics; None: nowhere
    health_port: int | None = Field(default=None, ge=1, le=65535, validation_alias="FERMATA_HEALTH_PORT")
    log: Literal["text", "json"] = Field(default="text", validation_alias="FERMATA_LOG")
    channel: str = Field(default="", validation_alias="FERMATA_CHANNEL")
    zone: str = Field(default="", validation_alias="FERMATA_ZONE")
    bot_token: SecretStr = Field(default=SecretStr(""), validation_alias="SLACK_BOT_TOKEN")
    app_token: SecretStr = Field(default=SecretStr(""), validation_alias="SLACK_APP_TOKEN")
    signing_secret: SecretStr = Field(default=SecretStr(""), validation_alias="SLACK_SIGNING_SECRET")
    team_id: str | None = Field(default=None, pattern="^[TE][A-Z0-9]+$", validation_alias="SLACK_TEAM_ID")
    app_id: str | None = Field(default=None, pattern="^A[A-Z0-9]+$", validation_alias="SLACK_APP_ID")
    slack_api_url: str = Field(default="https://slack.com/api/", validation_alias="SLACK_API_URL")
    admins: Names = Field(default=frozenset(), validation_alias="FERMATA_ADMINS")
    operators: Names = Field(default=frozenset(), validation_alias="FERMATA_OPERATORS")
    viewers: Names = Field(default=frozenset(), validation_alias="FERMATA_VIEWERS")
    who_may_act: Literal["everyone", "owner"] = Field(
        default="everyone", validation_alias="FERMATA_WHO_MAY_ACT"
    )
    tick_seconds: float = Field(default=5, ge=0.05, le=60, validation_alias="FERMATA_TICK_SECONDS")
    read_within_seconds: int = Field(default=600, ge=60, validation_alias="FERMATA_READ_WITHIN_SECONDS")
    # per cent of what a mailbox or a sequence sent in a week, from so many sends on
    bounce_limit: float = Field(default=5, gt=0, le=100, validation_alias="FERMATA_BOUNCE_LIMIT")
    complaint_limit: float = Field(default=0.1, gt=0, le=100, validation_alias="FERMATA_COMPLAINT_LIMIT")
    guard_sends: int = Field(default=50, ge=1, validation_alias="FERMATA_GUARD_SENDS")
    google_client_id: str = Field(default="", validation_alias="FERMATA_GOOGLE_CLIENT_ID")
    google_client_secret: SecretStr = Field(
        default=SecretStr(""), validation_alias="FERMATA_GOOGLE_CLIENT_SECRET"
    )
    microsoft_client_id: str = Field(default="", validation_alias="FERMATA_MICROSOFT_CLIENT_ID")
    microsoft_client_secret: SecretStr = Field(
        default=SecretStr(""), validation_alias="FERMATA_MICROSOFT_CLIENT_SECRET"
    )
    microsoft_tenant: str = Field(
        default="common", pattern=r"^[A-Za-z0-9.-]+$", validation_alias="FERMATA_MICROSOFT_TENANT"
    )
    # None: the hook is off. Set but empty is an error: whoever set it believes that it is on.
    hooks_secret: SecretStr | None = Field(default=None, validation_alias="FERMATA_HOOKS_SECRET")
    calendly_secret: SecretStr | None = Field(default=None, validation_alias="FERMATA_CALENDLY_SECRET")
    cal_secret: SecretStr | None = Field(default=None, validation_alias="FERMATA_CAL_SECRET")
    # the public key that SendGrid shows, Mailgun's signing key, and the topics of SNS that SES tells
    sendgrid_key: str | None = Field(default=None, validation_alias="FERMATA_SENDGRID_KEY")
    mailgun_secret: SecretStr | None = Field(default=None, validation_alias="FERMATA_MAILGUN_SECRET")
    sns_topics: Names | None = Field(default=None, validation_alias="FERMATA_SNS_TOPICS")
    # whether outgoing hooks may tell addresses inside our own network
    hooks_private: bool = Field(default=False, validation_alias="FERMATA_HOOKS_PRIVATE")
    # None: what leads write is kept for ever
    keep_days: int | None = Field(default=None, ge=1, validation_alias="FERMATA_KEEP_DAYS")
    poll_seconds: float = Field(default=60, ge=1, validation_alias="FERMATA_POLL_SECONDS")
    lease_seconds: float = Field(default=120, ge=1, validation_alias="FERMATA_LEASE_SECONDS")
    smtp_timeout_seconds: float = Field(default=60, gt=0, validation_alias="FERMATA_SMTP_TIMEOUT_SECONDS")

    @field_validator("admins", "operators", "viewers", "sns_topics", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return frozenset(value.replace(",", " ").split()) if isinstance(value, str) else value

    @field_validator("hooks_secret", "calendly_secret", "cal_secret", "mailgun_secret")
    @classmethod
    def _long_enough(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and len(value.get_secret_value().strip()) < SHORTEST_HOOK_SECRET_CHARS:
            msg = f"must have at least {SHORTEST_HOOK_SECRET_CHARS} characters; unset it to turn its webhook off"
            raise ValueError(msg)
        return value

    @field_validator("sendgrid_key")
    @classmethod
    def _key_of_sendgrid(cls, value: str | None) -> str | None:
        if value is not None:
            try:
                is_right = ECC.import_key(b64decode(value, validate=True)).curve == "NIST P-256"
            except ValueError:
                is_right = False
            if not is_right:
                msg = "must be the verification key that SendGrid shows, in base64; unset it to turn its webhook off"
                raise ValueError(msg)
        return value

    @field_validator("sns_topics")
    @classmethod
    def _topics(cls, value: frozenset[str] | None) -> frozenset[str] | None:
        if value is not None and not (value and all(TOPIC.fullmatch(one) for one in value)):
            msg = "must name topics such as arn:aws:sns:eu-central-1:123456789012:ses; unset it to turn its webhook off"
            raise ValueError(msg)
        return value

    @field_validator("zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        if value:
            try:
                at_local(date(2000, 1, 1), time.min, value)
            except Refused as refused:
                raise ValueError(str(refused)) from None
        return value

    @field_validator("base_url")
    @classmethod
    def _https_root(cls, value: str) -> str:
        if not value:
            return value
        parts = urlsplit(value)
        is_local = parts.hostname in {"127.0.0.1", "localhost", "::1"}
        is_more = parts.path not in {"", "/"} or parts.query or parts.fragment or "@" in parts.netloc
        if (parts.scheme != "https" and not is_local) or not parts.hostname or is_more:
            msg = "must be the public address of this server, such as https://fermata.example.com, without a path"
            raise ValueError(msg)
        return value.rstrip("/")

    @model_validator(mode="after")
    def _lease_outlives_smtp(self) -> Self:
        if self.lease_seconds < self.smtp_timeout_seconds:
            msg = "FERMATA_LEASE_SECONDS must not be shorter than FERMATA_SMTP_TIMEOUT_SECONDS"
            raise ValueError(msg)
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read secrets of webhooks that are set but empty as well, so that they are refused rather than unseen."""
        empty = _EmptySecrets(settings_cls, env_ignore_empty=False)
        return init_settings, env_settings, dotenv_settings, file_secret_settings, empty

    @property
    def database(self) -> str:
        """The database's URL; a SQLite file in FERMATA_HOME unless another is set."""
        return self.database_url or f"sqlite:///{self.home / 'fermata.db'}"


class _EmptySecrets(EnvSettingsSource):
    """The webhooks' secrets that are set to nothing."""

    def __call__(self) -> dict[str, Any]:
        """Give them; last of all sources, so that it overrules nothing."""
        return {name: value for name, value in super().__call__().items() if name in OF_HOOKS and value == ""}


def read_settings() -> Settings:
    """Give the settings of this process; raises Refused with one sentence per fault, naming the variable."""
    try:
        return Settings()
    except ValidationError as error:
        faults = [
            f"{fault['loc'][0] if fault['loc'] else 'Settings'}: {_plain(fault['msg'])}."
            for fault in error.errors()
        ]
        raise Refused(" ".join(faults)) from None


def _plain(message: str) -> str:
    return message.removeprefix("Value error, ").rstrip(".")


def old_keys(settings: Settings) -> tuple[bytes, ...]:
    """Give the keys of before FERMATA_SECRET_KEY; raises Refused for one that never was one."""
    keys = settings.secret_key_old.get_secret_value().replace(",", " ").split()
    if any(len(key) < SHORTEST_SECRET_CHARS for key in keys):
        msg = f"FERMATA_SECRET_KEY_OLD holds a key of fewer than {SHORTEST_SECRET_CHARS} characters."
        raise Refused(msg)
    return tuple(key.encode() for key in keys)


def secret_key(settings: Settings) -> bytes:
    """Give the key that signs links: FERMATA_SECRET_KEY, else one made once and kept in FERMATA_HOME.

    Raises Refused for a key that is too short, or a key file that others can read.
    """
    given = settings.secret_key.get_secret_value()
    if given:
        if len(given) < SHORTEST_SECRET_CHARS:
            msg = f"FERMATA_SECRET_KEY must have at least {SHORTEST_SECRET_CHARS} characters."
            raise Refused(msg)
        return given.encode()
    path = settings.home / "secret.key"
    if not path.exists():
        settings.home.mkdir(parents=True, exist_ok=True)
        path.touch(OWNER_ONLY)
        path.write_text(secrets.token_urlsafe(48))
    if path.stat().st_mode & 0o077:
        msg = f"{path.name} in FERMATA_HOME can be read by others; run `chmod 600` on it."
        raise Refused(msg)
    return path.read_text().strip().encode()
