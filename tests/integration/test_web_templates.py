"""Vorlagen: the list, the editor with its trials, revisions and their differences, in every role and both languages."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from bs4 import Tag

from campaign import templating
from campaign.roles import Role
from campaign.web import templates_page
from posts.clock import ManualClock
from posts.render import variables_help
from posts.render.filters import ALL
from posts.sandbox.server import Server
from tests.integration.guest import Guest, hurried
from tests.integration.harness import House
from tests.integration.test_templating import BETTER, introductions, planned_house

PAGE = "/vorlagen/twitter/vorstellung"
HOSTILE = "<script>alert(1)</script> {{ name }} <img src=x onerror=alert(2)> {{ link }}\n{{ credit | bildnachweis }}\n"


@pytest.fixture
def house(tmp_path: Path, clock: ManualClock) -> Iterator[House]:
    with Server(clock=clock) as server:
        made = planned_house(tmp_path, f"sqlite:///{tmp_path / 'k.db'}", server, clock)
        hurried(made.app)
        yield made
        made.app.close()


@pytest.fixture
def guest(house: House) -> Guest:
    return Guest(house.app).become("Erna Editorin", Role.EDITOR)


def typed(guest: Guest) -> str:
    """What stands in the editor; browsers drop one line feed after the tag, which the parser of these tests keeps."""
    field = guest.page.select_one("textarea#text")
    assert isinstance(field, Tag)
    return field.get_text().removeprefix("\n")


def shown(guest: Guest, selector: str) -> str:
    return " ".join(" ".join(one.get_text(" ").split()) for one in guest.page.select(selector))


def press(guest: Guest, words: str, text: str | None = None, **fields: str) -> Guest:
    """Press one of the editor's buttons, which each lead elsewhere."""
    form = guest.page.select_one("form#editor")
    assert isinstance(form, Tag)
    (button,) = [one for one in form.select("button") if one.get_text().strip() == words]
    held = {str(one["name"]): str(one.get("value", "")) for one in form.select("input[name]")}
    held |= {"text": typed(guest) if text is None else text, "ort": "long"} | fields
    if button.get("name"):
        held[str(button["name"])] = str(button["value"])
    return guest._took(guest.client.post(str(button.get("formaction") or form["action"]), data=held))


# --- the list


def test_the_list_shows_networks_side_by_side_with_use_and_lengths(house: House, guest: Guest) -> None:
    guest.get("/vorlagen")
    assert [one.get_text() for one in guest.page.select("main thead th")] == [
        "Vorlage",
        "Facebook",
        "X",
        "Gebraucht von",
    ]
    (row,) = [one for one in guest.page.select("main tbody tr") if one.th and one.th.get_text() == "vorstellung"]
    words = " ".join(row.get_text(" ").split())
    assert "mitgeliefert" in words and "Kreativorte der Altmark · Schritt »vorstellung«" in words
    assert "von 280 Zeichen" in words and "fast leer" in words and "63.206" in words
    assert {str(one["href"]) for one in row.select("a")} == {"/vorlagen/facebook/vorstellung", PAGE}


def test_what_is_in_use_and_what_waits_is_told(house: House, guest: Guest) -> None:
    templating.save(house.app, "twitter", "vorstellung", BETTER, "", base=0, use=True)
    templating.save(house.app, "twitter", "vorstellung", BETTER + "Mehr\n", "", base=1, use=False)
    house.app.apply_campaign(house_campaign().replace('template = "aufruf"', 'template = "fehlt"'))
    words = guest.get("/vorlagen").words
    assert "Fassung 1" in words and "cli:anna" in words and "Entwurf wartet" in words
    assert "Diese Vorlage fehlt; Beiträge damit werden angehalten." in words


def house_campaign() -> str:
    from tests.integration.test_templating import CAMPAIGN

    return CAMPAIGN.format(approval="one")


# --- the editor


def test_the_page_shows_the_text_its_uses_and_both_networks(house: House, guest: Guest) -> None:
    guest.get(PAGE)
    assert typed(guest).startswith("{# Vorstellung auf X")
    assert "In Gebrauch ist die mitgelieferte Datei." in guest.words
    assert "Kreativorte der Altmark (vorstellung)" in guest.words
    assert f"Geplante Beiträge mit dieser Vorlage: {len(introductions(house))}." in guest.words
    assert [one.get_text(" ").split()[0] for one in guest.page.select("#vorschau h3")] == ["X", "Facebook"]
    assert "Neu auf unserer Karte: Kreativhof" in shown(guest, "#vorschau .sheet-text")


def test_the_trial_is_made_on_any_place(house: House, guest: Guest) -> None:
    number = next(one["id"] for one in house.app.places() if one["name"] == "Brennerei")
    guest.get(f"{PAGE}?ort={number}")
    assert "In Brennerei entsteht etwas." in shown(guest, "#vorschau .sheet-text")
    assert guest.page.select_one(f'#ort option[value="{number}"][selected]') is not None
    guest.get(f"{PAGE}?ort={number}&suche=mühle kalbe")
    labels = [one.get_text() for one in guest.page.select("#ort optgroup:last-of-type option")]
    assert labels == ["Brennerei", "Alte Mühle, Kalbe"]
    assert "Einen Ort 999 gibt es nicht" in guest.get(f"{PAGE}?ort=999").words


def test_typing_is_tried_and_nothing_is_saved(house: House, guest: Guest) -> None:
    guest.get(PAGE)
    press(guest, "Vorschau", "Grüße aus {{ name }}\n{{ link }}\n{{ credit | bildnachweis }}")
    assert guest.status == 200 and typed(guest).startswith("Grüße aus")
    assert "Grüße aus Kreativhof" in shown(guest, "#vorschau .card-one:first-child .sheet-text")
    assert "Neu auf unserer Karte" in shown(guest, "#vorschau .card-one:last-child .sheet-text")
    assert "Fassung 1" not in guest.get(PAGE).words


@pytest.mark.parametrize(
    ("text", "line", "told"),
    [
        ("eins\nzwei {{ nmae }}\n{{ link }}", "2", "gemeint ist vielleicht »name«"),
        ("eins\n\n{% optional 2 %}\n{{ name }}", "4", "nicht geschlossen"),
        ("{{ name | gibtesnicht }}", "1", "Den Filter »gibtesnicht« gibt es nicht"),
        ("a\nb\n{{ name + 1 }}", "3", "nur Zahlen verrechnen"),
        ("{% for a in range(9999) %}{% for b in range(9999) %}x{% endfor %}{% endfor %}", "1", "zu oft"),
    ],
)
def test_an_error_is_told_at_its_line_and_nothing_breaks(guest: Guest, text: str, line: str, told: str) -> None:
    guest.get(PAGE)
    press(guest, "Vorschau", text)
    assert guest.status == 200 and told in shown(guest, "#befund")
    assert shown(guest, ".faulty") == f"{line} {text.splitlines()[int(line) - 1]}"
    press(guest, "Speichern und verwenden", text)
    assert guest.status == 422 and told in shown(guest, "main [role=alert]")
    assert typed(guest) == text  # nothing that was typed is lost


def test_a_text_is_saved_and_used_in_the_person_s_name(house: House, guest: Guest) -> None:
    guest.get(PAGE)
    press(guest, "Speichern und verwenden", BETTER.replace("\n", "\r\n"), notiz="kürzer")
    assert guest.path == PAGE and "Gespeichert und in Gebrauch" in shown(guest, "main > .frame > [role=status]")
    assert typed(guest) == BETTER
    assert "In Gebrauch ist Fassung 1 von Erna Editorin." in guest.words
    assert "kürzer" in shown(guest, "#fassung-1")
    assert all(one["text"].startswith("Ganz neu") for one in introductions(house))


def test_a_draft_is_kept_and_the_page_says_that_it_is_none_in_use(house: House, guest: Guest) -> None:
    guest.get(PAGE)
    press(guest, "Als Entwurf speichern", "{{ kaputt")
    assert "Als Entwurf gespeichert" in guest.words and typed(guest) == "{{ kaputt\n"
    assert "die nicht in Gebrauch ist" in guest.words
    guest.press("Verwenden", "#fassung-1")
    assert "So kann die Vorlage nicht verwendet werden" in shown(guest, "#fassung-1 [role=alert]")
    assert not any(one["text"].startswith("{{") for one in introductions(house))


def test_two_people_at_once_lose_nothing(house: House, guest: Guest) -> None:
    guest.get(PAGE)
    templating.save(house.app, "twitter", "vorstellung", BETTER, "", base=0, use=True)
    press(guest, "Speichern und verwenden", BETTER + "Von Erna\n")
    assert guest.status == 422 and "Inzwischen hat cli:anna die Fassung 1 gespeichert" in guest.words
    press(guest, "Speichern und verwenden")
    assert "In Gebrauch ist Fassung 2 von Erna Editorin." in guest.words


# --- revisions


def test_revisions_are_compared_opened_and_used_again(house: House, guest: Guest) -> None:
    templating.save(house.app, "twitter", "vorstellung", BETTER, "", base=0, use=True)
    templating.save(house.app, "twitter", "vorstellung", BETTER.replace("Ganz", "Völlig"), "", base=1, use=True)
    guest.get(f"{PAGE}?von=1&nach=2")
    (out,), (new,) = guest.page.select(".diff del mark"), guest.page.select(".diff ins mark")
    assert (out.get_text(), new.get_text()) == ("Ganz", "Völlig")
    assert "entfernt: Ganz neu: {{ name }}" in shown(guest, ".diff del") and "neu:" in shown(guest, ".diff ins")
    assert "Beide Texte sind gleich." in guest.get(f"{PAGE}?von=1&nach=1").words
    assert typed(guest.get(f"{PAGE}?fassung=1")) == BETTER
    guest.press("Verwenden", "#fassung-1")
    assert "Diese Fassung ist in Gebrauch" in guest.words and "in Gebrauch" in shown(guest, "#fassung-1")
    assert introductions(house)[0]["text"].startswith("Ganz neu")
    guest.press("Verwenden", "#fassung-0")
    assert "In Gebrauch ist die mitgelieferte Datei." in guest.words
    assert introductions(house)[0]["text"].startswith("Neu auf unserer Karte")


def test_a_new_template_begins_as_a_copy(house: House, guest: Guest) -> None:
    guest.get(PAGE)
    guest.press("Kopie anlegen", "#kopieren", neu="mit umlaut ä", netzwerk="twitter")
    assert guest.path == PAGE and "Buchstaben ohne Umlaute" in shown(guest, "#kopieren [role=alert]")
    guest.press("Kopie anlegen", "#kopieren", neu="kurz-und-gut", netzwerk="facebook")
    assert guest.path == "/vorlagen/facebook/kurz-und-gut" and "Angelegt als Entwurf" in guest.words
    assert "Nur Entwürfe; in Gebrauch ist noch keine Fassung." in guest.words
    assert "nur Entwürfe" in guest.get("/vorlagen").words


# --- who may, and what is shown as text


def test_a_reader_sees_everything_and_changes_nothing(house: House) -> None:
    reader = Guest(house.app).become("Rita", Role.READER)
    assert "Vorlagen" in reader.words
    reader.get(f"{PAGE}?ort=short")
    assert reader.page.select_one("textarea") is None and "{{ name }}" in shown(reader, "pre.source")
    assert "Neu auf unserer Karte: Hof" in shown(reader, "#vorschau .sheet-text")
    assert set(reader.buttons("main")) == {"Vorschau"}
    for verb in ("vorschau", "speichern", "verwenden", "kopieren"):
        assert reader.post(f"{PAGE}/{verb}", reader.token(), text="x").status == 403
    assert templating.work_on(house.app, "twitter", "vorstellung").newest == 0


def test_a_change_without_proof_is_not_made(house: House, guest: Guest) -> None:
    guest.get(PAGE)
    assert guest.post(f"{PAGE}/speichern", "made-up", text=BETTER, verwenden="true").status == 403
    assert templating.work_on(house.app, "twitter", "vorstellung").newest == 0


@pytest.mark.parametrize("path", ["/vorlagen/myspace/x", "/vorlagen/twitter/fehlt", "/vorlagen/twitter/..%2f..%2fweb"])
def test_what_is_not_there_is_said(guest: Guest, path: str) -> None:
    assert guest.get(path).status == 404


def test_what_is_typed_is_shown_as_text(house: House, guest: Guest) -> None:
    guest.get(PAGE)
    press(guest, "Als Entwurf speichern", HOSTILE, notiz="<b>fett</b> %(x)s {{ 7 * 7 }}")
    assert guest.status == 200 and "<b>fett</b> %(x)s {{ 7 * 7 }}" in guest.words
    guest.get(f"{PAGE}?von=0&nach=1")
    assert not guest.page.select("main script, main img, main b")
    press(guest, "Vorschau", "</textarea><script>alert(1)</script>\n{{ link }}")
    assert not guest.page.select("main script") and typed(guest).startswith("</textarea><script>")


def test_a_text_keeps_its_first_empty_line(guest: Guest) -> None:
    guest.get(PAGE)
    press(guest, "Vorschau", "\n\nHallo {{ link }}")
    assert typed(guest) == "\n\nHallo {{ link }}"


def test_the_pages_speak_english(house: House, guest: Guest) -> None:
    guest.press("English")
    words = guest.get("/vorlagen").words
    assert "Used by" in words and "characters" in words and "Gebraucht" not in words
    words = guest.get(PAGE).words
    assert "The shipped file is in use." in words and "the place's name" in words and "Fassung" not in words


# --- the help


def test_the_help_names_every_variable_and_every_filter_is_known() -> None:
    assert tuple(templates_page.VARIABLES.items()) == variables_help()
    assert set(templates_page.INSERTED) <= set(templates_page.VARIABLES)


def test_what_the_buttons_insert_is_allowed(house: House) -> None:
    inserted = [templates_page.INSERTED.get(name, f"{{{{ {name} }}}}") for name in templates_page.VARIABLES]
    for piece in (*inserted, *templates_page.PIECES):
        found = templating.trial(house.app, "twitter", "x", f"Wort {piece}\n{{{{ link }}}}", None)
        assert not [reason for reason in found.reasons if reason.startswith("template_error")], piece
    assert {"elastic", "und", "hashtag", "hashtags", "datum", "bildnachweis"} <= set(ALL)
