"""The only queries of reports: what went out in a period and what is known of it.

Figures come from the roll-up `engagement`; of the samples themselves only those of one metric of the selected
announcements are read. Functions take a connection inside a transaction; they open none.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    FromClause,
    Lateral,
    Select,
    Subquery,
    Text,
    case,
    cast,
    func,
    literal_column,
    select,
    true,
)

from campaign.reports.values import NONE, SUMMED, Fact, Gain, Observation, Selection
from campaign.tables import announcements, campaigns, places, visits
from posts.figures import METRICS
from posts.states import State
from posts.tables import channels, deliveries, engagement, metric_names, samples


@dataclass(frozen=True)
class Due:
    """What became of something that was due: the state, and by how many seconds it was late, if it went out."""

    state: State
    late_by: float | None


@dataclass(frozen=True)
class Mean:
    """The mean of what is known (None: nothing), and over how many announcements."""

    value: float | None
    number: int


@dataclass(frozen=True)
class PlaceWords:
    """What a report tells of a place."""

    name: str
    regions: tuple[str, ...]
    categories: tuple[str, ...]


NO_PLACE = PlaceWords("", (), ())


def span(first: date, last: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """The instants from which and before which the days from `first` to `last` last, in that zone."""
    return datetime.combine(first, time(), zone), datetime.combine(last + timedelta(days=1), time(), zone)


# --- what went out -----------------------------------------------------------------------------------------------


def posted(connection: Connection, selection: Selection, zone: ZoneInfo) -> list[Fact]:
    """Everything of a selection that went out, in the order of the instants."""
    late_by = _seconds(connection, deliveries.c.due_at, deliveries.c.posted_at)
    counted = select(func.sum(visits.c.visits)).where(visits.c.content == deliveries.c.marker).scalar_subquery()
    query = (
        select(
            *(announcements.c[name] for name in ("id", "campaign", "step", "place_id", "variant", "text")),
            *(deliveries.c[name] for name in ("posted_at", "permalink", "cost_usd", "removed_at")),
            *(late_by, channels.c.name, channels.c.network, counted),
            *(engagement.c.sampled_at, cast(engagement.c.gaps, Text), engagement.c.week_at.is_not(None)),
            *(engagement.c[metric] for metric in METRICS),
            *(engagement.c[f"week_{metric}"] for metric in METRICS),
        )
        .select_from(_joined(selection, also_announcements=True))
        .outerjoin(engagement, engagement.c.delivery_id == deliveries.c.id)
        .where(*_went_out(connection, selection, zone))
        .order_by(deliveries.c.posted_at, deliveries.c.id)
    )
    known = _places(connection, selection, zone)
    return [_fact(row, known, zone) for row in connection.execute(query).all()]


def _places(connection: Connection, selection: Selection, zone: ZoneInfo) -> dict[int, PlaceWords]:
    """The places of a selection. Several announcements are of one place, and its row is long."""
    chosen = (
        select(announcements.c.place_id)
        .select_from(_joined(selection, also_announcements=True))
        .where(*_went_out(connection, selection, zone))
    )
    regions, categories = (cast(places.c.data[name], Text) for name in ("regions", "categories"))
    query = select(places.c.id, places.c.name, regions, categories).where(places.c.id.in_(chosen))
    return {
        number: PlaceWords(name, _names(in_regions), _names(in_categories))
        for number, name, in_regions, in_categories in connection.execute(query).all()
    }


def observations(connection: Connection, selection: Selection, zone: ZoneInfo) -> list[Observation]:
    """Everything of a selection that went out and whose views are known at the age of seven days."""
    views = engagement.c.week_views
    query = (
        select(channels.c.name, deliveries.c.posted_at, views)
        .select_from(_joined(selection))
        .join(engagement, engagement.c.delivery_id == deliveries.c.id)
        .where(*_went_out(connection, selection, zone), views.is_not(None))
    )
    return [Observation(channel, at.astimezone(zone), seen) for channel, at, seen in connection.execute(query)]


def week_means(connection: Connection, selection: Selection, zone: ZoneInfo) -> dict[str, Mean]:
    """The mean of each metric at the age of seven days, over what of a selection went out and was measured then."""
    values = [engagement.c[f"week_{metric}"] for metric in SUMMED]
    query = (
        select(*map(func.count, values), *map(func.sum, values))
        .select_from(_joined(selection))
        .join(engagement, engagement.c.delivery_id == deliveries.c.id)
        .where(*_went_out(connection, selection, zone))
    )
    row = connection.execute(query).one()
    numbers, sums = row[: len(SUMMED)], row[len(SUMMED) :]
    return {
        metric: Mean(int(total) / number if number else None, number)
        for metric, number, total in zip(SUMMED, numbers, sums, strict=True)
    }


def _joined(selection: Selection, *, also_announcements: bool = False) -> Any:
    """Deliveries with no more than a selection is narrowed by, or also with what they are deliveries of."""
    joined = deliveries.join(channels, channels.c.id == deliveries.c.channel_id)
    by_place = bool(selection.region or selection.category)
    by_announcement = (
        selection.campaign or selection.step or selection.place is not None or selection.variant is not None
    )
    if by_place or by_announcement or also_announcements:
        joined = joined.join(announcements, announcements.c.id == deliveries.c.id)
    return joined.outerjoin(places, places.c.id == announcements.c.place_id) if by_place else joined


def _fact(row: Any, known: Mapping[int, PlaceWords], zone: ZoneInfo) -> Fact:
    (number, campaign, step, place, variant, text, posted_at, permalink, cost, removed_at, late_by) = row[:11]
    (channel, network, counted, sampled_at, gaps, in_week) = row[11:17]
    newest, week = row[17 : 17 + len(METRICS)], row[17 + len(METRICS) :]
    words = known.get(place, NO_PLACE)
    return Fact(
        id=number,
        campaign=campaign,
        step=step,
        channel=channel,
        network=network,
        regions=words.regions,
        categories=words.categories,
        place=place or None,
        place_name=words.name,
        variant=variant,
        posted_at=posted_at.astimezone(zone),
        late_by=max(0.0, float(late_by)),
        text=text,
        permalink=permalink or "",
        cost_usd=cost,
        visits=None if counted is None else int(counted),
        figures=dict(zip(METRICS, newest, strict=True)),
        week=dict(zip(METRICS, week, strict=True)) if in_week else None,
        measured_at=sampled_at,
        gaps=_gaps(gaps),
        removed_at=removed_at,
    )


@lru_cache(maxsize=1000)
def _names(written: str | None) -> tuple[str, ...]:
    """A list as places hold it, each name once. The same few lists stand in thousands of rows."""
    return tuple(dict.fromkeys(json.loads(written) or ())) if written else ()


def _gaps(written: str | None) -> dict[str, str]:
    return (json.loads(written) or {}) if written and written != "{}" else {}


def _seconds(connection: Connection, earlier: ColumnElement[Any], later: ColumnElement[Any]) -> ColumnElement[Any]:
    """The seconds between two instants, to the millisecond."""
    if connection.dialect.name == "sqlite":
        return func.round((func.julianday(later) - func.julianday(earlier)) * literal_column("86400.0"), 3)
    return func.date_part("epoch", later - earlier)  # a float; EXTRACT would give a slow numeric


def _went_out(connection: Connection, selection: Selection, zone: ZoneInfo) -> list[ColumnElement[bool]]:
    since, before = span(selection.first, selection.last, zone)
    return [
        deliveries.c.posted_at >= since,
        deliveries.c.posted_at < before,
        deliveries.c.state == State.POSTED.value,
        *_narrowed(connection, selection),
    ]


def _narrowed(connection: Connection, selection: Selection) -> list[ColumnElement[bool]]:
    """What a selection says besides its period."""
    conditions = [channels.c.world == selection.world]
    named = (
        (announcements.c.campaign, selection.campaign),
        (announcements.c.step, selection.step),
        (channels.c.name, selection.channel),
    )
    conditions += [column == ("" if value == NONE else value) for column, value in named if value]
    if selection.place is not None:
        conditions.append(announcements.c.place_id == selection.place)
    if selection.variant is not None:
        conditions.append(announcements.c.variant == selection.variant)
    for name, value in (("regions", selection.region), ("categories", selection.category)):
        if value:
            conditions.append(_has(connection, name, value))
    return conditions


def _has(connection: Connection, name: str, value: str) -> ColumnElement[bool]:
    """Whether the place's list holds a value; with NONE whether it holds none."""
    if connection.dialect.name == "sqlite":
        element = func.json_each(places.c.data, f"$.{name}").table_valued("value").c.value
    else:
        element = func.json_array_elements_text(places.c.data[name]).table_valued("value").c.value
    if value == NONE:
        return ~select(element).correlate(places).exists()
    return select(element).where(element == value).correlate(places).exists()


def due(connection: Connection, selection: Selection, zone: ZoneInfo, now: datetime) -> list[Due]:
    """What became of everything of a selection whose instant lay in the period and has come."""
    since, before = span(selection.first, selection.last, zone)
    query = (
        select(deliveries.c.state, _seconds(connection, deliveries.c.due_at, deliveries.c.posted_at))
        .select_from(_joined(selection))
        .where(deliveries.c.due_at >= since, deliveries.c.due_at < before, deliveries.c.due_at <= now)
        .where(*_narrowed(connection, selection))
    )
    return [
        Due(State(state), max(0.0, float(late_by)) if late_by is not None and state == State.POSTED.value else None)
        for state, late_by in connection.execute(query).all()
    ]


# --- growth ------------------------------------------------------------------------------------------------------


def gains(connection: Connection, selection: Selection, zone: ZoneInfo, metric: str) -> list[Gain]:
    """By how much a metric of the selected announcements grew, on every day on which it was measured.

    The difference of two successive measured values of an announcement is booked on the later one's day; the first
    value is a gain from zero.
    """
    chosen = (
        select(deliveries.c.id)
        .select_from(_joined(selection))
        .where(*_went_out(connection, selection, zone))
        .subquery()
    )
    steps = _steps(connection, chosen, metric)
    step = steps.c.step
    query = (
        select(steps.c.quarter, func.sum(case((step > 0, step), else_=0)), func.sum(case((step < 0, step), else_=0)))
        .select_from(chosen.join(steps, true()) if isinstance(steps, Lateral) else steps)
        .group_by(steps.c.quarter)
    )
    by_day: dict[date, list[int]] = defaultdict(lambda: [0, 0])
    for quarter, gain, correction in connection.execute(query).all():
        day = datetime.fromtimestamp(int(quarter) * QUARTER, UTC).astimezone(zone).date()
        by_day[day][0] += int(gain)
        by_day[day][1] += int(correction)
    return [Gain(day, gain, correction) for day, (gain, correction) in sorted(by_day.items())]


def _steps(connection: Connection, chosen: Subquery, metric: str) -> FromClause:
    """By how much each measured value differs from the one before.

    SQLite always goes by the index. PostgreSQL would rather read all samples there are than look up those of thousands
    of announcements; asked for one announcement after the other it can't.
    """
    lateral = connection.dialect.name != "sqlite"
    before = func.lag(samples.c.value).over(
        partition_by=None if lateral else samples.c.delivery_id, order_by=samples.c.at
    )
    query = select(
        _quarter(connection).label("quarter"), (samples.c.value - func.coalesce(before, 0)).label("step")
    ).where(samples.c.metric == metric, samples.c.value.is_not(None))
    if lateral:
        return query.where(samples.c.delivery_id == chosen.c.id).correlate(chosen).lateral()
    return query.where(samples.c.delivery_id.in_(select(chosen.c.id))).subquery()


QUARTER = 15 * 60
"""Seconds. All zones have been whole quarters of an hour from UTC since 1972 (tz database), so no day begins within
one; databases need not know our zone."""


def _quarter(connection: Connection) -> ColumnElement[Any]:
    """The number of the quarter of an hour, since 1970, in which a sample was taken."""
    if connection.dialect.name == "sqlite":
        return cast(func.strftime("%s", samples.c.at), BigInteger) // literal_column(str(QUARTER), BigInteger)
    return cast(func.floor(func.date_part("epoch", samples.c.at) / literal_column(str(QUARTER))), BigInteger)


# --- what stands beside ------------------------------------------------------------------------------------------


def withdrawn_names(connection: Connection, world: str) -> list[str]:
    """Names of metrics that a network has withdrawn, as the network calls them."""
    query = (
        select(metric_names.c.name)
        .join(channels, channels.c.id == metric_names.c.channel_id)
        .where(~metric_names.c.alive, channels.c.world == world)
    )
    return sorted(set(connection.execute(query).scalars()))


def campaign_titles(connection: Connection) -> dict[str, str]:
    """Campaign to title."""
    query = select(campaigns.c.name, campaigns.c.definition["title"])
    return {name: title or name for name, title in connection.execute(query)}


def worlds(connection: Connection) -> dict[str, str]:
    """Channel to world, also of channels that were removed."""
    return {row.name: row.world for row in connection.execute(select(channels.c.name, channels.c.world))}


def knows_place(connection: Connection, place: int) -> bool:
    """Whether there is a place of that number."""
    return connection.execute(select(places.c.id).where(places.c.id == place)).first() is not None


def first_posted(connection: Connection, world: str) -> datetime | None:
    """When the first announcement of a world went out; None before that."""
    query: Select[Any] = (
        select(deliveries.c.posted_at)
        .join(channels, channels.c.id == deliveries.c.channel_id)
        .where(deliveries.c.posted_at.is_not(None), deliveries.c.state == State.POSTED.value)
        .where(channels.c.world == world)
        .order_by(deliveries.c.posted_at)
        .limit(1)
    )
    found: datetime | None = connection.execute(query).scalar()
    return found


# --- one announcement --------------------------------------------------------------------------------------------


def standing(connection: Connection, announcement_id: int) -> Any:
    """Where an announcement stands, and when it was and will be measured; None where there is none."""
    query = (
        select(
            *(deliveries.c.state, deliveries.c.posted_at, deliveries.c.removed_at),
            *(engagement.c.sampled_at, engagement.c.next_at),
        )
        .select_from(deliveries.outerjoin(engagement, engagement.c.delivery_id == deliveries.c.id))
        .where(deliveries.c.id == announcement_id)
    )
    return connection.execute(query).one_or_none()


def samples_of(connection: Connection, announcement_id: int) -> list[Any]:
    """All samples of an announcement, in the order in which they were taken."""
    query = select(samples).where(samples.c.delivery_id == announcement_id).order_by(samples.c.at, samples.c.id)
    return list(connection.execute(query))
