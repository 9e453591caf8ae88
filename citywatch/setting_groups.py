"""What can be set, group by group, with its limits and the sentence that describes it."""

from datetime import date, timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import available_timezones

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr

from citywatch.addresses import check_topic, check_web_address
from citywatch.durations import parse_duration
from citywatch.errors import SettingsError


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


class SettingsGroup(BaseModel):
    """Settings of one concern: a name that is none of them is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class StoreSettings(SettingsGroup):
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


class RetentionSettings(SettingsGroup):
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


class BrokerSettings(SettingsGroup):
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


class IngestSettings(SettingsGroup):
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


class IndicatorSettings(SettingsGroup):
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


class RulesSettings(SettingsGroup):
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


class EscalationSettings(SettingsGroup):
    """One step of the escalation: whom to tell when nobody has acknowledged for so long."""

    after: Duration
    to: list[SecretStr] = Field(
        min_length=1, description="such as webhook:https://..., email:a@b, mqtt:topic, apprise:url"
    )
    hours: tuple[Annotated[int, Field(ge=0, le=23)], Annotated[int, Field(ge=0, le=24)]] | None = None


class NotifySettings(SettingsGroup):
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


class ServeSettings(SettingsGroup):
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


class IdentitySettings(SettingsGroup):
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


class DevicesSettings(SettingsGroup):
    """Device types."""

    folders: list[Path] = Field(default_factory=list, description="folders with profiles of your own: a,b")
    downlinks: dict[Annotated[str, AfterValidator(_network_server)], str] = Field(
        default_factory=dict,
        description='where downlinks go, as JSON: {"tts_v3": "v3/APP@TENANT/devices/{device_id}/down/push", '
        '"chirpstack_v4": "application/APP/device/{device_id}/command/down"}',
    )


class SimulatorSettings(SettingsGroup):
    """The simulated city."""

    devices: int = Field(300, ge=1, le=100_000, description="how many devices it has")
    seed: int = Field(1, ge=0, description="the same seed gives the same city and the same readings")
