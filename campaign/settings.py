"""Settings: one table of names, defaults, help texts and parsers; read from a TOML file and the environment.

docs/settings.md is generated from the table (`python -m campaign.settings`), and a test holds them equal.
"""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

ENVIRONMENT_PREFIX = "KREATIVORTE_"
DEFAULT_FILE = "kreativorte.toml"
_DURATION = re.compile(r"(\d{1,9})(ms|s|m|h|d)")
MAIL_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9]([A-Za-z0-9.-]{0,252}[A-Za-z0-9])?")
"""What HTML calls a valid address (https://html.spec.whatwg.org/, e-mail state): nothing that could end a header."""
THIS_MACHINE = ("localhost", "127.0.0.1", "::1")
LONGEST = timedelta(days=3660)
_UNITS = {"ms": "milliseconds", "s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
# Names in the environment that are not settings: they choose the file, the key or the acting person.
_NOT_SETTINGS = frozenset({"CONFIG", "USER", "SECRET_KEY", "SPECS"})
# ISO 3166-2:DE codes of the sixteen Länder.
LAENDER = ("BB", "BE", "BW", "BY", "HB", "HE", "HH", "MV", "NI", "NW", "RP", "SH", "SL", "SN", "ST", "TH")


class SettingsError(Exception):
    """A configuration that can't be used; the message is one sentence for the person who wrote it."""


class LongerThanPossible(SettingsError):
    """A duration beyond ten years."""


def parse_duration(value: object) -> timedelta:
    """A duration such as "500ms", "5s", "2m", "2h" or "21d". Raises SettingsError for anything else."""
    match = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise SettingsError(f'{value!r} is not a duration; write for example "500ms", "5s", "2m", "2h" or "21d"')
    duration = timedelta(**{_UNITS[match[2]]: int(match[1])})
    if duration > LONGEST:
        raise LongerThanPossible(f"{value!r} is longer than ten years")
    return duration


def nearest(name: str, known: Mapping[str, object] | list[str] | tuple[str, ...]) -> str:
    """The known name that was perhaps meant, or nothing."""
    return next(iter(difflib.get_close_matches(name, list(known), n=1)), "")


def suggestion(name: str, known: Mapping[str, object] | list[str] | tuple[str, ...]) -> str:
    """The tail of a sentence: the nearest known name, or nothing."""
    near = nearest(name, known)
    return f"; did you mean {near!r}?" if near else ""


@dataclass(frozen=True)
class Setting:
    """One setting: its dotted name, default as written in TOML, sentence of help and parser; a secret one's value is
    never shown."""

    name: str
    default: Any
    help: str
    parse: Callable[[Any], Any]
    secret: bool = False


@dataclass(frozen=True)
class HouseBlackout:
    """Days, both included, on which the whole house keeps silent."""

    first: date
    last: date
    reason: str


@dataclass(frozen=True)
class Settings:
    """All settings, parsed. `values` is keyed by dotted name; `portals` holds the raw table of each portal."""

    values: Mapping[str, Any]
    portals: Mapping[str, Mapping[str, Any]]
    blackouts: tuple[HouseBlackout, ...]
    directory: Path
    file: Path | None

    def __getitem__(self, name: str) -> Any:
        return self.values[name]

    def path(self, name: str) -> Path:
        """A path setting, relative ones taken from the configuration file's directory."""
        value: str = self.values[name]
        return self.directory / value

    @property
    def zone(self) -> ZoneInfo:
        """The zone of all wall-clock times."""
        zone: ZoneInfo = self.values["timezone"]
        return zone

    @property
    def database_url(self) -> str:
        """The database's address, a relative SQLite file taken from the configuration's directory."""
        url: str = self.values["database"]
        return absolute_sqlite(url, self.directory)


def absolute_sqlite(url: str, directory: Path) -> str:
    """The same database address with a relative SQLite path made absolute."""
    prefix = "sqlite:///"
    if not url.startswith(prefix) or url == prefix or url.startswith("sqlite:////") or url.endswith(":memory:"):
        return url
    return prefix + str((directory / url[len(prefix) :]).resolve())


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise SettingsError("must be a text that is not empty")
    return value


def _text_or_empty(value: Any) -> str:
    return "" if value == "" else _text(value)


def _flag(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    raise SettingsError("must be true or false")


def _count(value: Any) -> int:
    try:
        number = int(value)
    except (TypeError, ValueError, OverflowError):
        raise SettingsError("must be a whole number") from None
    if isinstance(value, bool) or number < 0 or number != float(value):
        raise SettingsError("must be a whole number, 0 or more")
    return number


def _senders(value: Any) -> int:
    number = _count(value)
    if not 1 <= number <= 64:
        raise SettingsError("must be between 1 and 64")
    return number


def _positive_duration(value: Any) -> timedelta:
    duration = parse_duration(value)
    if duration <= timedelta(0):
        raise SettingsError("must be longer than nothing")
    return duration


def _choice(*allowed: str) -> Callable[[Any], str]:
    def parse(value: Any) -> str:
        if value not in allowed:
            raise SettingsError(f"must be one of {', '.join(allowed)}{suggestion(str(value), allowed)}")
        return str(value)

    return parse


def _zone(value: Any) -> ZoneInfo:
    try:
        return ZoneInfo(_text(value))
    except (KeyError, ValueError, OSError):
        raise SettingsError(f"{value!r} is not a time zone; write for example Europe/Berlin") from None


def _url(value: Any) -> str:
    if not re.match(r"https?://[^/\s]+", _text(value)):
        raise SettingsError("must be an http(s) address")
    return str(value).rstrip("/")


def _url_or_empty(value: Any) -> str:
    return "" if value == "" else _url(value)


def _graph_version(value: Any) -> str:
    if not re.fullmatch(r"v\d{1,3}\.\d", _text(value)):
        raise SettingsError('must be a Graph API version such as "v26.0"')
    return str(value)


def _durations(value: Any) -> tuple[timedelta, ...]:
    if isinstance(value, str):
        value = [part.strip() for part in value.strip("[] ").replace('"', "").split(",")]
    if not isinstance(value, list) or not value:
        raise SettingsError('must be a list of durations such as ["15s", "1m"]')
    looks = tuple(_positive_duration(part) for part in value)
    if list(looks) != sorted(set(looks)):
        raise SettingsError("must grow from look to look")
    return looks


def _metric_name(value: Any) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"[a-z][a-z0-9_]{0,79}|", value):
        raise SettingsError('must be a metric\'s name such as "post_media_view", or "" not to ask for it')
    return value


def _dollars(value: Any) -> float:
    try:
        amount = float(value)
    except (TypeError, ValueError, OverflowError):
        raise SettingsError("must be an amount of US dollars") from None
    if isinstance(value, bool) or not 0 <= amount <= 1_000_000:
        raise SettingsError("must be an amount of US dollars between 0 and a million")
    return amount


def _duration_or_empty(value: Any) -> timedelta | None:
    return None if value == "" else _positive_duration(value)


def _schedule(value: Any) -> tuple[timedelta, ...]:
    ages = _durations(value)
    if timedelta(days=7) not in ages:
        raise SettingsError('must hold "7d": announcements are compared at the age of seven days')
    return ages


def _texts(value: Any) -> tuple[str, ...]:
    if isinstance(value, str):
        value = [part.strip() for part in value.split(",") if part.strip()]
    if not isinstance(value, list) or not all(isinstance(part, str) for part in value):
        raise SettingsError("must be a list of texts")
    return tuple(value)


def _any_text(value: Any) -> str:
    if not isinstance(value, str) or not value.isprintable():
        raise SettingsError("must be a text on one line")
    return value


def _port(value: Any) -> int:
    number = _count(value)
    if not 1 <= number <= 65_535:
        raise SettingsError("must be a port between 1 and 65535")
    return number


def _address(value: Any) -> str:
    if not isinstance(value, str) or not MAIL_ADDRESS.fullmatch(value):
        raise SettingsError(f"{value!r} is not an e-mail address; write for example presse@example.org")
    return value


def _sender(value: Any) -> str:
    """An address, or a name with the address behind it."""
    if value == "":
        return ""
    name, bracket, address = _any_text(value).rpartition("<")
    _address(address.removesuffix(">") if bracket else address)
    if any(sign in name for sign in '",;:@<>'):
        raise SettingsError("must be an address, or a name with the address in <> behind it")
    return str(value)


def _addresses(value: Any) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_address(one) for one in _texts(value)))


def _rhythms(value: Any) -> tuple[str, ...]:
    chosen = _texts(value)
    for one in chosen:
        _choice("weekly", "monthly")(one)
    return chosen


def _clock_time(value: Any) -> time:
    if not isinstance(value, str) or not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", value):
        raise SettingsError("must be a time of day such as 07:00")
    return time.fromisoformat(value)


SETTINGS: tuple[Setting, ...] = (
    Setting("timezone", "Europe/Berlin", "Zone of all wall-clock times (IANA name).", _zone),
    Setting("land", "ST", "Land whose public holidays are kept (ISO 3166-2:DE).", _choice(*LAENDER)),
    Setting("language", "de", "Language of what staff read: de or en.", _choice("de", "en")),
    Setting("database", "sqlite:///kreativorte.db", "SQLite file or postgresql+psycopg:// address.", _text),
    Setting("secret_key_file", "secret.key", "Key file that encrypts tokens at rest.", _text),
    Setting("media_dir", "media", "Folder of prepared images.", _text),
    Setting("mode", "sandbox", "World a new channel without api_base belongs to.", _choice("sandbox", "live")),
    Setting("heads", "heads.json", "What this machine last saw committed in the log.", _text),
    Setting("network.connect_timeout", "5s", "Longest wait for a connection to a network.", _positive_duration),
    Setting("network.read_timeout", "30s", "Longest wait for a network's answer.", _positive_duration),
    Setting("reconcile.window", "30m", "How long a doubt is looked into.", _positive_duration),
    Setting(
        "reconcile.looks", ["15s", "1m", "3m", "10m", "30m"], "When it is looked for, after the attempt.", _durations
    ),
    Setting(
        "reconcile.after_absent",
        "resend",
        "What follows when it is surely not there: resend, or ask a person.",
        _choice("resend", "ask"),
    ),
    Setting("reconcile.resends", 3, "How often one announcement is sent again at most.", _count),
    Setting("delivery.lease", "2m", "How long a worker may hold one announcement.", _positive_duration),
    Setting("delivery.senders", 8, "Parallel sends of one daemon (1 to 64).", _senders),
    Setting("delivery.late_grace", "2h", "How late announcements outside campaigns may go out.", parse_duration),
    Setting(
        "delivery.catch_up_gap",
        "1m",
        "Pause between two starts of a channel while what it sends is more than five minutes late.",
        parse_duration,
    ),
    Setting(
        "delivery.throttle_wait", "1h", "Wait when a network limits without saying for how long.", _positive_duration
    ),
    Setting("sandbox.url", "http://127.0.0.1:8710", "Address of the sandbox networks.", _url),
    Setting("sandbox.state", "sandbox.json", "File in which the sandbox keeps its state.", _text),
    Setting("tracking.hosts", [], "Hosts whose links are tracked; empty: those of the portals.", _texts),
    Setting("preflight.check_links", True, "Ask whether a link answers before it goes out.", _flag),
    Setting(
        "engagement.schedule",
        [
            *("1h", "3h", "6h", "12h", "1d", "2d", "3d", "4d", "5d", "6d", "7d", "14d", "21d", "28d", "35d"),
            *("65d", "95d", "125d", "155d", "185d", "215d", "245d", "275d", "305d", "335d", "365d"),
        ],
        "At what age of a post its engagement is measured; 7d must be among them.",
        _schedule,
    ),
    Setting("engagement.calls", 1000, "Calls per day and channel that measuring may make at most.", _count),
    Setting("engagement.budget", 10, "US dollars per month and channel that measuring may cost at most.", _dollars),
    Setting("engagement.keep", "", "How long samples are kept; empty: for good.", _duration_or_empty),
    Setting(
        "engagement.twitter.owns_app",
        True,
        "Whether the X account owns the developer app: reading its own posts then costs a fifth.",
        _flag,
    ),
    Setting("engagement.facebook.views", "post_media_view", "Facebook's name for views of a post.", _metric_name),
    Setting(
        "engagement.facebook.viewers",
        "post_total_media_view_unique",
        "Facebook's name for the people who saw a post.",
        _metric_name,
    ),
    Setting(
        "engagement.facebook.link_clicks",
        "post_clicks_by_type",
        "Facebook's name for clicks by type; those on links are counted.",
        _metric_name,
    ),
    Setting("mail.host", "", "Server that takes e-mails (SMTP); empty: none are sent.", _any_text),
    Setting("mail.port", 587, "Its port.", _port),
    Setting(
        "mail.security",
        "starttls",
        "starttls, tls (from the first byte), or none (without a password, or to this very machine).",
        _choice("starttls", "tls", "none"),
    ),
    Setting("mail.user", "", "Name to sign in with; empty: without signing in.", _any_text),
    Setting("mail.password", "", "Password; better from the environment or a file.", _any_text, secret=True),
    Setting("mail.password_file", "", "File whose first line is the password.", _any_text),
    Setting("mail.from", "", "Sender: an address, or a name with the address in <> behind it.", _sender),
    Setting("mail.timeout", "30s", "Longest wait for the server's answer.", _positive_duration),
    Setting("reports.recipients", [], "Addresses that get the reports by e-mail.", _addresses),
    Setting(
        "reports.every",
        ["weekly", "monthly"],
        "weekly (on Mondays, the week before), monthly (on the first, the month before).",
        _rhythms,
    ),
    Setting("reports.at", "07:00", "Time of day at which they are sent.", _clock_time),
    Setting(
        "reports.language", "", "Language of the reports: de or en; empty: that of the house.", _choice("", "de", "en")
    ),
    Setting("visits.file", "", "CSV file of visits by utm_content, read each hour.", _text_or_empty),
    Setting(
        "visits.url", "", "Database that counts visits (SQLAlchemy URL, a user who may only read).", _text_or_empty
    ),
    Setting("visits.query", "", "SELECT on it with the columns content, day and visits.", _text_or_empty),
    Setting("web.address", "", "Address of the pages as browsers see it; empty: as served.", _url_or_empty),
    Setting("web.idle", "1h", "How long nobody may be active before having to sign in again.", _positive_duration),
    Setting("web.longest", "12h", "How long a sign-in lasts at most.", _positive_duration),
    Setting("facebook.graph_version", "v26.0", "Version of the Graph API.", _graph_version),
)
_BY_NAME = {setting.name: setting for setting in SETTINGS}


def find_file(chosen: str | None, environment: Mapping[str, str]) -> Path:
    """The configuration file: as chosen, else $KREATIVORTE_CONFIG, else ./kreativorte.toml."""
    return Path(chosen or environment.get("KREATIVORTE_CONFIG") or DEFAULT_FILE)


def load(chosen: str | None = None, environment: Mapping[str, str] | None = None) -> Settings:
    """Read file and environment. Raises SettingsError with one sentence naming file and setting.

    A file that was not asked for may be absent: everything has a default.
    """
    environment = os.environ if environment is None else environment
    file = find_file(chosen, environment)
    asked = bool(chosen or environment.get("KREATIVORTE_CONFIG"))
    raw: dict[str, Any] = {}
    if file.is_file():
        raw = _read(file)
    elif asked:
        raise SettingsError(f"The configuration file {file} does not exist; `kreativorte init` writes one.")
    _lay_environment_over(raw, environment)
    return interpret(raw, file.parent.resolve(), file if file.is_file() else None)


def _read(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{file} is not valid TOML: {error}.") from None
    except OSError as error:
        raise SettingsError(f"{file} can't be read: {error.strerror}.") from None


def _lay_environment_over(raw: dict[str, Any], environment: Mapping[str, str]) -> None:
    for variable, value in environment.items():
        if not variable.startswith(ENVIRONMENT_PREFIX):
            continue
        name = variable[len(ENVIRONMENT_PREFIX) :]
        if name in _NOT_SETTINGS:
            continue
        parts = name.lower().split("__")
        table = raw
        for part in parts[:-1]:
            table = table.setdefault(part, {})
            if not isinstance(table, dict):
                raise SettingsError(f"${variable} names a setting below {part}, which is not a table.")
        table[parts[-1]] = value


def interpret(raw: Mapping[str, Any], directory: Path, file: Path | None) -> Settings:
    """Parsed settings from raw TOML values. Raises SettingsError."""
    raw = dict(raw)
    portals = raw.pop("portals", {})
    blackouts = raw.pop("blackouts", [])
    given = _flatten(raw)
    for name in given:
        if name not in _BY_NAME:
            raise SettingsError(f"The setting {name!r} is unknown{suggestion(name, _BY_NAME)}.")
    values = {setting.name: _parsed(setting, given.get(setting.name, setting.default)) for setting in SETTINGS}
    _check_lease(values)
    _check_mail(values)
    return Settings(values, _portals(portals), _blackouts(blackouts), directory, file)


def _flatten(raw: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in raw.items():
        if isinstance(value, dict):
            flat.update(_flatten(value, f"{prefix}{key}."))
        else:
            flat[prefix + key] = value
    return flat


def _parsed(setting: Setting, value: Any) -> Any:
    try:
        return setting.parse(value)
    except SettingsError as error:
        raise SettingsError(f"The setting {setting.name!r}: {error}.") from None


def _check_lease(values: Mapping[str, Any]) -> None:
    """A lease must outlive the slowest call: connect plus read time-out, with a margin of ten seconds."""
    needed: timedelta = values["network.connect_timeout"] + values["network.read_timeout"] + timedelta(seconds=10)
    if values["delivery.lease"] < needed:
        raise SettingsError(
            f"The setting 'delivery.lease' must be at least {int(needed.total_seconds())}s: "
            "connect and read time-out together with a margin of 10s."
        )


def _check_mail(values: Mapping[str, Any]) -> None:
    """Nothing is sent without a sender, and no password over a line that anybody can read."""
    if values["mail.host"] and not values["mail.from"]:
        raise SettingsError("The setting 'mail.from' must name a sender once 'mail.host' is set.")
    if values["mail.security"] == "none" and values["mail.user"] and values["mail.host"] not in THIS_MACHINE:
        raise SettingsError(
            "The setting 'mail.security' must be starttls or tls: with none the password would travel readable."
        )


def _portals(value: Any) -> dict[str, Mapping[str, Any]]:
    if not isinstance(value, dict) or not all(isinstance(table, dict) for table in value.values()):
        raise SettingsError("'portals' must hold one table per portal, such as [portals.kreativorte].")
    for name in value:
        if not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,62}", name):
            raise SettingsError(f"The portal name {name!r} may hold small letters, digits, - and _ only.")
    return value


def _blackouts(value: Any) -> tuple[HouseBlackout, ...]:
    if not isinstance(value, list):
        raise SettingsError("'blackouts' must be a list of [[blackouts]] tables.")
    return tuple(_blackout(entry) for entry in value)


def _blackout(entry: Any) -> HouseBlackout:
    if not isinstance(entry, dict) or set(entry) - {"from", "to", "reason"} or not {"from", "to"} <= set(entry):
        raise SettingsError("Each of [[blackouts]] needs from, to and reason, and nothing else.")
    first, last = entry["from"], entry["to"]
    if type(first) is not date or type(last) is not date or last < first:
        raise SettingsError("The days of [[blackouts]] must be dates such as 2027-02-01, from not after to.")
    return HouseBlackout(first, last, str(entry.get("reason", "")))


@dataclass(frozen=True)
class Shown:
    """A setting as people may see it: its name, its value as TOML writes it, whether that is the default, and help."""

    name: str
    value: str
    is_default: bool
    help: str


def shown(settings: Settings) -> list[Shown]:
    """All settings as they stand; no password is among the values."""
    return [
        Shown(setting.name, value, value == _written(setting.parse(setting.default)), setting.help)
        for setting in SETTINGS
        for value in ["…" if setting.secret and settings[setting.name] else _written(settings[setting.name])]
    ]


def _written(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, timedelta):
        return _duration_written(value)
    if isinstance(value, tuple):
        return ", ".join(_written(one) for one in value)
    if isinstance(value, time):
        return value.strftime("%H:%M")
    return _PASSWORD.sub(r"\1…@", str(value))


_PASSWORD = re.compile(r"(//[^/@:\s]*:)[^@\s]*@")


def _duration_written(value: timedelta) -> str:
    milliseconds = round(value.total_seconds() * 1000)
    for unit, length in (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000)):
        if milliseconds and milliseconds % length == 0:
            return f"{milliseconds // length}{unit}"
    return f"{milliseconds}ms"


def documentation() -> str:
    """docs/settings.md, whole."""
    lines = [
        "# Settings",
        "",
        "Generated from the table in `campaign/settings.py`; don't edit by hand.",
        "",
        "Found in `kreativorte.toml` (or `--config FILE`, `$KREATIVORTE_CONFIG`). Any setting can come from the",
        "environment: `KREATIVORTE_` and the name in capitals, tables joined by `__`",
        "(`KREATIVORTE_DELIVERY__SENDERS=4`). Unknown names are refused.",
        "",
        "| setting | default | meaning |",
        "|---|---|---|",
    ]
    for setting in SETTINGS:
        default = str(setting.default).lower() if isinstance(setting.default, bool) else setting.default
        lines.append(f"| `{setting.name}` | `{default}` | {setting.help} |")
    lines += [
        "",
        "Besides: `[[blackouts]]` (from, to, reason: days on which the whole house keeps silent) and",
        "`[portals.NAME]` (see portals.md).",
        "",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    Path("docs/settings.md").write_text(documentation(), encoding="utf-8")
