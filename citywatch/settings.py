"""Every setting of every process, in one model: environment variables `CITYWATCH_GROUP__NAME`, or an `.env` file.

A list is written with commas (`a,b`), or as JSON where a value has a comma in it. An empty value is an unset one.
An unknown key is an error, so that a misspelt setting never passes for a set one; no error repeats a secret.
"""

import json
from functools import cache
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel, Field, SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)
from pydantic_settings import SettingsError as UnreadableError

from citywatch.errors import SettingsError
from citywatch.setting_groups import (
    BrokerSettings,
    DevicesSettings,
    IdentitySettings,
    IndicatorSettings,
    IngestSettings,
    NotifySettings,
    RetentionSettings,
    RulesSettings,
    ServeSettings,
    SettingsGroup,
    SimulatorSettings,
    StoreSettings,
)

PREFIX = "CITYWATCH_"
# Ours too, but read by the test suite and by the compose files, not by the product.
OTHERS_KEYS = frozenset({"CITYWATCH_TEST_DSN", "CITYWATCH_SHARED_DATA", "CITYWATCH_MQTT_ADDRESS"})


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
        if isinstance(field.annotation, type) and issubclass(field.annotation, SettingsGroup)
        for inner, detail in field.annotation.model_fields.items()
        if detail.annotation == SecretStr | None
    }


def known_keys() -> dict[str, str]:
    """Return every environment key with the sentence that describes it."""
    keys: dict[str, str] = {}
    for name, field in Settings.model_fields.items():
        group = field.annotation
        if isinstance(group, type) and issubclass(group, SettingsGroup):
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
