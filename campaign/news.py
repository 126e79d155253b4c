"""What people are told: one place for the wording of every reason, in German and English.

A reason is stored as its short word, with detail behind a colon ("text_too_long:295/280"). What a person reads is
advice: what happened, and what to do.
"""

from __future__ import annotations

REASONS: dict[str, tuple[str, str]] = {
    # preflight and planning
    "text_too_long": (
        "Der Text ist zu lang für das Netzwerk ({0} Zeichen).",
        "The text is too long for the network ({0} characters).",
    ),
    "text_empty": ("Der Beitrag hat keinen Text.", "The announcement has no text."),
    "text_does_not_fit": ("Der Text passt auch gekürzt nicht: {0}", "The text does not fit even when shortened: {0}"),
    "template_missing": ("Die Vorlage {0} fehlt.", "The template {0} is missing."),
    "template_error": ("Die Vorlage hat einen Fehler: {0}", "The template has an error: {0}"),
    "accidental_link": (
        "»{0}« würde als Link gelten; setzen Sie ein Leerzeichen nach dem Punkt.",
        '"{0}" would be taken for a link; put a space after the full stop.',
    ),
    "alt_missing": ("Dem Bild fehlt die Bildbeschreibung (Alt-Text).", "The picture lacks its description (alt text)."),
    "credit_missing": ("Dem Bild fehlt der Bildnachweis.", "The picture lacks its credit."),
    "credit_not_in_text": ("Der Bildnachweis »{0}« steht nicht im Text.", 'The credit "{0}" is not in the text.'),
    "image_missing": (
        "Die Kampagne verlangt ein Bild, der Ort hat keines.",
        "The campaign requires a picture, the place has none.",
    ),
    "image_unusable": ("Das Bild ist nicht verwendbar: {0}", "The picture can't be used: {0}"),
    "too_many_images": (
        "So viele Bilder nimmt das Netzwerk nicht ({0}).",
        "The network does not take that many pictures ({0}).",
    ),
    "alt_too_long": ("Die Bildbeschreibung ist zu lang ({0} Zeichen).", "The alt text is too long ({0} characters)."),
    "link_invalid": ("Der Link ist keine http(s)-Adresse.", "The link is not an http(s) address."),
    "link_dead": (
        "Der Link antwortet nicht wie erwartet: {0}. Sobald er antwortet, geht es von selbst weiter.",
        "The link does not answer as expected: {0}. Once it does, this goes on by itself.",
    ),
    "place_withdrawn": (
        "Der Ort ist im Portal nicht mehr veröffentlicht.",
        "The portal no longer publishes the place.",
    ),
    "token_expires": (
        "Die Anmeldung des Kanals läuft vorher ab ({0}); bitte neu verbinden.",
        "The channel's sign-in expires before that ({0}); connect it again.",
    ),
    "same_text": (
        "Derselbe Text ging auf X schon hinaus oder ist geplant (Beitrag {0}); X verbietet das.",
        "The same text is out or planned on X already (announcement {0}); X forbids that.",
    ),
    "budget_used_up": (
        "Das Budget der Kampagne ist ausgeschöpft ({0} USD).",
        "The campaign's budget is used up ({0} USD).",
    ),
    "step_before_missed": (
        "Der Schritt davor wurde verpasst; soll dieser trotzdem erscheinen?",
        "The step before was missed; shall this one go out all the same?",
    ),
    "step_before_cancelled": (
        "Der Schritt davor wurde abgesagt; soll dieser trotzdem erscheinen?",
        "The step before was cancelled; shall this one go out all the same?",
    ),
    "place_changed": (
        "Der Ort hat sich im Portal geändert, der Text wurde von Hand bearbeitet oder freigegeben: bitte prüfen.",
        "The place changed in the portal, the text was edited or approved: please check.",
    ),
    "person": ("Von Hand angehalten.", "Held by a person."),
    "many_arrivals": (
        "Auf einmal kamen ungewöhnlich viele Orte; `kreativorte pull --accept` lässt sie zu.",
        "Unusually many places arrived at once; `kreativorte pull --accept` admits them.",
    ),
    # planning: nothing found
    "no_slot": (
        "Bis zum Ende der Kampagne ist kein zulässiger Termin frei.",
        "No permitted slot is free before the campaign ends.",
    ),
    "no_slots": ("Für diesen Kanal sind keine Termine eingetragen.", "No slots are set for this channel."),
    "no_channel": (
        "Kein Kanal der Kampagne gehört zur Region des Ortes.",
        "No channel of the campaign belongs to the place's region.",
    ),
    "quiet_hours": ("In der Ruhezeit geht nichts hinaus.", "Nothing goes out in the quiet hours."),
    "holiday": ("An einem Feiertag geht nichts hinaus ({0}).", "Nothing goes out on a public holiday ({0})."),
    "blackout": ("Sperrzeit: {0}.", "Blackout: {0}."),
    "max_per_day": (
        "Mehr Beiträge sind an diesem Tag nicht erlaubt.",
        "No more announcements are permitted on that day.",
    ),
    "max_per_week": (
        "Mehr Beiträge sind in dieser Woche nicht erlaubt.",
        "No more announcements are permitted in that week.",
    ),
    "min_gap": ("Zu nah an einem anderen Beitrag des Kanals.", "Too close to another announcement of the channel."),
    "not_a_slot": ("Zu dieser Zeit hat der Kanal keinen Termin.", "The channel has no slot at that time."),
    "past": ("Der Zeitpunkt liegt in der Vergangenheit.", "That instant is in the past."),
    "outside_campaign": ("Der Zeitpunkt liegt außerhalb der Kampagne.", "That instant is outside the campaign."),
    # delivery
    "lease_ran_out": (
        "Die Antwort blieb zu lange aus; es wird nachgesehen, ob der Beitrag erschienen ist.",
        "The answer took too long; it is being looked for.",
    ),
    "worker_gone": (
        "Der Dienst endete mitten im Senden; es wird nachgesehen.",
        "The service ended while sending; it is being looked for.",
    ),
    "lease_too_short": (
        "Das Senden wurde aufgeschoben, weil der Rechner zu langsam war.",
        "Sending was put off because the machine was too slow.",
    ),
    "internal": (
        "Ein Fehler im Programm; Einzelheiten stehen im Protokoll.",
        "A fault in the program; the log has details.",
    ),
    "key_does_not_fit": (
        "Die Zugangsdaten lassen sich mit diesem Schlüssel nicht lesen; Kanal neu verbinden.",
        "The tokens can't be read with this key; connect the channel again.",
    ),
    "other_account": ("Die Zugangsdaten gehören zu einem anderen Konto.", "The credentials belong to another account."),
    # doubts handed to a person
    "several_candidates": (
        "Mehrere gleiche Beiträge stehen im Netzwerk; bitte entscheiden: ist es da, oder noch einmal senden?",
        "Several equal posts are on the network; decide: is it there, or send it again?",
    ),
    "blind": (
        "Das Netzwerk ließ sich nicht vollständig lesen; bitte selbst nachsehen: ist es da, oder noch einmal senden?",
        "The network could not be read completely; look yourself: is it there, or send it again?",
    ),
    "looks_incomplete": (
        "Es konnte nicht oft genug nachgesehen werden; bitte selbst nachsehen.",
        "It could not be looked for often enough; look yourself.",
    ),
    "worker_may_live": (
        "Der sendende Rechner könnte noch leben; bitte selbst nachsehen.",
        "The sending machine may still be alive; look yourself.",
    ),
    "refused_as_duplicate": (
        "Das Netzwerk hält den Beitrag für eine Wiederholung, gefunden wurde er nicht; bitte selbst nachsehen.",
        "The network takes it for a repetition, yet it was not found; look yourself.",
    ),
    "reader_unproved": (
        "Nicht gefunden, doch das Nachsehen auf diesem Kanal ist noch nicht erprobt; bitte selbst nachsehen.",
        "Not found, but whether looking is reliable on this channel is not proved yet; look yourself.",
    ),
    "asked_to_ask": (
        "Nicht gefunden; laut Einstellung entscheidet eine Person.",
        "Not found; by the setting a person decides.",
    ),
    "too_many_resends": (
        "Schon mehrmals erneut gesendet und nicht gefunden; bitte selbst nachsehen.",
        "Sent again several times and not found; look yourself.",
    ),
    "database_restored": (
        "Der Datenbank fehlen Einträge, die dieser Rechner kannte: sie wurde zurückgespielt. Die Bremse ist gezogen.",
        "The database lacks entries that this machine has seen: it was restored. The brake is on.",
    ),
}


def sentence(reason: str | None, language: str = "de") -> str:
    """The sentence for a stored reason; an unknown word is shown as it is, never hidden."""
    if not reason:
        return ""
    word, _, detail = reason.partition(":")
    if word not in REASONS:
        return reason
    german, english = REASONS[word]
    return (english if language == "en" else german).format(detail)


def sentences(reasons: list[str], language: str = "de") -> list[str]:
    """The sentences for several reasons."""
    return [sentence(reason, language) for reason in reasons]
