"""From facts to a report: pure functions, no database, no clock, no words.

A figure that is not known is never counted as zero: each sum is taken over the announcements whose figure is known,
and says over how many.
"""

from __future__ import annotations

import statistics
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import combinations

from campaign.reports import intervals
from campaign.reports.facts import Due, Mean
from campaign.reports.intervals import Count, Interval
from campaign.reports.values import (
    DIMENSIONS,
    ENGAGEMENTS,
    FEW,
    METRICS,
    NONE,
    SUMMED,
    Cell,
    Change,
    Comparison,
    Fact,
    Figures,
    Gain,
    Observation,
    Reliability,
    Report,
    Row,
    Selection,
    SlotEvidence,
    Span,
    VariantResult,
    beginning,
)
from posts.ledger import OVERDUE
from posts.states import State

Metrics = Mapping[str, int | None]
Label = Callable[[str, str], str]
"""What people read for a key of a dimension."""

BY_DAY, BY_WEEK = 31, 26 * 7
"""The longest periods, in days, whose course is told by day and by week; a longer one's is told by month."""
FEWEST_RANKED, MOST_RANKED = 3, 5
"""So many announcements stand among the best and among the worst, at least and at most."""
WEEK = timedelta(days=7)


@dataclass(frozen=True)
class Material:
    """What a report is made of. `earlier` are the means at seven days of what went out in the period before."""

    facts: Sequence[Fact]
    earlier: Mapping[str, Mean]
    due: Sequence[Due]
    gains: Sequence[Gain]
    gains_metric: str
    withdrawn: Sequence[str]


def assemble(selection: Selection, material: Material, label: Label, zone: str, made_at: datetime) -> Report:
    """The report about a selection."""
    facts = material.facts
    best, worst = best_and_worst(facts)
    return Report(
        selection=selection,
        zone=zone,
        made_at=made_at,
        sampled_at=max((one.measured_at for one in facts if one.measured_at), default=None),
        totals=totals(facts),
        week=week_totals(facts),
        before=period_before(selection),
        changes=changes(facts, material.earlier),
        course=course(selection, facts),
        gains=tuple(material.gains),
        gains_metric=material.gains_metric,
        breakdowns=Breakdowns(facts, label),
        best=best,
        worst=worst,
        comparisons=comparisons(facts),
        cells=cells(facts),
        reliability=reliability(material.due),
        notes=tuple(notes(selection, material, made_at)),
        announcements=tuple(facts),
    )


def period_before(selection: Selection) -> Selection:
    """The same selection in the period of equal length that ends the day before it begins."""
    length = selection.last - selection.first
    last = selection.first - timedelta(days=1)
    return replace(selection, first=last - length, last=last)


# --- sums --------------------------------------------------------------------------------------------------------


def totals(facts: Sequence[Fact]) -> Figures:
    """The sums over announcements, as they are known today."""
    costs = [fact.cost_usd for fact in facts if fact.cost_usd is not None]
    visits = [fact.visits for fact in facts if fact.visits is not None]
    both = [(fact.cost_usd, fact.visits) for fact in facts if fact.cost_usd is not None and fact.visits is not None]
    return replace(
        _figures([fact.figures for fact in facts]),
        cost_usd=sum(costs) if costs else None,
        visits=sum(visits) if visits else None,
        visits_known=len(visits),
        cost_per_visit=_share(sum(cost for cost, _ in both), sum(visits for _, visits in both)),
    )


def week_totals(facts: Sequence[Fact]) -> Figures:
    """The sums of the figures at the age of seven days, over those that were measured then."""
    return _figures([fact.week for fact in facts if fact.week is not None])


def _figures(looks: Sequence[Metrics]) -> Figures:
    values = {metric: [value for look in looks if (value := look[metric]) is not None] for metric in METRICS}
    metrics: dict[str, int | None] = {metric: sum(found) if found else None for metric, found in values.items()}
    if len(looks) != 1:
        metrics["viewers"] = None  # People, and the same ones see several announcements.
    return Figures(
        posts=len(looks),
        metrics=metrics,
        known={metric: len(found) for metric, found in values.items()},
        engagement_rate=_rate(looks, ENGAGEMENTS),
        click_rate=_rate(looks, ("link_clicks",)),
        cost_usd=None,
        visits=None,
        visits_known=0,
        cost_per_visit=None,
    )


def _rate(looks: Sequence[Metrics], metrics: Sequence[str]) -> float | None:
    """Those metrics together as a share of the views, over the announcements where all are known."""
    counted = engaged = 0
    for look in looks:
        views, total = look["views"], together(look, metrics)
        if views is not None and total is not None:
            counted += views
            engaged += total
    return _share(engaged, counted)


def together(look: Metrics, metrics: Sequence[str] = ENGAGEMENTS) -> int | None:
    """The sum of several metrics of one announcement; None where one of them is not known."""
    total = 0
    for metric in metrics:
        value = look[metric]
        if value is None:
            return None
        total += value
    return total


def _share(part: float, whole: float) -> float | None:
    return part / whole if whole else None


# --- by what it can be broken down -------------------------------------------------------------------------------


def keys(fact: Fact, dimension: str) -> tuple[str, ...]:
    """The rows of a breakdown that an announcement belongs to: of regions and categories perhaps several, else one."""
    match dimension:
        case "region":
            return fact.regions or (NONE,)
        case "category":
            return fact.categories or (NONE,)
        case "place":
            return (str(fact.place or NONE),)
        case "weekday":
            return (str(fact.posted_at.weekday()),)
        case "hour":
            return (str(fact.posted_at.hour),)
        case "variant":
            return (str(fact.variant),)
        case "campaign":
            return (fact.campaign or NONE,)
        case "step":
            return (fact.step or NONE,)
        case _:
            return (fact.channel,)


COUNTED = ("variant", "weekday", "hour")
"""Dimensions whose keys are numbers, in their order; the others' rows stand with the most announcements first."""


def breakdown(facts: Sequence[Fact], dimension: str, label: Label) -> tuple[Row, ...]:
    """The rows of one dimension."""
    groups: dict[str, list[Fact]] = defaultdict(list)
    for fact in facts:
        for key in keys(fact, dimension):
            groups[key].append(fact)
    rows = [_row(key, label(dimension, key), group) for key, group in groups.items()]
    if dimension in COUNTED:
        return tuple(sorted(rows, key=lambda row: int(row.key)))
    return tuple(sorted(rows, key=lambda row: (-row.figures.posts, row.label.casefold(), row.key)))


def names(facts: Sequence[Fact], dimension: str, label: Label) -> tuple[tuple[str, str], ...]:
    """Key and label of each row of a breakdown, by the labels: what there is to choose from, without any sums."""
    found = {key for fact in facts for key in keys(fact, dimension)}
    return tuple(
        sorted(((key, label(dimension, key)) for key in found), key=lambda named: (named[1].casefold(), named[0]))
    )


class Breakdowns(Mapping[str, tuple[Row, ...]]):
    """The rows of each dimension, made when they are asked for: no page shows all, and there may be thousands."""

    def __init__(self, facts: Sequence[Fact], label: Label) -> None:
        self._facts, self._label = facts, label
        self._made: dict[str, tuple[Row, ...]] = {}

    def __getitem__(self, dimension: str) -> tuple[Row, ...]:
        if dimension not in DIMENSIONS:
            raise KeyError(dimension)
        if dimension not in self._made:
            self._made[dimension] = breakdown(self._facts, dimension, self._label)
        return self._made[dimension]

    def __iter__(self) -> Iterator[str]:
        return iter(DIMENSIONS)

    def __len__(self) -> int:
        return len(DIMENSIONS)


def _row(key: str, label: str, facts: Sequence[Fact]) -> Row:
    return Row(key, label, totals(facts), week_totals(facts), few=len(facts) < FEW)


def one_row(fact: Fact) -> Row:
    """The row of a single announcement; its label is the place, or how its text begins."""
    return _row(str(fact.id), fact.place_name or beginning(fact.text), [fact])


# --- over time ---------------------------------------------------------------------------------------------------


def course(selection: Selection, facts: Sequence[Fact]) -> tuple[Span, ...]:
    """Days, weeks or months, as the period's length asks for; also those in which nothing went out."""
    starts = _starts(selection.first, selection.last)
    groups: dict[int, list[Fact]] = defaultdict(list)
    for fact in facts:
        groups[bisect_right(starts, fact.posted_at.date()) - 1].append(fact)
    ends = [*(start - timedelta(days=1) for start in starts[1:]), selection.last]
    return tuple(
        Span(first, last, totals(groups[number])) for number, (first, last) in enumerate(zip(starts, ends, strict=True))
    )


def _starts(first: date, last: date) -> list[date]:
    """The first days of the spans; the first and the last span may be cut short by the period."""
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    if len(days) <= BY_DAY:
        return days
    if len(days) <= BY_WEEK:
        return [first, *(day for day in days[1:] if day.weekday() == 0)]
    return [first, *(day for day in days[1:] if day.day == 1)]


def changes(facts: Sequence[Fact], earlier: Mapping[str, Mean]) -> tuple[Change, ...]:
    """Each metric per announcement at the age of seven days, now and before."""
    return tuple(_change(metric, _in_week(facts, metric), earlier[metric]) for metric in SUMMED)


def _change(metric: str, values: Sequence[int], before: Mean) -> Change:
    now = statistics.fmean(values) if values else None
    few = min(len(values), before.number) < FEW
    return Change(metric, now, before.value, intervals.ratio(now, before.value), few)


def _in_week(facts: Iterable[Fact], metric: str) -> list[int]:
    return [value for fact in facts if fact.week is not None and (value := fact.week[metric]) is not None]


def cells(facts: Sequence[Fact]) -> tuple[Cell, ...]:
    """The hours of the week in which something went out."""
    groups: dict[tuple[int, int], list[Fact]] = defaultdict(list)
    for fact in facts:
        groups[fact.posted_at.weekday(), fact.posted_at.hour].append(fact)
    return tuple(_cell(*place, group) for place, group in sorted(groups.items()))


def _cell(weekday: int, hour: int, facts: Sequence[Fact]) -> Cell:
    views = _in_week(facts, "views")
    return Cell(weekday, hour, len(facts), len(views), statistics.median(views) if views else None)


# --- against each other ------------------------------------------------------------------------------------------


def week_count(fact: Fact) -> Count | None:
    """Engagements and views at the age of seven days; None where they are not known or nobody saw it."""
    if fact.week is None:
        return None
    engaged, views = together(fact.week), fact.week["views"]
    return Count(engaged, views) if engaged is not None and views else None


def best_and_worst(facts: Sequence[Fact]) -> tuple[tuple[Fact, ...], tuple[Fact, ...]]:
    """By engagement rate at the age of seven days, the best and the worst first; none where there are too few to tell
    the ones from the others."""
    rated = [(count.engagements / count.views, count.views, fact) for fact in facts if (count := week_count(fact))]
    number = min(MOST_RANKED, len(rated) // 2)
    if number < FEWEST_RANKED:
        return (), ()
    ranked = [fact for *_, fact in sorted(rated, key=lambda one: (-one[0], -one[1], one[2].id))]
    return tuple(ranked[:number]), tuple(reversed(ranked[-number:]))


def comparisons(facts: Sequence[Fact]) -> tuple[Comparison, ...]:
    """The steps of which more than one variant went out."""
    steps: dict[tuple[str, str], dict[int, list[Fact]]] = defaultdict(lambda: defaultdict(list))
    for fact in facts:
        if fact.step:
            steps[fact.campaign, fact.step][fact.variant].append(fact)
    return tuple(_comparison(*step, variants) for step, variants in sorted(steps.items()) if len(variants) > 1)


def _comparison(campaign: str, step: str, variants: Mapping[int, Sequence[Fact]]) -> Comparison:
    counts = {variant: [one for one in map(week_count, group) if one] for variant, group in variants.items()}
    results = [_result(campaign, step, variant, counts[variant]) for variant in sorted(counts)]
    return Comparison(campaign, step, tuple(results), _verdict(list(counts.values())))


def _result(campaign: str, step: str, variant: int, counts: Sequence[Count]) -> VariantResult:
    found = intervals.rate_interval(counts)
    views = sum(one.views for one in counts)
    rate = sum(one.engagements for one in counts) / views if views else None
    low, high = (found.low, found.high) if found else (None, None)
    return VariantResult(campaign, step, variant, len(counts), rate, low, high)


def _verdict(variants: Sequence[Sequence[Count]]) -> str:
    """Each pair is looked at so much more strictly that all verdicts together hold with the usual confidence
    (Bonferroni)."""
    if min(map(len, variants)) < FEW:
        return "too_few"
    pairs = len(variants) * (len(variants) - 1) // 2
    confidence = 1 - (1 - intervals.CONFIDENCE) / pairs
    found = [one for counts in variants if (one := intervals.rate_interval(counts, confidence))]
    return "different" if any(_apart(*pair) for pair in combinations(found, 2)) else "open"


def _apart(first: Interval, second: Interval) -> bool:
    difference = intervals.newcombe(first, second)
    return difference.low > 0 or difference.high < 0


def suggestions(observed: Sequence[Observation]) -> tuple[SlotEvidence, ...]:
    """Per channel the hours of the week that did better than the channel's median, the best first: by the median of the
    views at the age of seven days, only where at least FEW announcements were measured then."""
    found = [one for channel, group in sorted(_by_channel(observed).items()) for one in _evidence(channel, group)]
    return tuple(sorted(found, key=lambda one: (one.channel, not one.clear, -one.views, one.weekday, one.hour)))


def _by_channel(observed: Sequence[Observation]) -> dict[str, list[tuple[tuple[int, int], int]]]:
    """Per channel the hour of the week and the views."""
    groups: dict[str, list[tuple[tuple[int, int], int]]] = defaultdict(list)
    for one in observed:
        groups[one.channel].append(((one.posted_at.weekday(), one.posted_at.hour), one.views))
    return groups


def _evidence(channel: str, observed: Sequence[tuple[tuple[int, int], int]]) -> Iterator[SlotEvidence]:
    usual = statistics.median(views for _, views in observed)
    slots: dict[tuple[int, int], list[int]] = defaultdict(list)
    for slot, views in observed:
        slots[slot].append(views)
    for (weekday, hour), values in slots.items():
        median = intervals.median_interval(values)
        if len(values) >= FEW and median.value > usual:
            clear = median.low > usual
            yield SlotEvidence(channel, weekday, hour, len(values), median.value, median.low, median.high, usual, clear)


# --- the service itself ------------------------------------------------------------------------------------------


def reliability(due: Sequence[Due]) -> Reliability:
    """What became of everything that was due."""
    states = Counter(one.state for one in due)
    lateness = [one.late_by for one in due if one.late_by is not None]
    settled = (State.POSTED, State.REFUSED, State.MISSED, State.CANCELLED, State.IN_DOUBT)
    return Reliability(
        due=len(due),
        posted=states[State.POSTED],
        late=sum(seconds > OVERDUE.total_seconds() for seconds in lateness),
        median_late_by=statistics.median(lateness) if lateness else None,
        worst_late_by=max(lateness, default=None),
        refused=states[State.REFUSED],
        missed=states[State.MISSED],
        cancelled=states[State.CANCELLED],
        in_doubt=states[State.IN_DOUBT],
        open=len(due) - sum(states[state] for state in settled),
    )


def notes(selection: Selection, material: Material, made_at: datetime) -> list[str]:
    """What a reader must know, each as a word with its detail behind a colon."""
    facts = material.facts
    found = ["sandbox"] if selection.world == "sandbox" else []
    if not facts:
        return [*found, "nothing"]
    unmeasured = sum(fact.measured_at is None for fact in facts)
    ages = [made_at - fact.posted_at for fact in facts if fact.week is None]
    young = sum(age < WEEK for age in ages)
    without_week = len(ages) - young
    removed = sum(fact.removed_at is not None for fact in facts)
    gaps = Counter((why, metric) for fact in facts for metric, why in fact.gaps.items())
    counted = (("unmeasured", unmeasured), ("young", young), ("no_week", without_week), ("removed", removed))
    found += [f"{word}:{number}" for word, number in counted if number > 0]
    found += [f"{why}_{metric}:{number}" for (why, metric), number in sorted(gaps.items())]
    found += [f"abolished:{name}" for name in material.withdrawn]
    found += [f"corrections:{total}"] if (total := -sum(gain.correction for gain in material.gains)) else []
    found += ["viewers"] if any(fact.figures["viewers"] is not None for fact in facts) else []
    found += ["few"] if len(facts) < FEW else []
    return found
