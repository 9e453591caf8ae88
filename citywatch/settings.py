"""Every setting of every process, in one model: environment variables `CITYWATCH_GROUP__NAME`, or an `.env` file.

A list is written with commas (`a,b`), or as JSON where a value has a comma in it. An empty value is an unset one.
An unknown key is an error, so that a misspelt setting never passes for a set one; no error repeats a secret.
"""

import json
from datetime import date, timedelta
from functools import cache
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin
from zoneinfo import available_timezones

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)
from pydantic_settings import SettingsError as UnreadableError

from citywatch.addresses import check_topic, check_web_address
from citywatch.durations import parse_duration
from citywatch.errors import SettingsError

PREFIX = "CITYWATCH_"
# Ours too, but read by the test suite and by the compose files, not by the product.
OTHERS_KEYS = frozenset({"CITYWATCH_TEST_DSN", "CITYWATCH_SHARED_DATA", "CITYWATCH_MQTT_ADDRESS"})


def _duration(value: object) -> object:
    try:
        return parse_duration(value) if isinstance(value, str) else value
    except SettingsError as error:
        raise ValueError(str(error)) from None  # pydantic adds the key


Duration = Annotated[timedelta, BeforeValidator(_duration)]
Port = Annotated[int, Field(ge=0, le=65535)]


def _network_server(name: str) -> str:
    if name not in ("tts_v3", "chirpstack_v4"):
        raise ValueError("downlinks go through tts_v3 or chirpstack_v4")
    return name


def _network(address: str) -> str:
    return str(ip_network(address, strict=False))


def _zone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError("a time zone of the IANA database, such as Europe/Paris")
    return name


def _web_address(secret: SecretStr) -> SecretStr:
    check_web_address(secret.get_secret_value())
    return secret


def _topic(text: str) -> str:
    check_topic(text)
    return text


# Addresses of webhooks carry tokens.
WebAddress = Annotated[SecretStr, AfterValidator(_web_address)]
Topic = Annotated[str, AfterValidator(_topic)]


class _Group(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class StoreSettings(_Group):
    """The database."""

    dsn: SecretStr | None = Field(None, description="PostgreSQL or TimescaleDB to use; unset: the embedded server")
    pool_max: int = Field(4, ge=1, le=100, description="connections each process may hold")
    statement_timeout: Duration = Field(timedelta(seconds=30), description="longest a single statement may run")
    pack_after: Duration = Field(
        timedelta(days=2), ge=timedelta(0), description="age at which a complete week of observations is packed"
    )
    care_every: Duration = Field(
        timedelta(hours=1), ge=timedelta(seconds=1), description="how often the store is looked after: packed, tidied"
    )
    disk_limit: float | None = Field(
        None, gt=0, description="GiB the database may take; unset: nothing is ever shed for want of disk"
    )
    disk_warn: float = Field(0.8, gt=0, le=1, description="share of the limit, or of the disk, at which to warn")
    disk_shed: float = Field(0.95, gt=0, le=1, description="share of the limit at which the oldest raw weeks are shed")
    shed_keep: Duration = Field(
        timedelta(days=14), ge=timedelta(days=7), description="raw observations younger than this are never shed"
    )


# No late reading may come into what is gone already, so nothing is kept for less than a week.
Kept = Annotated[Duration, Field(ge=timedelta(days=7))]


class RetentionSettings(_Group):
    """How long each class of data is kept; unset: for ever. Daily rollups and the audit log are always kept."""

    raw: Kept | None = Field(None, description="observations, by phenomenon time, a whole week at a time")
    minute: Kept | None = Field(None, description="rollups by minute")
    quarter: Kept | None = Field(None, description="rollups by quarter of an hour")
    hour: Kept | None = Field(None, description="rollups by hour")
    alerts: Kept | None = Field(None, description="closed alerts with their events, notifications and incidents")
    rejected: Kept | None = Field(timedelta(days=90), description="messages that were rejected or refused")
    tail: Duration = Field(
        timedelta(days=2), ge=timedelta(hours=1), description="the log of writes, once every process has read it"
    )


class BrokerSettings(_Group):
    """The MQTT broker."""

    host: str | None = Field(None, description="broker to use; unset: the embedded broker")
    port: Port = Field(1883, description="its TCP port")
    username: str | None = Field(None, description="account of our own processes")
    password: SecretStr | None = Field(None, description="password of that account")
    ca_file: Path | None = Field(None, description="certificate authority; set it to speak TLS")
    accounts: Literal["open", "dynamic-security", "store"] = Field(
        "open",
        description="devices' accounts: none needed; Mosquitto's dynamic security; or a broker that reads our table",
    )
    protocol: Literal["3.1.1", "5"] = Field("3.1.1", description="MQTT version of the ingest worker")
    autosave: Duration = Field(timedelta(seconds=5), description="embedded broker: how often it saves its queues")


class IngestSettings(_Group):
    """Broker to store."""

    slot: int = Field(0, ge=0, description="which worker this is; names its persistent session")
    workers: int = Field(1, ge=1, le=64, description="workers that share the subscription")
    batch_rows: int = Field(2000, ge=1, le=100_000, description="readings at which a batch closes")
    batch_age: Duration = Field(timedelta(milliseconds=50), description="age at which a batch closes")
    window: int = Field(50_000, ge=10, le=65_535, description="messages in flight between broker and worker")
    lateness: Duration = Field(timedelta(hours=48), description="how old a live reading may be before it is refused")
    equal_window: Duration = Field(
        timedelta(seconds=30), description="equal messages without time and sequence inside this window count once"
    )
    flood_share: float = Field(
        1.0, gt=0, le=1, description="share of the window one flooding device may hold; beyond it set aside; 1: never"
    )
    receiver: Literal["direct", "aiomqtt"] = Field(
        "direct", description="receive loop: our own, or the aiomqtt library (slower, the same guarantees)"
    )
    max_payload: int = Field(262_144, ge=1024, description="largest payload in bytes that is looked into")
    routes: dict[str, str] = Field(
        default_factory=dict,
        description='further topics and their envelopes, as JSON: {"v3/+/devices/{device_id}/up": "tts_v3"}',
    )


class RulesSettings(_Group):
    """Readings to alerts."""

    folders: list[Path] = Field(
        default_factory=list, description="further folders of rule files, beside the shipped: a,b"
    )
    poll: Duration = Field(timedelta(seconds=2), description="how often the clock is looked at when nothing arrives")
    lateness: Duration = Field(
        timedelta(minutes=15), description="a reading later than this corrects history and alerts nobody"
    )
    parts: int = Field(
        1, ge=1, le=64, description="parts that devices are divided into; each rules process judges its share of them"
    )


class EscalationSettings(_Group):
    """One step of the escalation: whom to tell when nobody has acknowledged for so long."""

    after: Duration
    to: list[SecretStr] = Field(
        min_length=1, description="such as webhook:https://..., email:a@b, mqtt:topic, apprise:url"
    )
    hours: tuple[Annotated[int, Field(ge=0, le=23)], Annotated[int, Field(ge=0, le=24)]] | None = None


class NotifySettings(_Group):
    """Alerts to people; none of these set: alerts are shown, nobody is sent anything."""

    webhooks: list[WebAddress] = Field(default_factory=list, description="addresses that alerts are posted to")
    webhook_secret: SecretStr | None = Field(None, description="secret that posted alerts are signed with")
    emails: list[str] = Field(default_factory=list, description="addresses that alerts are mailed to")
    smtp_host: str | None = Field(None, description="mail server")
    smtp_port: Port = Field(587, description="its port")
    smtp_sender: str = Field("citywatch@localhost", description="sender of mails")
    smtp_starttls: bool = Field(True, description="insist on encryption to the mail server")
    smtp_username: str | None = Field(None, description="account at the mail server")
    smtp_password: SecretStr | None = Field(None, description="password of that account")
    topics: list[Topic] = Field(default_factory=list, description="topics of the broker that alerts are published on")
    apprise: list[SecretStr] = Field(
        default_factory=list, description="Apprise URLs; needs the package apprise beside ours"
    )
    least_severity: Literal["CRITICAL", "HIGH", "MEDIUM", "LOW"] = Field(
        "MEDIUM", description="alerts less urgent than this are shown, but sent to nobody"
    )
    repeat: Duration | None = Field(
        timedelta(hours=4), ge=timedelta(minutes=5), description="how often to say it again until somebody acknowledges"
    )
    escalation: list[EscalationSettings] = Field(
        default_factory=list,
        description='who is told next, as JSON: [{"after": "15m", "to": ["email:chief@x.org"], "hours": [6, 22]}]',
    )
    work_webhooks: list[WebAddress] = Field(
        default_factory=list, description="addresses that work orders are posted to"
    )


class ServeSettings(_Group):
    """API and dashboard."""

    host: str = Field("127.0.0.1", description="address to listen on")
    port: Port = Field(8050, description="port to listen on; `up` takes the next free one when it is taken")
    demo: bool = Field(True, description="open to everybody on this machine, without sign-in; loopback only")
    basemap: Path | None = Field(None, description="GeoJSON file with roads and water to draw under the devices")
    public_url: str | None = Field(
        None, description="address people use, as https://city.example, where a proxy with TLS stands in front"
    )
    proxies: list[Annotated[str, AfterValidator(_network)]] = Field(
        default_factory=lambda: ["127.0.0.1", "::1"],
        description="addresses or networks of such proxies, whose X-Forwarded-For is believed; unset: this machine",
    )
    tls_certificate: Path | None = Field(None, description="certificate chain (PEM); set it and the key to speak TLS")
    tls_key: Path | None = Field(None, description="its private key (PEM)")
    rate: float = Field(50.0, gt=0, description="requests per second that one account, key or address may keep up")
    burst: int = Field(500, ge=1, description="requests that one may make at once on top")


class IdentitySettings(_Group):
    """Who may sign in; none of it matters in demo mode."""

    session: Duration = Field(timedelta(hours=12), description="how long a session lasts, whatever happens in it")
    session_idle: Annotated[Duration, Field(gt=timedelta())] = Field(
        timedelta(hours=4), description="how long it lasts without anybody at the screen; as long as SESSION for a wall"
    )
    key: SecretStr | None = Field(None, description="API key that `citywatch status` asks with where sign-in is on")
    oidc_issuer: str | None = Field(None, description="OpenID provider to sign in at, as https://login.city.example")
    oidc_client_id: str | None = Field(None, description="our name at that provider")
    oidc_client_secret: SecretStr | None = Field(None, description="our secret at that provider")
    oidc_role_claim: str = Field("roles", description="claim of the ID token that says what somebody is there")
    oidc_roles: dict[str, Literal["viewer", "operator", "engineer", "auditor", "admin"]] = Field(
        default_factory=dict, description='what that makes of them here, as JSON: {"city-control-room": "operator"}'
    )


class DevicesSettings(_Group):
    """Device types."""

    folders: list[Path] = Field(default_factory=list, description="folders with profiles of your own: a,b")
    downlinks: dict[Annotated[str, AfterValidator(_network_server)], str] = Field(
        default_factory=dict,
        description='where downlinks go, as JSON: {"tts_v3": "v3/APP@TENANT/devices/{device_id}/down/push", '
        '"chirpstack_v4": "application/APP/device/{device_id}/command/down"}',
    )


class SimulatorSettings(_Group):
    """The simulated city."""

    devices: int = Field(300, ge=1, le=100_000, description="how many devices it has")
    seed: int = Field(1, ge=0, description="the same seed gives the same city and the same readings")


class _Environment(EnvSettingsSource):
    """The environment. A secret may stand in it as the name of a file: NAME_FILE, as containers are given theirs."""

    def decode_complex_value(self, field_name: str, field: FieldInfo, value: Any) -> Any:
        """Return the list (`a,b` or JSON) or the mapping that `value` spells; raise SettingsError where it is none."""
        if field is not None and _is_plain_list(field.annotation) and not value.lstrip().startswith("["):
            return [part for one in value.split(",") if (part := one.strip())]
        try:
            return super().decode_complex_value(field_name, field, value)
        except json.JSONDecodeError as error:
            keys = [key for key, text in self.env_vars.items() if text == value and key.endswith(field_name)]
            shown = "what it holds" if field is None or _holds_secret(field.annotation) else repr(value)
            raise SettingsError(f"{', '.join(keys).upper()}: {shown} is not JSON ({error})") from None

    def __call__(self) -> dict[str, Any]:
        """Return what is set, with the secrets read from their files.

        Raises SettingsError where a file cannot be read, and for each key of ours that is no setting.
        """
        ours = {key.upper() for key in self.env_vars if key.upper().startswith(PREFIX)}
        secrets = secret_keys()
        unknown = ours - known_keys().keys() - OTHERS_KEYS - {f"{key}_FILE" for key in secrets}
        if unknown:
            raise SettingsError(f"unknown setting {', '.join(sorted(unknown))}: see example.env for those there are")
        # What remains are lines of `.env` that others read.
        state = {name: value for name, value in super().__call__().items() if name in Settings.model_fields}
        for key in secrets:
            group, _, name = key.removeprefix(PREFIX).lower().partition("__")
            path = state.get(group, {}).pop(f"{name}_file", None)
            if path is None:
                continue
            if name in state[group]:
                raise SettingsError(f"{key} and {key}_FILE are both set: one of them")
            try:
                state[group][name] = Path(path).read_text(encoding="utf-8").strip()
            except OSError as error:
                raise SettingsError(f"{key}_FILE: {path} cannot be read ({error.strerror})") from None
        return state


class _File(_Environment, DotEnvSettingsSource):
    """The `.env` file."""


def _is_plain_list(annotation: Any) -> bool:
    """Return whether it is a list whose parts are written as they are: no objects, which only JSON can spell."""
    if get_origin(annotation) is not list:
        return False
    (part,) = get_args(annotation)
    return not (isinstance(part, type) and issubclass(part, BaseModel))


def _holds_secret(annotation: Any) -> bool:
    """Return whether a secret may stand somewhere in a value of that type."""
    if annotation is SecretStr:
        return True
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return any(_holds_secret(field.annotation) for field in annotation.model_fields.values())
    return any(_holds_secret(part) for part in get_args(annotation))


class IndicatorSettings(_Group):
    """Where the city's hours are lived."""

    zone: Annotated[str, AfterValidator(_zone)] = Field(
        "UTC", description="time zone by whose clock hours of the week are alike, such as Europe/Paris"
    )
    holidays: list[date] = Field(
        default_factory=list, description="days that count as Sundays, such as 2026-12-25,2026-12-26"
    )
    parts: int = Field(
        1, ge=1, le=64, description="parts that devices are divided into; each indicators process derives its share"
    )


class Settings(BaseSettings):
    """All settings; each group's fields say what they mean."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_nested_delimiter="__",
        env_ignore_empty=True,
        extra="forbid",
        frozen=True,
        env_file=".env",
        env_file_encoding="utf-8",
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read the environment our way."""
        assert isinstance(dotenv_settings, DotEnvSettingsSource)
        return init_settings, _Environment(settings_cls), _File(settings_cls, dotenv_settings.env_file)

    data_dir: Path = Field(Path(".citywatch"), description="where embedded servers and their data live")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="least level that is logged")
    log_format: Literal["console", "json"] = Field("console", description="how log lines are written")
    store: StoreSettings = Field(default_factory=StoreSettings)
    retention: RetentionSettings = Field(default_factory=RetentionSettings)
    broker: BrokerSettings = Field(default_factory=BrokerSettings)
    ingest: IngestSettings = Field(default_factory=IngestSettings)
    indicators: IndicatorSettings = Field(default_factory=IndicatorSettings)
    rules: RulesSettings = Field(default_factory=RulesSettings)
    notify: NotifySettings = Field(default_factory=NotifySettings)
    serve: ServeSettings = Field(default_factory=ServeSettings)
    identity: IdentitySettings = Field(default_factory=IdentitySettings)
    devices: DevicesSettings = Field(default_factory=DevicesSettings)
    simulator: SimulatorSettings = Field(default_factory=SimulatorSettings)


def secret_keys() -> set[str]:
    """Return the keys whose value may be given as a file instead: KEY_FILE, as containers are given their secrets."""
    return {
        f"{PREFIX}{name}__{inner}".upper()
        for name, field in Settings.model_fields.items()
        if isinstance(field.annotation, type) and issubclass(field.annotation, _Group)
        for inner, detail in field.annotation.model_fields.items()
        if detail.annotation == SecretStr | None
    }


def known_keys() -> dict[str, str]:
    """Return every environment key with the sentence that describes it."""
    keys: dict[str, str] = {}
    for name, field in Settings.model_fields.items():
        group = field.annotation
        if isinstance(group, type) and issubclass(group, _Group):
            for inner, detail in group.model_fields.items():
                keys[f"{PREFIX}{name}__{inner}".upper()] = detail.description or ""
        else:
            keys[f"{PREFIX}{name}".upper()] = field.description or ""
    return keys


@cache
def load_settings() -> Settings:
    """Read the settings once per process; raise SettingsError naming every unknown or unacceptable key."""
    try:
        return Settings()
    except ValidationError as error:
        raise SettingsError(
            "; ".join(_told(each["loc"], each["msg"], each["input"]) for each in error.errors())
        ) from None
    except UnreadableError as error:
        raise SettingsError(f"{error}: {error.__cause__}") from None


def _told(place: tuple[int | str, ...], meaning: str, given: object) -> str:
    """Return what is wrong with one value, and the value unless it may be a secret."""
    annotation: Any = Settings
    for name in place:
        fields = annotation.model_fields if isinstance(annotation, type) and issubclass(annotation, BaseModel) else {}
        if name not in fields:
            break
        annotation = fields[str(name)].annotation
    shown = "" if _holds_secret(annotation) else f" (got {given!r})"
    return f"{PREFIX}{'__'.join(map(str, place)).upper()}: {meaning}{shown}"
