from datetime import date
from pathlib import Path

import pytest

from citywatch.cli.up import refuse_servers_elsewhere
from citywatch.errors import SettingsError
from citywatch.settings import known_keys, load_settings

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def unread_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    load_settings.cache_clear()


def test_a_setting_is_read_from_its_group(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CITYWATCH_INGEST__BATCH_AGE", "20ms")
    assert load_settings().ingest.batch_age.total_seconds() == 0.02


def test_a_secret_may_come_as_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "password").write_text("s3cret\n", encoding="utf-8")
    monkeypatch.setenv("CITYWATCH_BROKER__PASSWORD_FILE", str(tmp_path / "password"))
    monkeypatch.setenv("CITYWATCH_BROKER__USERNAME", "citywatch")
    broker = load_settings().broker
    assert broker.password is not None
    assert (broker.username, broker.password.get_secret_value()) == ("citywatch", "s3cret")


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"CITYWATCH_BROKER__PASSWORD_FILE": "/no/such"}, "/no/such cannot be read"),
        ({"CITYWATCH_BROKER__PASSWORD_FILE": "/no", "CITYWATCH_BROKER__PASSWORD": "x"}, "both set"),
        ({"CITYWATCH_BROKER__HOST_FILE": "/etc/hostname"}, "unknown setting CITYWATCH_BROKER__HOST_FILE"),
    ],
)
def test_a_secret_file_that_cannot_be_is_an_error(
    monkeypatch: pytest.MonkeyPatch, more: dict[str, str], message: str
) -> None:
    for key, value in more.items():
        monkeypatch.setenv(key, value)
    with pytest.raises(SettingsError, match=message):
        load_settings()


def test_a_misspelt_setting_is_an_error_that_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CITYWATCH_INGEST__BACH_AGE", "20ms")
    with pytest.raises(SettingsError, match="CITYWATCH_INGEST__BACH_AGE"):
        load_settings()


def test_a_value_outside_its_limits_names_setting_value_and_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CITYWATCH_STORE__POOL_MAX", "0")
    with pytest.raises(SettingsError, match=r"CITYWATCH_STORE__POOL_MAX.*greater than or equal to 1.*'0'"):
        load_settings()


def test_example_env_names_every_setting_with_its_sentence() -> None:
    text = (ROOT / "example.env").read_text(encoding="utf-8")
    for key, sentence in known_keys().items():
        assert f"# {sentence}\n#{key}=" in text, f"{key} is not in example.env as the settings describe it: make docs"


@pytest.mark.parametrize("text", ["rules,more/rules", " rules , more/rules,", '["rules", "more/rules"]'])
def test_a_list_is_written_with_commas_or_as_json(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("CITYWATCH_RULES__FOLDERS", text)
    assert load_settings().rules.folders == [Path("rules"), Path("more/rules")]


def test_the_env_file_is_read_in_the_same_way(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(
        "CITYWATCH_NOTIFY__EMAILS=a@x.org,b@x.org\nCITYWATCH_RULES__POLL=\n", encoding="utf-8"
    )
    settings = load_settings()
    assert settings.notify.emails == ["a@x.org", "b@x.org"]
    assert settings.rules.poll.total_seconds() == 2  # empty: unset


def test_every_list_of_plain_values_takes_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CITYWATCH_INDICATORS__HOLIDAYS", "2026-12-25,2026-12-26")
    monkeypatch.setenv("CITYWATCH_SERVE__PROXIES", "127.0.0.1,172.16.0.0/12")
    monkeypatch.setenv("CITYWATCH_NOTIFY__WEBHOOKS", "https://a.example/1,https://b.example/2")
    monkeypatch.setenv("CITYWATCH_NOTIFY__TOPICS", "alerts/all")
    settings = load_settings()
    assert settings.indicators.holidays == [date(2026, 12, 25), date(2026, 12, 26)]
    assert settings.serve.proxies == ["127.0.0.1/32", "172.16.0.0/12"]
    assert [one.get_secret_value() for one in settings.notify.webhooks][1] == "https://b.example/2"
    assert settings.notify.topics == ["alerts/all"]


def test_the_env_file_may_hold_what_others_read_and_names_of_secret_files(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("s3cret\n", encoding="utf-8")
    (tmp_path / ".env").write_text(
        "COMPOSE_PROJECT_NAME=city\nCITYWATCH_MQTT_ADDRESS=0.0.0.0\n"
        f"CITYWATCH_BROKER__PASSWORD_FILE={tmp_path / 'password'}\n",
        encoding="utf-8",
    )
    password = load_settings().broker.password
    assert password is not None and password.get_secret_value() == "s3cret"


@pytest.mark.parametrize("line", ["CITYWATCH_BROKER__PASWORD=x", "CITYWATCH_STORE_DSN=x", "CITYWATCH_NO=x"])
def test_a_misspelt_line_of_the_env_file_is_an_error_that_names_it(tmp_path: Path, line: str) -> None:
    (tmp_path / ".env").write_text(line + "\n", encoding="utf-8")
    with pytest.raises(SettingsError, match=f"unknown setting {line.partition('=')[0]}: see example.env"):
        load_settings()


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("CITYWATCH_NOTIFY__WEBHOOKS", "ftp://hooks.example/hunter2"),
        ("CITYWATCH_NOTIFY__WEBHOOKS", "[hunter2"),
        ("CITYWATCH_NOTIFY__ESCALATION", '[{"afer": "15m", "to": ["webhook:https://x/hunter2"]}]'),
        ("CITYWATCH_NOTIFY__ESCALATION", "hunter2"),
        ("CITYWATCH_NOTIFY__APPRISE", "[hunter2"),
        ("CITYWATCH_BROKER__PASWORD", "hunter2"),
    ],
)
def test_no_error_repeats_a_secret(monkeypatch: pytest.MonkeyPatch, key: str, value: str) -> None:
    monkeypatch.setenv(key, value)
    with pytest.raises(SettingsError, match=key) as caught:
        load_settings()
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("CITYWATCH_RULES__FOLDERS", "[rules", "is not JSON"),
        ("CITYWATCH_INGEST__ROUTES", "v3/up", "is not JSON"),
        ("CITYWATCH_RULES__POLL", "foo", "'foo' is not a duration"),
    ],
)
def test_a_value_that_cannot_be_read_is_an_error_that_names_its_key(
    monkeypatch: pytest.MonkeyPatch, key: str, value: str, said: str
) -> None:
    monkeypatch.setenv(key, value)
    with pytest.raises(SettingsError, match=f"^{key}: .*{said}"):
        load_settings()


@pytest.mark.parametrize("key", ["CITYWATCH_STORE__DSN", "CITYWATCH_BROKER__HOST"])
def test_up_does_not_start_processes_that_would_go_to_other_servers(monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    refuse_servers_elsewhere(load_settings())
    load_settings.cache_clear()
    monkeypatch.setenv(key, "db.example")
    with pytest.raises(SettingsError, match=f"{key} names? servers of your own"):
        refuse_servers_elsewhere(load_settings())
