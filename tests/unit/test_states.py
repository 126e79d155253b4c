"""The table of states: which moves exist, what each state means, and that nothing leads out of the end."""

from __future__ import annotations

from itertools import product

import pytest

from posts.states import FINAL, IN_FLIGHT, MEANING, PLANNED, TRANSITIONS, Event, ForbiddenMove, State, after

# The moves as DESIGN.md section 5 tells them, written down once more so that a changed table is seen.
ONCE_SENT = {
    (State.SENDING, State.POSTED),
    (State.SENDING, State.REFUSED),
    (State.SENDING, State.QUEUED),
    (State.SENDING, State.UNKNOWN),
    (State.UNKNOWN, State.POSTED),
    (State.UNKNOWN, State.QUEUED),
    (State.UNKNOWN, State.IN_DOUBT),
    (State.IN_DOUBT, State.POSTED),
    (State.IN_DOUBT, State.QUEUED),
    (State.REFUSED, State.QUEUED),
    (State.REFUSED, State.CANCELLED),
}


@pytest.mark.parametrize(("state", "event"), sorted(product(State, Event)))
def test_a_move_is_in_the_table_or_forbidden(state: State, event: Event) -> None:
    if (state, event) in TRANSITIONS:
        assert after(state, event) is TRANSITIONS[state, event]
        return
    with pytest.raises(ForbiddenMove) as forbidden:
        after(state, event)
    assert str(forbidden.value) == f"{event.value} is not possible while {state.value}"
    assert (forbidden.value.state, forbidden.value.event) == (state, event)


def test_a_call_once_begun_ends_only_as_the_design_says() -> None:
    begun = {State.SENDING, State.UNKNOWN, State.IN_DOUBT, State.REFUSED}
    assert {(seen, to) for (seen, _), to in TRANSITIONS.items() if seen in begun} == ONCE_SENT


def test_only_the_queue_leads_to_the_visible_call() -> None:
    assert {seen for (seen, _), to in TRANSITIONS.items() if to is State.SENDING} == {State.QUEUED}


def test_nothing_leads_out_of_the_end() -> None:
    assert {seen for seen, _ in TRANSITIONS} & FINAL == set()


def test_a_call_in_flight_cannot_be_cancelled_held_or_missed() -> None:
    for seen in IN_FLIGHT:
        for event in (Event.CANCELLED, Event.HELD, Event.MISSED, Event.RECALLED):
            assert (seen, event) not in TRANSITIONS


def test_whatever_is_not_out_yet_can_be_cancelled() -> None:
    for seen in (*PLANNED, State.QUEUED, State.REFUSED, State.MISSED):
        assert after(seen, Event.CANCELLED) is State.CANCELLED


def test_every_state_can_be_reached_and_is_explained() -> None:
    assert set(MEANING) == set(State)
    assert all(sentence.strip() for sentence in MEANING.values())
    reached, border = set(PLANNED), set(PLANNED)
    while border:
        border = {to for (seen, _), to in TRANSITIONS.items() if seen in border} - reached
        reached |= border
    assert reached == set(State)
