"""A variable that is missing, misspelt or wrong is named before anything starts."""

import os

import pytest
from pydantic_settings import SettingsConfigDict

from chassis.messaging.connections import client_arguments
from chassis.settings import InvalidSettings, Settings


class TallySettings(Settings):
    """Settings of tally."""

    model_config = SettingsConfigDict(env_prefix="TALLY_")

    largest: int = 10


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith("TALLY_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("TALLY_DATABASE_URL", "postgresql://here")


def test_what_is_set_is_read_and_the_rest_has_a_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TALLY_LARGEST", "11")
    monkeypatch.setenv("OTHER_LARGEST", "12")
    settings = TallySettings.read()
    assert (settings.database_url, settings.largest, settings.http_host) == ("postgresql://here", 11, "127.0.0.1")


def test_nothing_listens_beyond_this_machine_unless_somebody_says_so() -> None:
    assert TallySettings.read().http_host == "127.0.0.1"


def test_a_misspelt_variable_is_an_error_that_names_it_and_those_that_exist(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TALLY_LARGST", "11")
    with pytest.raises(InvalidSettings, match=r"TALLY_LARGST.*TALLY_LARGEST"):
        TallySettings.read()


def test_a_missing_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TALLY_DATABASE_URL")
    with pytest.raises(InvalidSettings, match="TALLY_DATABASE_URL: Field required"):
        TallySettings.read()


def test_a_user_of_kafka_comes_with_a_password_and_neither_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    assert TallySettings.read().kafka_login is None
    monkeypatch.setenv("TALLY_KAFKA_USERNAME", "duaal.tally")
    with pytest.raises(InvalidSettings, match=r"^TALLY_KAFKA_PASSWORD: .*come together"):
        TallySettings.read()
    monkeypatch.setenv("TALLY_KAFKA_PASSWORD", "geheim")
    settings = TallySettings.read()
    assert settings.kafka_login
    assert (settings.kafka_login.username, settings.kafka_login.password) == ("duaal.tally", "geheim")
    assert "geheim" not in repr(settings) + repr(settings.kafka_login)


def test_a_login_goes_over_tls_unless_somebody_says_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TALLY_KAFKA_USERNAME", "duaal.tally")
    monkeypatch.setenv("TALLY_KAFKA_PASSWORD", "geheim")
    assert client_arguments(TallySettings.read().kafka_login)["security_protocol"] == "SASL_SSL"
    monkeypatch.setenv("TALLY_KAFKA_TLS", "false")
    assert client_arguments(TallySettings.read().kafka_login)["security_protocol"] == "SASL_PLAINTEXT"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HTTP_PORT", "65536"),
        ("BATCH_SIZE", "0"),
        ("SESSION_TIMEOUT", "soon"),
        ("LOG_LEVEL", "loud"),
        ("POOL_SIZE", "1"),
    ],
)
def test_a_wrong_value_is_named_and_not_repeated(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"TALLY_{name}", value)
    with pytest.raises(InvalidSettings, match=f"^TALLY_{name}: ") as raised:
        TallySettings.read()
    assert f"'{value}'" not in str(raised.value)


def test_all_that_is_wrong_is_said_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TALLY_HTTP_PORT", "x")
    monkeypatch.setenv("TALLY_LARGEST", "y")
    with pytest.raises(InvalidSettings, match=r"TALLY_HTTP_PORT.*TALLY_LARGEST"):
        TallySettings.read()
