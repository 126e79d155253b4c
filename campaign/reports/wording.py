"""Reports in words, German and English: names of metrics and dimensions, notes, formulas, and a summary to read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from babel.core import Locale

from campaign.reports.formats import LOCALES, Formats
from campaign.reports.values import ENGAGEMENTS, FEW, NONE, Fact, Figures, Report, beginning

Pair = tuple[str, str]

METRIC_NAMES: dict[str, Pair] = {
    "posts": ("Beiträge", "Announcements"),
    "views": ("Aufrufe", "Views"),
    "viewers": ("Erreichte Personen", "People reached"),
    "reactions": ("Reaktionen", "Reactions"),
    "comments": ("Kommentare", "Comments"),
    "shares": ("Weitergaben", "Shares"),
    "link_clicks": ("Linkklicks", "Link clicks"),
    "engagement_rate": ("Interaktionsrate", "Engagement rate"),
    "click_rate": ("Klickrate", "Click rate"),
    "visits": ("Besuche im Portal", "Visits to the portal"),
    "cost_usd": ("Netzwerkkosten", "Network fees"),
    "cost_per_visit": ("Kosten je Besuch", "Cost per visit"),
}
DIMENSION_NAMES: dict[str, Pair] = {
    "campaign": ("Kampagne", "Campaign"),
    "step": ("Schritt", "Step"),
    "channel": ("Kanal", "Channel"),
    "region": ("Region", "Region"),
    "category": ("Bereich", "Category"),
    "place": ("Ort", "Place"),
    "variant": ("Variante", "Variant"),
    "weekday": ("Wochentag", "Weekday"),
    "hour": ("Stunde", "Hour"),
    "announcement": ("Beitrag", "Announcement"),
}
WITHOUT: dict[str, Pair] = {
    "campaign": ("ohne Kampagne", "outside campaigns"),
    "step": ("ohne Schritt", "without a step"),
    "region": ("ohne Region", "without a region"),
    "category": ("ohne Bereich", "without a category"),
    "place": ("ohne Ort", "without a place"),
}
FORMULAS: dict[str, Pair] = {
    "engagement_rate": (
        "Interaktionsrate = (Reaktionen + Kommentare + Weitergaben) / Aufrufe, über die Beiträge, von denen alle vier "
        "Zahlen bekannt sind.",
        "Engagement rate = (reactions + comments + shares) / views, over the announcements of which all four figures "
        "are known.",
    ),
    "click_rate": (
        "Klickrate = Linkklicks / Aufrufe, über die Beiträge, von denen beide Zahlen bekannt sind.",
        "Click rate = link clicks / views, over the announcements of which both figures are known.",
    ),
    "cost_per_visit": (
        "Kosten je Besuch = Netzwerkkosten / Besuche im Portal, über die Beiträge, von denen beides bekannt ist.",
        "Cost per visit = network fees / visits to the portal, over the announcements of which both are known.",
    ),
}
NOTES: dict[str, Pair] = {
    "sandbox": (
        "Alle Zahlen stammen aus dem Sandkasten: nichts davon war öffentlich.",
        "All figures are from the sandbox: nothing of it was public.",
    ),
    "nothing": (
        "Im Zeitraum ist nichts erschienen, das dieser Auswahl entspricht.",
        "Nothing that fits this selection went out in the period.",
    ),
    "unmeasured": (
        "Noch nicht gemessen: {0}. Diese Beiträge zählen als erschienen, ihre Zahlen fehlen in den Summen.",
        "Not measured yet: {0}. These announcements count as out; their figures are missing from the sums.",
    ),
    "young": (
        "Jünger als sieben Tage: {0}. In Vergleichen stehen diese Beiträge noch nicht.",
        "Younger than seven days: {0}. These announcements are not in comparisons yet.",
    ),
    "no_week": (
        "Im Alter von sieben Tagen nicht gemessen: {0}. In Vergleichen fehlen diese Beiträge.",
        "Not measured at the age of seven days: {0}. These announcements are missing from comparisons.",
    ),
    "removed": (
        "Im Netzwerk inzwischen gelöscht: {0}. Es gelten die Zahlen der letzten Messung davor.",
        "Deleted on the network since: {0}. The figures are those of the last sample before.",
    ),
    "missing": (
        "{0}: bei der letzten Messung nicht mitgeteilt, Beiträge: {1}. Unbekannt heißt nicht null.",
        "{0}: not told at the last sample, announcements: {1}. Not known does not mean zero.",
    ),
    "withdrawn": (
        "{0}: vom Netzwerk nicht mehr herausgegeben, Beiträge: {1}. Unbekannt heißt nicht null.",
        "{0}: no longer given out by the network, announcements: {1}. Not known does not mean zero.",
    ),
    "abolished": (
        "Das Netzwerk hat die Kennzahl »{0}« abgeschafft; seither fehlt sie.",
        'The network has withdrawn the metric "{0}"; it has been missing since.',
    ),
    "corrections": (
        "Die Netzwerke haben von bereits gezählten Aufrufen wieder {0} abgezogen; der Zuwachs zeigt das gesondert.",
        "The networks took back {0} views that they had counted; the growth shows that apart.",
    ),
    "viewers": (
        "Erreichte Personen stehen nur je Beitrag da: dieselbe Person sieht mehrere Beiträge, eine Summe zählte sie "
        "mehrfach.",
        "People reached are told for single announcements only: the same person sees several of them, and a sum would "
        "count that person several times.",
    ),
    "few": (
        f"Weniger als {FEW} Beiträge: Unterschiede können Zufall sein.",
        f"Fewer than {FEW} announcements: differences may be chance.",
    ),
}
VERDICTS: dict[str, Pair] = {
    "different": (
        "Die Varianten unterscheiden sich, auch wenn man den Zufall einrechnet.",
        "The variants differ even when chance is taken into account.",
    ),
    "open": (
        "Ein Unterschied ist nicht belegt: er kann Zufall sein.",
        "No difference is shown: what is seen may be chance.",
    ),
    "too_few": (
        f"Zu wenige Beiträge für einen Vergleich: jede Variante braucht mindestens {FEW}, die sieben Tage alt sind.",
        f"Too few announcements for a comparison: each variant needs at least {FEW} that are seven days old.",
    ),
}


def _in(language: str, pair: Pair) -> str:
    return pair[1] if language == "en" else pair[0]


# --- names and numbers -------------------------------------------------------------------------------------------


def metric_name(metric: str, language: str) -> str:
    """A metric, a rate or another figure of a report as people call it."""
    return _in(language, METRIC_NAMES[metric])


def dimension_name(dimension: str, language: str) -> str:
    """What a report is broken down by."""
    return _in(language, DIMENSION_NAMES[dimension])


def formula(rate: str, language: str) -> str:
    """How a rate is calculated."""
    return _in(language, FORMULAS[rate])


def verdict(word: str, language: str) -> str:
    """What a comparison of variants says."""
    return _in(language, VERDICTS[word])


def key_name(dimension: str, key: str, language: str) -> str:
    """A key of a dimension as people read it, where the key itself is all that is known."""
    if key == NONE and dimension in WITHOUT:
        return _in(language, WITHOUT[dimension])
    if dimension == "weekday":
        return str(Locale.parse(LOCALES[language]).days["stand-alone"]["wide"][int(key)])
    if dimension == "hour":
        return f"{key} Uhr" if language == "de" else f"{int(key):02d}:00"
    if dimension == "variant":
        return variant_name(int(key))
    return key


def variant_name(variant: int) -> str:
    """The variants of a step are called A, B, C …"""
    return chr(ord("A") + variant) if variant < 26 else str(variant + 1)


def note(code: str, language: str) -> str:
    """The sentence of a note; one without wording is shown as it is, never hidden."""
    word, _, detail = code.partition(":")
    if word in NOTES:
        return _in(language, NOTES[word]).format(Formats(language).number(int(detail)) if detail.isdigit() else detail)
    why, _, metric = word.partition("_")
    if why in NOTES and metric in METRIC_NAMES:
        return _in(language, NOTES[why]).format(metric_name(metric, language), detail)
    return code


# --- the summary -------------------------------------------------------------------------------------------------

SENTENCES: dict[str, Pair] = {
    "nothing": (
        "Vom {first} bis {last} ist{world} nichts erschienen, das dieser Auswahl entspricht.",
        "Nothing that fits this selection went out{world} from {first} to {last}.",
    ),
    "out_once": (
        "Vom {first} bis {last} ist{world} ein Beitrag erschienen.",
        "One announcement went out{world} from {first} to {last}.",
    ),
    "out": (
        "Vom {first} bis {last} sind{world} {posts} Beiträge erschienen (Kanäle: {channels}).",
        "{posts} announcements went out{world} from {first} to {last} (channels: {channels}).",
    ),
    "in_sandbox": (" im Sandkasten", " in the sandbox"),
    "unseen": (
        "Wie oft sie gesehen wurden, ist noch nicht bekannt.",
        "How often they were seen is not known yet.",
    ),
    "seen": (
        "Bisher wurden {views} Aufrufe und {engagements} Interaktionen gemessen (Reaktionen, Kommentare und "
        "Weitergaben){gaps}; die Interaktionsrate beträgt {rate}.",
        "So far {views} views and {engagements} engagements (reactions, comments and shares) were measured{gaps}; the "
        "engagement rate is {rate}.",
    ),
    "seen_of": (
        ", bekannt von {known} der {posts} Beiträge",
        ", known of {known} of the {posts} announcements",
    ),
    "more": (
        "Nach sieben Tagen hatte ein Beitrag im Mittel {now} Aufrufe, das sind {change} mehr als im gleich langen "
        "Zeitraum davor ({before}).{few}",
        "After seven days an announcement had {now} views on average, {change} more than in the period of equal length "
        "before ({before}).{few}",
    ),
    "less": (
        "Nach sieben Tagen hatte ein Beitrag im Mittel {now} Aufrufe, das sind {change} weniger als im gleich langen "
        "Zeitraum davor ({before}).{few}",
        "After seven days an announcement had {now} views on average, {change} fewer than in the period of equal "
        "length before ({before}).{few}",
    ),
    "incomparable": (
        "Mit dem gleich langen Zeitraum davor lässt sich nicht vergleichen: aus einem der beiden fehlen Messungen im "
        "Alter von sieben Tagen.",
        "There is no comparison with the period of equal length before: one of the two lacks samples at the age of "
        "seven days.",
    ),
    "few_compared": (
        " Das beruht auf wenigen Beiträgen und kann Zufall sein.",
        " This rests on few announcements and may be chance.",
    ),
    "best": (
        "Die höchste Interaktionsrate nach sieben Tagen hatte {what} am {day} auf {channel}: {rate} bei {views} "
        "Aufrufen.",
        "The highest engagement rate after seven days had {what} on {day} on {channel}: {rate} of {views} views.",
    ),
    "kept": (
        "Fällig waren {due} Beiträge: {posted} sind erschienen, davon {late} mehr als fünf Minuten nach ihrem Termin; "
        "abgelehnt {refused}, verpasst {missed}, abgesagt {cancelled}, ungeklärt {in_doubt}, noch offen {open}.",
        "{due} announcements were due: {posted} went out, {late} of them more than five minutes after their slot; "
        "refused {refused}, missed {missed}, cancelled {cancelled}, in doubt {in_doubt}, still open {open}.",
    ),
    "cost": (
        "Die Netzwerke verlangten dafür {cost}.",
        "The networks charged {cost} for it.",
    ),
    "cost_per_visit": (
        "Die Netzwerke verlangten dafür {cost}; ein Besuch im Portal kostete {each}, soweit beides bekannt ist.",
        "The networks charged {cost} for it; a visit to the portal cost {each}, as far as both are known.",
    ),
}


def summary(report: Report, language: str) -> list[str]:
    """The report in a few sentences that stand by themselves: what went out, how it was seen, compared with before,
    what went best, the service's own reliability, costs."""
    found = [_out(report)]
    if report.totals.posts:
        found += [_seen(report.totals), _compared(report)]
    if report.best:
        found.append(_best(report.best[0]))
    if report.reliability.due:
        found.append(("kept", vars(report.reliability)))
    if report.totals.cost_usd:
        found.append(_cost(report.totals))
    return [_said(word, details, language) for word, details in found]


Said = tuple[str, Mapping[str, object]]
"""A sentence's word and its details. Details are written as the language wants them; a pair is a share or an amount,
and another sentence stands in its place."""


@dataclass(frozen=True)
class Share:
    """A share, to be written in per cent."""

    value: float | None


@dataclass(frozen=True)
class Dollars:
    """An amount of US dollars."""

    value: float | None


@dataclass(frozen=True)
class Part:
    """A further wording that is put in; an empty word puts in nothing."""

    word: str
    details: Mapping[str, object]


def _said(word: str, details: Mapping[str, object], language: str) -> str:
    formats = Formats(language)
    return _in(language, SENTENCES[word]).format(**{name: _written(value, formats) for name, value in details.items()})


def _written(value: object, formats: Formats) -> str:
    match value:
        case Share():
            return formats.rate(value.value)
        case Dollars():
            return formats.money(value.value)
        case Part():
            return _said(value.word, value.details, formats.language) if value.word else ""
        case date():
            return formats.long_day(value)
        case int() | float() | None:
            return formats.number(value)
        case _:
            return str(value)


def _out(report: Report) -> Said:
    chosen, posts = report.selection, report.totals.posts
    word = {0: "nothing", 1: "out_once"}.get(posts, "out")
    return word, {
        "first": chosen.first,
        "last": chosen.last,
        "world": Part("in_sandbox" if chosen.world == "sandbox" else "", {}),
        "posts": posts,
        "channels": len(report.breakdowns["channel"]),
    }


def _seen(totals: Figures) -> Said:
    views, known = totals.metrics["views"], totals.known["views"]
    if views is None:
        return "unseen", {}
    values = [value for metric in ENGAGEMENTS if (value := totals.metrics[metric]) is not None]
    return "seen", {
        "views": views,
        "engagements": sum(values) if values else None,
        "gaps": Part("seen_of" if known < totals.posts else "", {"known": known, "posts": totals.posts}),
        "rate": Share(totals.engagement_rate),
    }


def _compared(report: Report) -> Said:
    (change,) = [one for one in report.changes if one.metric == "views"]
    if change.ratio is None:
        return "incomparable", {}
    return "more" if change.ratio >= 0 else "less", {
        "now": change.now,
        "before": change.before,
        "change": Share(abs(change.ratio)),
        "few": Part("few_compared" if change.few else "", {}),
    }


def _best(fact: Fact) -> Said:
    week = fact.week or {}
    engaged, views = sum(week.get(metric) or 0 for metric in ENGAGEMENTS), week.get("views")
    return "best", {
        "what": fact.place_name or f"»{beginning(fact.text)}«",
        "day": fact.posted_at.date(),
        "channel": fact.channel,
        "rate": Share(engaged / views if views else None),
        "views": views,
    }


def _cost(totals: Figures) -> Said:
    word = "cost" if totals.cost_per_visit is None else "cost_per_visit"
    return word, {"cost": Dollars(totals.cost_usd), "each": Dollars(totals.cost_per_visit)}
