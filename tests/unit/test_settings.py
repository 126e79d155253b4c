"""Settings: what a person writes wrongly is refused in one sentence that helps; what is written rightly counts."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaign.settings import SETTINGS, Settings, SettingsError, interpret, load, parse_duration

UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}


def written(directory: Path, text: str, environment: dict[str, str] | None = None) -> Settings:
    file = directory / "kreativorte.toml"
    file.write_text(text, encoding="utf-8")
    return load(str(file), environment or {})


def refusal(directory: Path, text: str, environment: dict[str, str] | None = None) -> str:
    with pytest.raises(SettingsError) as error:
        written(directory, text, environment)
    told = str(error.value)
    assert "\n" not in told and told.endswith(".")
    return told


# --- names


@pytest.mark.parametrize(
    ("text", "wrong", "meant"),
    [
        ('timezon = "Europe/Berlin"', "timezon", "timezone"),
        ('[delivery]\nleese = "2m"', "delivery.leese", "delivery.lease"),
        ('[network]\nread_timeouts = "5s"', "network.read_timeouts", "network.read_timeout"),
    ],
)
def test_an_unknown_name_is_refused_with_the_nearest_known_one(
    tmp_path: Path, text: str, wrong: str, meant: str
) -> None:
    told = refusal(tmp_path, text)
    assert repr(wrong) in told and f"did you mean {meant!r}?" in told


def test_a_name_like_no_other_is_refused_without_a_guess(tmp_path: Path) -> None:
    told = refusal(tmp_path, "qqqqqq = 1")
    assert "'qqqqqq'" in told and "did you mean" not in told


def test_an_unknown_name_in_the_environment_is_refused(tmp_path: Path) -> None:
    told = refusal(tmp_path, "", {"KREATIVORTE_DELIVERY__SENDER": "4"})
    assert "did you mean 'delivery.senders'?" in told


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
def test_every_default_passes_its_own_parser_and_has_help(setting: Any) -> None:
    setting.parse(setting.default)
    assert setting.help.endswith(".")


# --- where settings come from


def test_without_a_file_everything_has_a_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    settings = load(None, {})
    assert settings["mode"] == "sandbox"
    assert settings["delivery.lease"] == timedelta(minutes=2)
    assert settings.file is None


def test_a_file_that_was_asked_for_must_exist(tmp_path: Path) -> None:
    missing = str(tmp_path / "missing.toml")
    with pytest.raises(SettingsError, match="does not exist; `kreativorte init` writes one"):
        load(missing, {})
    with pytest.raises(SettingsError, match="does not exist"):
        load(None, {"KREATIVORTE_CONFIG": missing})


def test_the_environment_names_the_file_and_the_option_wins(tmp_path: Path) -> None:
    first, second = tmp_path / "first.toml", tmp_path / "second.toml"
    first.write_text('land = "BB"', encoding="utf-8")
    second.write_text('land = "BE"', encoding="utf-8")
    assert load(None, {"KREATIVORTE_CONFIG": str(first)})["land"] == "BB"
    assert load(str(second), {"KREATIVORTE_CONFIG": str(first)})["land"] == "BE"


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    settings = written(
        tmp_path,
        'land = "BB"\n[delivery]\nsenders = 2\n[preflight]\ncheck_links = true',
        {
            "KREATIVORTE_LAND": "BE",
            "KREATIVORTE_DELIVERY__SENDERS": "4",
            "KREATIVORTE_PREFLIGHT__CHECK_LINKS": "false",
            "KREATIVORTE_RECONCILE__LOOKS": "1s, 2s",
            "KREATIVORTE_TRACKING__HOSTS": "example.org, example.net",
            "UNRELATED": "1",
        },
    )
    assert settings["land"] == "BE"
    assert settings["delivery.senders"] == 4
    assert settings["preflight.check_links"] is False
    assert settings["reconcile.looks"] == (timedelta(seconds=1), timedelta(seconds=2))
    assert settings["tracking.hosts"] == ("example.org", "example.net")


def test_file_key_and_person_in_the_environment_are_no_settings(tmp_path: Path) -> None:
    settings = written(tmp_path, "", {"KREATIVORTE_USER": "anna", "KREATIVORTE_SECRET_KEY": "x"})
    assert "user" not in settings.values


def test_a_portal_can_be_completed_from_the_environment(tmp_path: Path) -> None:
    settings = written(
        tmp_path, '[portals.orte]\ntable = "orte"', {"KREATIVORTE_PORTALS__ORTE__URL": "sqlite:///portal.db"}
    )
    assert settings.portals["orte"] == {"table": "orte", "url": "sqlite:///portal.db"}


def test_the_environment_can_not_turn_a_value_into_a_table(tmp_path: Path) -> None:
    assert "not a table" in refusal(tmp_path, 'land = "ST"', {"KREATIVORTE_LAND__CODE": "BB"})


@pytest.mark.parametrize("text", ['land = "ST', "= 1", "[delivery", "a = 1\na = 2"])
def test_broken_toml_is_one_sentence_with_the_file(tmp_path: Path, text: str) -> None:
    assert "kreativorte.toml is not valid TOML" in refusal(tmp_path, text)


def test_a_file_that_is_no_text_is_one_sentence(tmp_path: Path) -> None:
    file = tmp_path / "kreativorte.toml"
    file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SettingsError, match="not valid TOML"):
        load(str(file), {})


# --- durations


def test_a_duration_beyond_ten_years_is_a_slip() -> None:
    with pytest.raises(SettingsError, match="longer than ten years"):
        parse_duration("999999999d")


@given(st.integers(0, 3660), st.sampled_from(sorted(UNITS)))
def test_a_duration_is_a_number_and_a_unit(number: int, unit: str) -> None:
    assert parse_duration(f"{number}{unit}") == timedelta(seconds=0, milliseconds=round(number * UNITS[unit] * 1000))


@pytest.mark.parametrize("value", ["", "5", "s", "5 s", "-5s", "1.5h", "5S", "5w", 5, None, True, ["5s"]])
def test_anything_else_is_no_duration(value: object) -> None:
    with pytest.raises(SettingsError, match=r"write for example"):
        parse_duration(value)


# --- values


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ('timezone = "Europe/Berlln"', "timezone"),
        ('land = "XX"', "land"),
        ('mode = "life"', "mode"),
        ('mode = ["live"]', "mode"),
        ('language = "fr"', "language"),
        ('database = ""', "database"),
        ('[network]\nread_timeout = "0s"', "network.read_timeout"),
        ("[network]\nread_timeout = 30", "network.read_timeout"),
        ("[delivery]\nsenders = 0", "delivery.senders"),
        ("[delivery]\nsenders = 65", "delivery.senders"),
        ("[delivery]\nsenders = 1.5", "delivery.senders"),
        ("[delivery]\nsenders = nan", "delivery.senders"),
        ("[reconcile]\nresends = -1", "reconcile.resends"),
        ("[reconcile]\nresends = true", "reconcile.resends"),
        ("[reconcile]\nlooks = []", "reconcile.looks"),
        ('[reconcile]\nlooks = ["1m", "15s"]', "reconcile.looks"),
        ('[sandbox]\nurl = "ftp://example.org"', "sandbox.url"),
        ("[preflight]\ncheck_links = 1", "preflight.check_links"),
        ("[tracking]\nhosts = [1]", "tracking.hosts"),
        ('[facebook]\ngraph_version = "26"', "facebook.graph_version"),
    ],
)
def test_a_value_that_makes_no_sense_is_refused_by_name(tmp_path: Path, text: str, named: str) -> None:
    assert f"'{named}'" in refusal(tmp_path, text)


def test_a_choice_nearly_right_is_suggested(tmp_path: Path) -> None:
    assert "did you mean 'sandbox'?" in refusal(tmp_path, 'mode = "sandbx"')


@pytest.mark.parametrize(
    ("lease", "connect", "read", "fits"),
    [("45s", "5s", "30s", True), ("44s", "5s", "30s", False), ("2m", "5s", "2m", False), ("136s", "6s", "2m", True)],
)
def test_a_lease_must_outlive_the_slowest_call_with_a_margin(
    tmp_path: Path, lease: str, connect: str, read: str, fits: bool
) -> None:
    text = f'[delivery]\nlease = "{lease}"\n[network]\nconnect_timeout = "{connect}"\nread_timeout = "{read}"'
    if fits:
        assert written(tmp_path, text)["delivery.lease"] == parse_duration(lease)
    else:
        assert "'delivery.lease' must be at least" in refusal(tmp_path, text)


# --- paths


def test_relative_paths_lie_beside_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "house").mkdir()
    (tmp_path / "house" / "kreativorte.toml").write_text('media_dir = "bilder"\ndatabase = "sqlite:///daten/k.db"')
    monkeypatch.chdir(tmp_path / "elsewhere")
    settings = load("../house/kreativorte.toml", {})
    house = (tmp_path / "house").resolve()
    assert settings.path("media_dir") == house / "bilder"
    assert settings.path("secret_key_file") == house / "secret.key"
    assert settings.database_url == f"sqlite:///{house / 'daten' / 'k.db'}"


def test_absolute_paths_and_other_databases_stay_as_they_are(tmp_path: Path) -> None:
    media = tmp_path / "elsewhere"
    address = "postgresql+psycopg://user:secret@localhost/kreativorte"
    settings = written(tmp_path, f'media_dir = "{media}"\ndatabase = "{address}"')
    assert settings.path("media_dir") == media
    assert settings.database_url == address
    absolute = f"sqlite:///{tmp_path / 'k.db'}"
    assert interpret({"database": absolute}, Path("/nowhere"), None).database_url == absolute


# --- tables beside the settings


def test_blackouts_are_days_both_included(tmp_path: Path) -> None:
    settings = written(tmp_path, '[[blackouts]]\nfrom = 2027-02-01\nto = 2027-02-14\nreason = "Wahl"')
    (one,) = settings.blackouts
    assert (one.first, one.last, one.reason) == (date(2027, 2, 1), date(2027, 2, 14), "Wahl")


@pytest.mark.parametrize(
    "text",
    [
        "blackouts = 1",
        "[[blackouts]]\nfrom = 2027-02-01",
        "[[blackouts]]\nfrom = 2027-02-02\nto = 2027-02-01",
        "[[blackouts]]\nfrom = 2027-02-01T10:00:00\nto = 2027-02-02",
        '[[blackouts]]\nfrom = "1.2.2027"\nto = "2.2.2027"',
        "[[blackouts]]\nfrom = 2027-02-01\nto = 2027-02-02\nreson = 1",
    ],
)
def test_a_blackout_that_makes_no_sense_is_refused(tmp_path: Path, text: str) -> None:
    assert "blackouts" in refusal(tmp_path, text)


@pytest.mark.parametrize("text", ["portals = 1", "[portals]\norte = 1", '[portals."Ö rte"]\nurl = "x"'])
def test_portals_are_tables_with_plain_names(tmp_path: Path, text: str) -> None:
    assert "portal" in refusal(tmp_path, text)
