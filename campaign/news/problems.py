"""What is wrong in a campaign: beside its field on the pages, behind its key where a campaign file is read."""

from __future__ import annotations

PROBLEMS: dict[str, tuple[str, str]] = {
    # The German is a sentence of its own. The English goes on behind the key, or stands alone on a page.
    "missing": ("Diese Angabe fehlt", "is missing"),
    "not_a_text": ("Das muss ein Text sein", "must be a text"),
    "name_unusable": (
        "Bitte 1 bis {0} druckbare Zeichen, ohne Leerzeichen am Rand",
        "must be a text of 1 to {0} printable characters without blanks around it",
    ),
    "not_a_choice": ("Möglich ist eines von {0}", "must be one of {0}"),
    "not_a_date": ("Das muss ein Datum sein, zum Beispiel 2026-11-01", "must be a date such as 2026-11-01"),
    "date_out_of_reach": ("Das Datum muss zwischen {0} und {1} liegen", "must lie between {0} and {1}"),
    "not_a_duration": (
        "{0!r} ist keine Dauer; zum Beispiel 30m, 2h oder 21d",
        'can\'t be read: {0!r} is not a duration; write for example "500ms", "5s", "2m", "2h" or "21d"',
    ),
    "duration_beyond_reading": ("{0!r} ist länger als zehn Jahre", "can't be read: {0!r} is longer than ten years"),
    "duration_too_long": ("Mehr als zehn Jahre gehen nicht", "must not be longer than ten years"),
    "not_a_flag": ("Möglich ist true oder false", "must be true or false"),
    "not_a_count": ("Das muss eine ganze Zahl sein, mindestens 1", "must be a whole number, 1 or more"),
    "not_an_amount": (
        "Das muss ein Betrag in US-Dollar sein, mindestens 0",
        "must be an amount in US dollars, 0 or more",
    ),
    "not_texts": ("Das muss eine Liste von Texten sein", "must be a list of texts"),
    "not_a_table": ("Das muss eine Tabelle sein", "must be a table"),
    "not_tables": (
        "Das muss eine Liste von Tabellen sein, geschrieben [[{0}]]",
        "must be a list of tables, written [[{0}]]",
    ),
    "not_channel_tables": (
        'Hier steht eine Tabelle je Kanal, geschrieben [rhythm.channel."NAME"]',
        'must hold one table per channel, written [rhythm.channel."NAME"]',
    ),
    "not_an_address": ("Das muss eine http(s)-Adresse sein", "must be an http(s) address"),
    "template_or_templates": (
        "Es braucht template oder templates, und nur eines davon",
        "or templates is needed, and only one of them",
    ),
    "no_template": ("Es braucht mindestens eine Vorlage", "needs at least one name"),
    "template_name_unusable": (
        "Der Name der Vorlage {0!r} darf nur Buchstaben, Ziffern, - und _ enthalten",
        "{0!r} must consist of letters, digits, - and _",
    ),
    "not_a_slot": (
        "{0!r} ist kein Termin; einer ist ein Wochentag ({1}) und eine Uhrzeit, zum Beispiel Tue 10:00",
        'has {0!r}; a slot is a weekday ({1}) and a time: "Tue 10:00"',
    ),
    "not_quiet_hours": (
        "{0!r} ist keine Ruhezeit; eine sind zwei verschiedene Uhrzeiten, zum Beispiel 20:00-08:00",
        'has {0!r}; quiet hours are two different times: "20:00-08:00"',
    ),
    "before_its_beginning": ("Das Ende darf nicht vor dem Anfang liegen", "must not lie before {0}"),
    "recurs_no_rule": (
        "Das muss eine Regel nach RFC 5545 sein mit FREQ {0}, zum Beispiel FREQ=MONTHLY;BYDAY=1TU",
        'must be a rule of RFC 5545 with FREQ {0}, such as "FREQ=MONTHLY;BYDAY=1TU"',
    ),
    "recurs_interval": ("INTERVAL muss mindestens 1 sein", "has an INTERVAL that is not 1 or more"),
    "recurs_broken": ("Das ist keine Regel nach RFC 5545: {0}", "is not a rule of RFC 5545: {0}"),
    "recurs_no_day": ("Diese Regel trifft nie einen Tag", "names no day at all"),
    "no_channel_named": ("Es braucht mindestens einen Kanal", "must name at least one channel"),
    "not_a_channel_of_it": ("Das ist keiner der Kanäle der Kampagne", "is none of the campaign's channels"),
    "channels_unknown": ("Diese Kanäle gibt es nicht: {0}", "names channels that do not exist: {0}"),
    "approval_weaker": (
        "Eine schwächere Freigabe darf nur einstellen, wer selbst freigeben darf",
        "can be made weaker only by somebody who may approve",
    ),
    "campaign_name_taken": (
        "Eine Kampagne {0!r} gibt es schon; bitte einen anderen Namen",
        "is taken: there is a campaign {0!r} already",
    ),
    "no_slots_for": (
        "Für {0} sind keine Termine eingetragen, zum Beispiel Tue 10:00",
        'names no slot for {0}; write for example ["Tue 10:00"]',
    ),
}
WHOLE: dict[str, tuple[str, str]] = {
    # These name what they are about.
    "not_toml": ("Die Kampagnendatei ist kein gültiges TOML: {0}", "The campaign file is not valid TOML: {0}"),
    "name_unknown": ("Den Namen {0!r} gibt es hier nicht", "The name {0!r} is unknown"),
    "no_steps": (
        "Es fehlen Schritte und Aufrufe; eine Kampagne braucht mindestens einen Schritt oder Aufruf",
        "steps and calls are both missing; a campaign needs at least one [[steps]] or [[calls]]",
    ),
    "name_doubled": (
        "Der Name {0!r} steht für mehr als einen der Schritte und Aufrufe",
        "The name {0!r} stands for more than one of steps and calls",
    ),
}
MEANT = ("; meinten Sie {0!r}?", "; did you mean {0!r}?")
