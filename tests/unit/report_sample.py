"""A report made by hand: a spring of announcements in the Altmark, with all that makes reports awkward.

Its sums are taken here, so that what files show can be held against figures that the program did not compute.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from statistics import mean, median
from zoneinfo import ZoneInfo

from campaign.reports.values import (
    FEW,
    METRICS,
    SUMMED,
    Cell,
    Change,
    Comparison,
    Fact,
    Figures,
    Gain,
    Reliability,
    Report,
    Row,
    Selection,
    Span,
    VariantResult,
)

ZONE = ZoneInfo("Europe/Berlin")
MADE_AT = datetime(2027, 6, 7, 7, 0, tzinfo=ZONE)
PLACES = (
    ("Alte Ziegelei Tangermünde", "Altmark", "Arbeiten/Wirtschaft"),
    ("Wohnhof Lindenmark", "Altmark", "Wohnen/Bauen"),
    ("Kulturscheune Havelberg", "Elb-Havel-Winkel", "Leben/Tourismus"),
    ("Ateliers im Speicher", "Prignitz", "Arbeiten/Wirtschaft"),
    ("Mehrgenerationengarten Salzwedel", "Altmark", "Leben/Tourismus"),
    ("Tüftlerwerkstatt Stendal", "Altmark", "Arbeiten/Wirtschaft"),
)
HOSTILE = (
    '=HYPERLINK("http://böse.example";"Klick") #set page(fill: red) \\ $x^2$ *fett* _kursiv_ `roh` <b>&amp;</b> '
    "{{ 7*7 }} @alle "
    + "Donaudampfschifffahrtsgesellschaftskapitänsmützenabzeichenverleihungsurkunde" * 2
    + " https://kreativorte-im-gruenen.de/orte/"
    + "x" * 180
    + " مرحبا שלום 👩‍🌾🌿 漢字 \u202etxt.exe\u202c \x07 Ende"
)


def facts(number: int = 60, seed: int = 7) -> tuple[Fact, ...]:
    """Announcements over the spring of 2027, some without figures, one removed, one hostile."""
    dice = random.Random(seed)
    made = []
    for at in range(number):
        place, region, category = PLACES[at % len(PLACES)]
        network = "facebook" if at % 2 else "twitter"
        posted = datetime(2027, 3, 1, 10, 0, tzinfo=ZONE) + timedelta(days=at * 90 // number)
        posted = posted.replace(hour=dice.choice((10, 12, 17)), minute=30)
        views = dice.randint(300, 4200)
        figures: dict[str, int | None] = {
            "views": views,
            "viewers": int(views * 0.8) if network == "facebook" else None,
            "reactions": views // 40 + dice.randint(0, 9),
            "comments": dice.randint(0, 6),
            "shares": dice.randint(0, 12),
            "link_clicks": views // 60 if at % 5 else None,
        }
        week: dict[str, int | None] = {
            name: None if value is None else int(value * 0.9) for name, value in figures.items()
        }
        unmeasured = at == number - 1
        made.append(
            Fact(
                id=1000 + at,
                campaign="altmark-pilot",
                step="vorstellung" if at % 3 else "nachklang",
                channel=f"altmark-{'facebook' if at % 2 else 'x'}",
                network=network,
                regions=(region,) if at % 7 else (region, "Börde"),
                categories=(category,),
                place=at % len(PLACES) + 1,
                place_name=place,
                variant=at % 2 if at % 3 else 0,
                posted_at=posted,
                late_by=float(dice.choice((0, 1, 2, 3, 240))),
                text=HOSTILE if at == 5 else f"{place}: hier entsteht Neues 🌿 mitten im Grünen. Kommen Sie vorbei!",
                permalink=f"https://www.facebook.com/1001/posts/{at}" if at % 2 else f"https://x.com/i/status/{at}",
                cost_usd=0.0 if network == "facebook" else 0.015,
                visits=views // 90 if at % 4 else None,
                figures=dict.fromkeys(METRICS) if unmeasured else figures,
                week=None if unmeasured or at > number - 4 else week,
                measured_at=None if unmeasured else MADE_AT - timedelta(hours=3, minutes=at),
                gaps={"viewers": "withdrawn"} if network == "twitter" else {},
                removed_at=MADE_AT - timedelta(days=9) if at == 3 else None,
            )
        )
    return tuple(made)


def sums(of: Iterable[Fact], which: Callable[[Fact], Mapping[str, int | None] | None]) -> Figures:
    """Sums over what is known."""
    chosen = list(of)
    told = [which(fact) or {} for fact in chosen]
    known = {name: sum(one.get(name) is not None for one in told) for name in METRICS}
    metrics = {
        name: sum(one[name] or 0 for one in told if one.get(name) is not None)
        if known[name] and name in SUMMED
        else None
        for name in METRICS
    }
    names = ("views", "reactions", "comments", "shares")
    whole = [one for one in told if all(one.get(name) is not None for name in names) and one["views"]]
    clicked = [one for one in told if one.get("views") and one.get("link_clicks") is not None]
    visited = [fact for fact in chosen if fact.visits is not None]
    costs = [fact.cost_usd for fact in chosen if fact.cost_usd is not None]
    paid = [fact for fact in visited if fact.cost_usd is not None]
    visits = sum(fact.visits or 0 for fact in visited)
    return Figures(
        posts=len(chosen),
        metrics=metrics,
        known=known,
        engagement_rate=sum(one[n] or 0 for one in whole for n in names[1:]) / sum(one["views"] or 0 for one in whole)
        if whole
        else None,
        click_rate=sum(one["link_clicks"] or 0 for one in clicked) / sum(one["views"] or 0 for one in clicked)
        if clicked
        else None,
        cost_usd=sum(costs) if costs else None,
        visits=visits if visited else None,
        visits_known=len(visited),
        cost_per_visit=sum(f.cost_usd or 0 for f in paid) / visits if paid and visits else None,
    )


def last(fact: Fact) -> Mapping[str, int | None]:
    return fact.figures


def week(fact: Fact) -> Mapping[str, int | None] | None:
    return fact.week


def rows(of: tuple[Fact, ...], keys: Callable[[Fact], tuple[str, ...]]) -> tuple[Row, ...]:
    """A breakdown, most viewed first."""
    names = sorted({key for fact in of for key in keys(fact)})
    made = []
    for name in names:
        mine = [fact for fact in of if name in keys(fact)]
        made.append(Row(name, name, sums(mine, last), sums([f for f in mine if f.week], week), len(mine) < FEW))
    return tuple(sorted(made, key=lambda row: -(row.figures.metrics["views"] or 0)))


def cells(of: tuple[Fact, ...]) -> tuple[Cell, ...]:
    """The heat map's cells where anything went out."""
    made = []
    for day, hour in sorted({(fact.posted_at.weekday(), fact.posted_at.hour) for fact in of}):
        mine = [fact for fact in of if (fact.posted_at.weekday(), fact.posted_at.hour) == (day, hour)]
        views = [fact.week["views"] for fact in mine if fact.week and fact.week["views"] is not None]
        made.append(Cell(day, hour, len(mine), len(views), float(median(views)) if views else None))
    return tuple(made)


def spans(of: tuple[Fact, ...]) -> tuple[Span, ...]:
    """The course by weeks."""
    first, made = date(2027, 3, 1), []
    while first <= date(2027, 5, 31):
        end = first + timedelta(days=6)
        made.append(Span(first, end, sums([f for f in of if first <= f.posted_at.date() <= end], last)))
        first += timedelta(days=7)
    return tuple(made)


def sample(number: int = 60, **changed: object) -> Report:
    """The whole report."""
    of = facts(number)
    whole, at_week = sums(of, last), sums([fact for fact in of if fact.week], week)
    ranked = sorted((fact for fact in of if fact.week), key=lambda fact: -(fact.week or {})["views"])  # type: ignore[operator]
    made = Report(
        selection=Selection(date(2027, 3, 1), date(2027, 5, 31), "sandbox"),
        zone="Europe/Berlin",
        made_at=MADE_AT,
        sampled_at=MADE_AT - timedelta(hours=3),
        totals=whole,
        week=at_week,
        before=Selection(date(2026, 11, 29), date(2027, 2, 28), "sandbox"),
        changes=(
            Change("views", 2011.4, 1800.0, 2011.4 / 1800 - 1, False),
            Change("reactions", 55.5, 61.0, 55.5 / 61 - 1, True),
            Change("link_clicks", 33.0, None, None, False),
        ),
        course=spans(of),
        gains=tuple(
            Gain(date(2027, 3, 1) + timedelta(days=day), 400 + 37 * (day % 11), -25 if day == 40 else 0)
            for day in range(92)
        ),
        gains_metric="views",
        breakdowns={
            "campaign": rows(of, lambda fact: (fact.campaign,)),
            "step": rows(of, lambda fact: (fact.step,)),
            "channel": rows(of, lambda fact: (fact.channel,)),
            "region": rows(of, lambda fact: fact.regions),
            "category": rows(of, lambda fact: fact.categories),
            "place": rows(of, lambda fact: (fact.place_name,)),
            "variant": rows(of, lambda fact: (str(fact.variant),)),
            "weekday": rows(of, lambda fact: (str(fact.posted_at.weekday()),)),
            "hour": rows(of, lambda fact: (str(fact.posted_at.hour),)),
        },
        best=tuple(ranked[:3]),
        worst=tuple(reversed(ranked[-3:])),
        comparisons=(
            Comparison(
                "altmark-pilot",
                "vorstellung",
                (
                    VariantResult("altmark-pilot", "vorstellung", 0, 20, 0.031, 0.028, 0.035),
                    VariantResult("altmark-pilot", "vorstellung", 1, 19, 0.042, 0.037, 0.047),
                ),
                "different",
            ),
            Comparison(
                "altmark-pilot",
                "nachklang",
                (
                    VariantResult("altmark-pilot", "nachklang", 0, 3, 0.03, 0.01, 0.06),
                    VariantResult("altmark-pilot", "nachklang", 1, 1, None, None, None),
                ),
                "too_few",
            ),
        ),
        cells=cells(of),
        reliability=Reliability(64, 60, 4, 2.0, 240.0, 1, 2, 1, 0, 0),
        notes=("sandbox", "young:3", "removed:1"),
        announcements=of,
    )
    return replace(made, **changed)  # type: ignore[arg-type]


def mean_of(values: Iterable[int]) -> float:
    """The mean, for tests that compare."""
    return float(mean(values))
