"""Who may use the pages, on each kind of database: passwords, throttle, sessions, links, tokens, erasing."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any, Literal

import pytest
from argon2 import PasswordHasher
from sqlalchemy import select, text

from campaign import access as rules
from campaign.access import Access, NotAdmitted
from campaign.db import Database
from campaign.roles import Role
from campaign.tables import persons, sign_in_failures
from posts import ledger
from posts.clock import ManualClock
from tests.integration.guest import CHEAP, PASSWORD

IDLE, LONGEST = timedelta(hours=1), timedelta(hours=12)


@pytest.fixture
def access(database: Database, clock: ManualClock) -> Access:
    return Access(database, clock, IDLE, LONGEST, CHEAP)


@pytest.fixture
def anna(access: Access) -> Access:
    """The doors, with an administrator Anna who has a password."""
    access.add("cli:root", "Anna", Role.ADMINISTRATOR)
    access.accept(access.link("cli:root", "Anna"), PASSWORD)
    return access


def reason(act: Callable[[], object]) -> str:
    with pytest.raises(NotAdmitted) as caught:
        act()
    return caught.value.word


def signing_in(access: Access, name: str = "Anna", password: str = PASSWORD, address: str = "192.0.2.1") -> str:
    return access.sign_in(name, password, address, "Firefox")


# --- signing in


def test_name_and_password_open_a_session_whatever_the_case_of_the_name(anna: Access) -> None:
    user = anna.session(signing_in(anna, "aNNA"))
    assert user is not None and (user.name, user.role) == ("Anna", Role.ADMINISTRATOR)


def test_a_wrong_password_and_a_wrong_name_are_told_alike(anna: Access) -> None:
    assert reason(lambda: signing_in(anna, password="falsch, aber lang")) == "sign_in_wrong"
    assert reason(lambda: signing_in(anna, name="Niemand")) == "sign_in_wrong"


def test_who_has_set_no_password_yet_can_not_sign_in(access: Access) -> None:
    access.add("cli:root", "Bert", Role.READER)
    assert reason(lambda: signing_in(access, "Bert", "")) == "sign_in_wrong"


def test_too_many_failures_shut_the_door_even_for_the_right_password_until_the_window_ends(
    anna: Access, clock: ManualClock
) -> None:
    for _ in range(rules.ATTEMPTS[0]):
        assert reason(lambda: signing_in(anna, password="falsch")) == "sign_in_wrong"
    assert reason(lambda: signing_in(anna)) == "sign_in_throttled"
    assert signing_in(anna, address="198.51.100.7")  # somebody else's guessing doesn't lock Anna out elsewhere
    clock.advance(rules.WINDOW.total_seconds() + 1)
    assert signing_in(anna)


def test_one_address_may_not_try_many_names(anna: Access) -> None:
    for number in range(rules.ATTEMPTS[1]):
        assert reason(lambda number=number: signing_in(anna, f"Name {number}")) == "sign_in_wrong"  # type: ignore[misc]
    assert reason(lambda: signing_in(anna)) == "sign_in_throttled"


def test_one_name_may_not_be_tried_from_many_addresses(anna: Access) -> None:
    for number in range(rules.ATTEMPTS[2]):
        with pytest.raises(NotAdmitted):
            signing_in(anna, password="falsch", address=f"198.51.{number}.1")
    assert reason(lambda: signing_in(anna)) == "sign_in_throttled"


def test_addresses_of_one_ipv6_line_count_as_one(anna: Access) -> None:
    for number in range(rules.ATTEMPTS[0]):
        with pytest.raises(NotAdmitted):
            signing_in(anna, password="falsch", address=f"2001:db8::{number:x}")
    assert reason(lambda: signing_in(anna, address="2001:db8::ffff")) == "sign_in_throttled"
    assert signing_in(anna, address="2001:db8:0:1::1")


def test_rightful_sign_ins_are_not_counted_and_failures_leave_no_name_behind(
    anna: Access, database: Database, clock: ManualClock
) -> None:
    for _ in range(rules.ATTEMPTS[1] + 5):
        signing_in(anna)
    with pytest.raises(NotAdmitted):
        signing_in(anna, name="mein Passwort im falschen Feld")
    with database.read() as connection:
        kept = connection.execute(select(sign_in_failures)).all()
    assert kept and not any("passwort" in str(row).lower() for row in kept)
    clock.advance(rules.WINDOW.total_seconds() + 1)
    signing_in(anna)
    with database.read() as connection:
        assert all(row.since == clock.now() for row in connection.execute(select(sign_in_failures)))


class Watched(PasswordHasher):
    """Counts how many passwords are checked at the same time."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=8, parallelism=1)
        self.now = self.most = 0
        self._lock = threading.Lock()
        self._pause = threading.Event()

    def verify(self, *given: Any) -> Literal[True]:
        with self._lock:
            self.now += 1
            self.most = max(self.most, self.now)
        self._pause.wait(0.02)
        with self._lock:
            self.now -= 1
        return super().verify(*given)


def test_no_more_than_two_passwords_are_checked_at_once(database: Database, clock: ManualClock) -> None:
    hasher = Watched()
    access = Access(database, clock, IDLE, LONGEST, hasher)
    access.add("cli:root", "Anna", Role.ADMINISTRATOR)
    access.set_password("cli:root", "Anna", PASSWORD)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: signing_in(access, address=f"192.0.2.{number}"), range(16)))
    assert hasher.most == 2


# --- sessions


def test_a_session_ends_when_nobody_uses_it(anna: Access, clock: ManualClock) -> None:
    secret = signing_in(anna)
    for _ in range(3):
        clock.advance(IDLE.total_seconds() - 60)
        assert anna.session(secret) is not None
    clock.advance(IDLE.total_seconds())
    assert anna.session(secret) is None


def test_a_page_that_renews_itself_keeps_no_session_alive(anna: Access, clock: ManualClock) -> None:
    secret = signing_in(anna)
    clock.advance(IDLE.total_seconds() - 60)
    assert anna.session(secret, seen=False) is not None
    clock.advance(60)
    assert anna.session(secret, seen=False) is None


def test_a_session_ends_at_last_however_much_it_is_used(anna: Access, clock: ManualClock) -> None:
    secret = signing_in(anna)
    for _ in range(LONGEST // (IDLE / 2) - 1):
        clock.advance(IDLE.total_seconds() / 2)
        assert anna.session(secret) is not None
    clock.advance(IDLE.total_seconds() / 2)
    assert anna.session(secret) is None
    assert anna.session(signing_in(anna)) is not None


@pytest.mark.parametrize("what", ["sign out", "all ended", "disabled", "new password", "link used", "removed"])
def test_a_session_can_be_revoked_at_once(anna: Access, what: str) -> None:
    anna.add("Anna", "Chef", Role.ADMINISTRATOR)
    secret, other = signing_in(anna), signing_in(anna)
    acts: dict[str, Callable[[], object]] = {
        "sign out": lambda: anna.sign_out(secret),
        "all ended": lambda: anna.end_sessions("Chef", "Anna"),
        "disabled": lambda: anna.change("Chef", "Anna", disabled=True),
        "new password": lambda: anna.set_password("Chef", "Anna", "ein anderer Satz"),
        "link used": lambda: anna.accept(anna.link("Chef", "Anna"), "ein anderer Satz"),
        "removed": lambda: anna.remove("Chef", "Anna"),
    }
    acts[what]()
    assert anna.session(secret) is None
    assert (anna.session(other) is not None) == (what == "sign out")


def test_a_disabled_user_is_told_so_only_with_the_right_password(anna: Access) -> None:
    anna.add("Anna", "Bert", Role.READER)
    anna.set_password("Anna", "Bert", PASSWORD)
    anna.change("Anna", "Bert", disabled=True)
    assert reason(lambda: signing_in(anna, "Bert", "falsch")) == "sign_in_wrong"
    assert reason(lambda: signing_in(anna, "Bert")) == "user_disabled"
    anna.change("Anna", "Bert", disabled=False)
    assert signing_in(anna, "Bert")


def test_the_database_holds_no_secret_that_opens_a_door(anna: Access, database: Database) -> None:
    secrets = [signing_in(anna), anna.link("Anna", "Anna"), anna.make_token("Anna", "Anna", "Prometheus", ["metrics"])]
    with database.read() as connection:
        for table in ("sessions", "one_time_links", "api_tokens", "users", "log_entries"):
            rows = str(connection.execute(text(f"SELECT * FROM {table}")).all())
            assert not any(secret in rows for secret in [*secrets, PASSWORD])


# --- links and passwords


def test_a_link_is_good_once_and_three_days(anna: Access, clock: ManualClock) -> None:
    anna.add("Anna", "Bert", Role.EDITOR)
    late = anna.link("Anna", "Bert")
    clock.advance(rules.LINK_LASTS.total_seconds() + 1)
    assert reason(lambda: anna.accept(late, PASSWORD)) == "link_ended"
    first, second = anna.link("Anna", "Bert"), anna.link("Anna", "Bert")
    assert reason(lambda: anna.accept(first, PASSWORD)) == "link_ended"  # the newer one made it void
    assert anna.invitation(second).name == "Bert"
    anna.accept(second, PASSWORD)
    assert reason(lambda: anna.accept(second, PASSWORD)) == "link_ended"


def test_the_first_link_makes_an_administrator_and_there_is_no_second_first(access: Access) -> None:
    one, other = access.first_link(), access.first_link()
    assert one is not None and other is not None
    assert reason(lambda: access.accept(one, PASSWORD, "Anna")) == "link_ended"
    assert access.accept(other, PASSWORD, "Anna").role is Role.ADMINISTRATOR
    assert access.first_link() is None


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("kurz", "password_short"),
        ("x" * 257, "password_long"),
        ("aaaaaaaaaaaa", "password_easy"),
        ("Anna und noch etwas", "password_easy"),
    ],
)
def test_a_weak_password_is_refused_and_the_link_stays_good(anna: Access, password: str, why: str) -> None:
    link = anna.link("Anna", "Anna")
    assert reason(lambda: anna.accept(link, password)) == why
    assert anna.accept(link, "ein ganz anderer Satz").name == "Anna"


def test_composed_and_decomposed_letters_are_the_same_password(anna: Access) -> None:
    anna.set_password("Anna", "Anna", "Grüße aus Süden")
    assert signing_in(anna, password="Gru\u0308ße aus Su\u0308den")


# --- users


@pytest.mark.parametrize(
    "name", ["", " ", "cli:anna", "CLI:anna", "daemon", "p0123456789ab", "x" * 61, "An\u202ena", "A\x00"]
)
def test_names_that_would_mislead_in_the_log_are_refused(access: Access, name: str) -> None:
    assert reason(lambda: access.add("cli:root", name, Role.READER)) == "user_name_unusable"


@pytest.mark.parametrize("twin", ["Anna", "ANNA", "\uff21nna", " Anna "])
def test_two_users_never_sign_in_alike(anna: Access, twin: str) -> None:
    assert reason(lambda: anna.add("Anna", twin, Role.READER)) == "user_exists"


def test_somebody_who_can_let_others_in_must_stay(anna: Access) -> None:
    assert reason(lambda: anna.remove("Anna", "Anna")) == "last_administrator"
    assert reason(lambda: anna.change("Anna", "Anna", role=Role.EDITOR)) == "last_administrator"
    assert reason(lambda: anna.change("Anna", "Anna", disabled=True)) == "last_administrator"
    assert anna.user("Anna").role is Role.ADMINISTRATOR and not anna.user("Anna").disabled


def test_every_change_of_access_is_logged_by_opaque_ids_alone(anna: Access, database: Database) -> None:
    anna.add("Anna", "Bert", Role.EDITOR, "bert@example.org")
    anna.change("Anna", "Bert", role=Role.APPROVER, email="b@example.org")
    anna.link("Anna", "Bert")
    anna.make_token("Anna", "Bert", "Prometheus", ["metrics"])
    anna.revoke_token("Anna", "Bert", "Prometheus")
    bert = anna.user("Bert").person
    anna.remove("Anna", "Bert", erase=True)
    with database.read() as connection:
        entries = [row for row in ledger.entries(connection) if row.detail.get("person") == bert]
        names = {row.id: row.name for row in connection.execute(select(persons))}
    assert [row.event for row in entries] == [
        *("user_added", "user_changed", "user_link_made", "token_made", "token_revoked", "user_removed"),
    ]
    assert {names[row.actor] for row in entries} == {"Anna"}
    assert "Bert" not in str(entries) and "example.org" not in str(entries)
    assert names[bert] == bert


# --- tokens


def test_a_token_is_good_for_its_scope_until_it_ends_or_is_revoked(anna: Access, clock: ManualClock) -> None:
    lasting = anna.make_token("Anna", "Anna", "lange", ["metrics"])
    short = anna.make_token("Anna", "Anna", "kurz", ["metrics"], clock.now() + timedelta(days=1))
    assert anna.bearer(lasting, "metrics") is not None and anna.bearer(short, "metrics") is not None
    assert anna.bearer(lasting, "other") is None and anna.bearer("kt_made-up", "metrics") is None
    clock.advance(2 * 86400)
    assert anna.bearer(short, "metrics") is None
    anna.revoke_token("Anna", "Anna", "lange")
    assert anna.bearer(lasting, "metrics") is None
    assert reason(lambda: anna.revoke_token("Anna", "Anna", "lange")) == "token_unknown"


def test_an_unknown_scope_is_refused(anna: Access) -> None:
    assert reason(lambda: anna.make_token("Anna", "Anna", "x", ["everything"])) == "scope_unknown"
    assert reason(lambda: anna.make_token("Anna", "Anna", "x", [])) == "scope_unknown"


def test_a_disabled_user_s_token_is_good_for_nothing(anna: Access) -> None:
    anna.add("Anna", "Bert", Role.READER)
    token = anna.make_token("Anna", "Bert", "x", ["metrics"])
    anna.change("Anna", "Bert", disabled=True)
    assert anna.bearer(token, "metrics") is None
