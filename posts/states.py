"""The states of an announcement on one page: what each means, and which event leads where.

The diagram in docs/architecture.md is generated from here and a test holds the two equal.
"""

from __future__ import annotations

from enum import StrEnum


class State(StrEnum):
    """Where an announcement stands. Each has one sentence in `MEANING`."""

    DRAFT = "draft"
    APPROVED = "approved"
    HELD = "held"
    QUEUED = "queued"
    SENDING = "sending"
    POSTED = "posted"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    IN_DOUBT = "in_doubt"
    MISSED = "missed"
    CANCELLED = "cancelled"


class Event(StrEnum):
    """What can happen to an announcement; also the event names of the log."""

    PLANNED = "planned"
    APPROVED = "approved"
    UNAPPROVED = "unapproved"
    HELD = "held"
    RELEASED = "released"
    QUEUED = "queued"
    RECALLED = "recalled"
    STARTED = "started"
    POSTED = "posted"
    REFUSED = "refused"
    POSTPONED = "postponed"
    LOST_SIGHT = "lost_sight"
    FOUND = "found"
    ABSENT = "absent"
    DOUBTED = "doubted"
    HANDED_OVER = "handed_over"
    SETTLED_FOUND = "settled_found"
    SETTLED_ABSENT = "settled_absent"
    RETRIED = "retried"
    MISSED = "missed"
    MOVED = "moved"
    CANCELLED = "cancelled"


MEANING: dict[State, str] = {
    State.DRAFT: "planned; waits for approval",
    State.APPROVED: "may go out at its time (also where no approval is asked)",
    State.HELD: "kept back for a stated reason until a person or the planner releases it",
    State.QUEUED: "its time has come, its text is frozen, it waits for a sender",
    State.SENDING: "committed to the one visible call; nobody else may send it",
    State.POSTED: "on the network, with its id",
    State.REFUSED: "the network said no; nothing was published",
    State.UNKNOWN: "nobody knows whether it was published; it is being looked for",
    State.IN_DOUBT: "the search ended without an answer; a person decides",
    State.MISSED: "its time passed further than the campaign's grace; it was not sent",
    State.CANCELLED: "will not be sent",
}

TRANSITIONS: dict[tuple[State, Event], State] = {
    (State.DRAFT, Event.APPROVED): State.APPROVED,
    (State.DRAFT, Event.HELD): State.HELD,
    (State.DRAFT, Event.CANCELLED): State.CANCELLED,
    (State.DRAFT, Event.MISSED): State.MISSED,
    (State.APPROVED, Event.UNAPPROVED): State.DRAFT,
    (State.APPROVED, Event.HELD): State.HELD,
    (State.APPROVED, Event.QUEUED): State.QUEUED,
    (State.APPROVED, Event.MISSED): State.MISSED,
    (State.APPROVED, Event.CANCELLED): State.CANCELLED,
    (State.HELD, Event.RELEASED): State.APPROVED,
    (State.HELD, Event.UNAPPROVED): State.DRAFT,
    (State.HELD, Event.MISSED): State.MISSED,
    (State.HELD, Event.CANCELLED): State.CANCELLED,
    (State.QUEUED, Event.STARTED): State.SENDING,
    (State.QUEUED, Event.POSTPONED): State.QUEUED,
    (State.QUEUED, Event.REFUSED): State.REFUSED,
    (State.QUEUED, Event.HELD): State.HELD,
    (State.QUEUED, Event.RECALLED): State.APPROVED,
    (State.QUEUED, Event.MISSED): State.MISSED,
    (State.QUEUED, Event.CANCELLED): State.CANCELLED,
    (State.QUEUED, Event.DOUBTED): State.UNKNOWN,
    (State.QUEUED, Event.POSTED): State.POSTED,
    (State.SENDING, Event.POSTED): State.POSTED,
    (State.SENDING, Event.REFUSED): State.REFUSED,
    (State.SENDING, Event.POSTPONED): State.QUEUED,
    (State.SENDING, Event.LOST_SIGHT): State.UNKNOWN,
    (State.UNKNOWN, Event.FOUND): State.POSTED,
    (State.UNKNOWN, Event.ABSENT): State.QUEUED,
    (State.UNKNOWN, Event.HANDED_OVER): State.IN_DOUBT,
    (State.IN_DOUBT, Event.SETTLED_FOUND): State.POSTED,
    (State.IN_DOUBT, Event.SETTLED_ABSENT): State.QUEUED,
    (State.REFUSED, Event.RETRIED): State.QUEUED,
    (State.REFUSED, Event.CANCELLED): State.CANCELLED,
    (State.MISSED, Event.MOVED): State.APPROVED,
    (State.MISSED, Event.UNAPPROVED): State.DRAFT,
    (State.MISSED, Event.CANCELLED): State.CANCELLED,
}

PLANNED = frozenset({State.DRAFT, State.APPROVED, State.HELD})
IN_FLIGHT = frozenset({State.SENDING, State.UNKNOWN})
FINAL = frozenset({State.POSTED, State.CANCELLED})


class ForbiddenMove(Exception):
    """This event can't happen in this state."""

    def __init__(self, state: State, event: Event) -> None:
        super().__init__(f"{event.value} is not possible while {state.value}")
        self.state = state
        self.event = event


def after(state: State, event: Event) -> State:
    """The state that follows. Raises ForbiddenMove when the table has no such row."""
    try:
        return TRANSITIONS[state, event]
    except KeyError:
        raise ForbiddenMove(state, event) from None
