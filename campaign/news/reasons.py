"""Why something stands as it stands: reasons as they are stored with announcements, channels, portals and rows."""

from __future__ import annotations

REASONS: dict[str, tuple[str, str]] = {
    # preflight and planning
    "text_too_long": (
        "Der Text ist zu lang für das Netzwerk ({0} Zeichen).",
        "The text is too long for the network ({0} characters).",
    ),
    "text_empty": ("Der Beitrag hat keinen Text.", "The announcement has no text."),
    "text_unreadable": (
        "Der Text enthält Steuerzeichen, die kein Netzwerk zeigt; bitte neu eingeben.",
        "The text holds control characters that no network shows; please type it anew.",
    ),
    "text_does_not_fit": (
        "Der Text passt auch gekürzt nicht ({0} Zeichen).",
        "The text does not fit even when shortened ({0} characters).",
    ),
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
    "step_before_refused": (
        "Der Schritt davor wurde vom Netzwerk abgelehnt; soll dieser trotzdem erscheinen?",
        "The network refused the step before; shall this one go out all the same?",
    ),
    "place_changed": (
        "Der Ort hat sich im Portal geändert, der Text wurde von Hand bearbeitet oder freigegeben: bitte prüfen.",
        "The place changed in the portal, the text was edited or approved: please check.",
    ),
    "posted_place_changed": (
        "Der Ort hat sich im Portal geändert, seit dieser Beitrag erschien: bitte prüfen, ob er noch stimmt.",
        "The place changed in the portal since this went out: please check whether it is still right.",
    ),
    "place_merged": (
        "Der Ort steht in zwei Portalen und wird einmal angekündigt.",
        "Two portals list the place; it is announced once.",
    ),
    "place_skipped": (
        "Der Ort wird auf Entscheidung der Redaktion nicht angekündigt.",
        "Staff decided not to announce the place.",
    ),
    "campaign_ended": ("Die Kampagne wurde beendet.", "The campaign was ended."),
    "person": ("Von Hand angehalten.", "Held by a person."),
    # planning: nothing found
    "no_slot": (
        "Bis zum Ende der Kampagne ist kein zulässiger Termin frei.",
        "No permitted slot is free before the campaign ends.",
    ),
    "after_campaign": (
        "Der Schritt fiele hinter das Ende der Kampagne.",
        "The step would fall behind the campaign's end.",
    ),
    "before_next_call": (
        "Vor dem nächsten Aufruf ist kein zulässiger Termin frei.",
        "No permitted slot is free before the next call.",
    ),
    "beyond_horizon": (
        "Im geplanten Zeitraum ist kein Termin frei; spätere Planungen finden vielleicht einen.",
        "No slot is free in the planned span; a later planning may find one.",
    ),
    "step_before_unplaced": (
        "Der Schritt davor hat noch keinen Termin.",
        "The step before has no slot yet.",
    ),
    "other_x_account": (
        "Der Ort erscheint schon auf einem anderen X-Konto; X verbietet denselben Text auf mehreren.",
        "The place goes out on another X account already; X forbids the same text on several.",
    ),
    "channel_paused": (
        "Der Kanal ist angehalten; `kreativorte channel resume` lässt ihn weitergehen.",
        "The channel is paused; `kreativorte channel resume` lets it go on.",
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
    "stopped_before_call": (
        "Das Senden wurde im letzten Augenblick aufgehalten (Notbremse oder Absage).",
        "Sending was stopped at the last moment (emergency brake or cancelled).",
    ),
    "database_away": (
        "Das Senden wurde aufgeschoben, weil die eigene Datenbank nicht antwortete.",
        "Sending was put off because the own database did not answer.",
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
    "pictures_differ": (
        "Im Netzwerk steht ein solcher Beitrag, aber mit einer anderen Zahl von Bildern; bitte entscheiden: ist er es, "
        "oder noch einmal senden?",
        "Such a post is on the network, but with another number of pictures; decide: is it that, or send it again?",
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
    # databases that may forget what they confirmed
    "synchronous_commit": (
        "PostgreSQL bestätigt, bevor geschrieben ist (synchronous_commit = off); bitte einschalten, "
        "sonst kann nach einem Stromausfall doppelt gesendet werden.",
        "PostgreSQL confirms before it has written (synchronous_commit = off); switch it on, or a power cut may "
        "lead to a second post.",
    ),
    "fsync": (
        "PostgreSQL schreibt nicht sicher auf die Platte (fsync = off); bitte einschalten.",
        "PostgreSQL does not write to disk for sure (fsync = off); switch it on.",
    ),
    "full_page_writes": (
        "PostgreSQL kann nach einem Stromausfall beschädigt sein (full_page_writes = off); bitte einschalten.",
        "PostgreSQL may be damaged by a power cut (full_page_writes = off); switch it on.",
    ),
    "replicas_lag": (
        "Die Replikate von PostgreSQL hinken nach (synchronous_standby_names ist leer); nach einem Wechsel fehlen "
        "Einträge.",
        "PostgreSQL's replicas lag (synchronous_standby_names is empty); after a fail-over entries are missing.",
    ),
    "network_drive": (
        "Die Datenbankdatei liegt auf einem Netzlaufwerk; dort halten ihre Sperren nicht. Bitte auf eine lokale Platte "
        "legen oder PostgreSQL nehmen.",
        "The database file lies on a network drive, where its locks don't hold. Put it on a local disk or use "
        "PostgreSQL.",
    ),
    # what networks answer: the post itself must be changed
    "too_long": (
        "Das Netzwerk hält den Text für zu lang; bitte kürzen.",
        "The network takes the text for too long; shorten it.",
    ),
    "media_invalid": (
        "Das Netzwerk nimmt diese Bilddatei nicht; bitte ein anderes Bild wählen.",
        "The network does not take this picture file; choose another picture.",
    ),
    "media_changed": (
        "Die vorbereitete Bilddatei fehlt oder wurde verändert; bitte das Bild neu wählen.",
        "The prepared picture file is gone or was changed; choose the picture again.",
    ),
    "link_refused": (
        "Das Netzwerk nimmt diesen Link nicht (etwa einen auf sich selbst); bitte einen anderen setzen.",
        "The network does not take this link (such as one to itself); set another one.",
    ),
    "link_unreachable": (
        "Das Netzwerk konnte die verlinkte Seite nicht öffnen; bitte prüfen, ob sie öffentlich erreichbar ist.",
        "The network could not open the linked page; check that it can be reached publicly.",
    ),
    "content_rules": (
        "Der Beitrag verstößt nach Ansicht des Netzwerks gegen seine Regeln; bitte ändern.",
        "The network takes the post for a breach of its rules; change it.",
    ),
    "reply_not_allowed": (
        "Das Netzwerk erlaubt diese Antwort nicht.",
        "The network does not permit this reply.",
    ),
    "invalid_request": (
        "Das Netzwerk hat eine Angabe nicht verstanden; Einzelheiten stehen im Protokoll.",
        "The network did not take one of the parameters; the log has details.",
    ),
    "not_permitted": (
        "Das Netzwerk hat den Beitrag ohne klaren Grund abgelehnt; bitte Länge, Bild und Berechtigungen prüfen.",
        "The network refused the post without a clear reason; check length, picture and permissions.",
    ),
    "not_found": (
        "Der Beitrag oder die Seite ist im Netzwerk nicht mehr zu finden.",
        "The post or Page is not to be found on the network any more.",
    ),
    "not_editable": (
        "Dieses Netzwerk erlaubt kein Ändern; zurückziehen und neu anlegen geht.",
        "This network has no editing; withdraw the post and add a new one.",
    ),
    # what networks answer: the account needs a person
    "token_expired": (
        "Die Anmeldung des Kanals ist abgelaufen; bitte neu verbinden.",
        "The channel's sign-in has expired; connect it again.",
    ),
    "token_invalid": (
        "Das Netzwerk erkennt die Zugangsdaten des Kanals nicht an; bitte neu verbinden.",
        "The network does not accept the channel's tokens; connect it again.",
    ),
    "app_removed": (
        "Die App wurde im Konto entfernt; bitte dort wieder zulassen und den Kanal neu verbinden.",
        "The app was taken out of the account; admit it there again and connect the channel again.",
    ),
    "password_changed": (
        "Das Passwort des Kontos wurde geändert; bitte den Kanal neu verbinden.",
        "The account's password was changed; connect the channel again.",
    ),
    "login_check": (
        "Das Netzwerk verlangt eine Bestätigung; bitte dort anmelden und sie geben.",
        "The network wants a confirmation; sign in there and give it.",
    ),
    "role_missing": (
        "Der verbundenen Person fehlt die nötige Rolle auf der Seite; bitte dort vergeben.",
        "The connected person lacks the role on the Page; grant it there.",
    ),
    "permission_missing": (
        "Dem Zugang fehlt eine Berechtigung ({0}); bitte mit allen Berechtigungen neu verbinden.",
        "The access lacks a permission ({0}); connect again with all permissions.",
    ),
    "identity_unconfirmed": (
        "Facebook verlangt, dass die Identität bestätigt wird, bevor die Seite veröffentlichen darf.",
        "Facebook wants the identity confirmed before the Page may publish.",
    ),
    "app_secret_wrong": (
        "Das App-Geheimnis passt nicht zur App; bitte in den Zugangsdaten berichtigen.",
        "The app secret does not belong to the app; correct it in the credentials.",
    ),
    "app_not_enrolled": (
        "Die App darf die Schnittstelle nicht benutzen; bitte im Entwicklerportal einem Projekt zuordnen.",
        "The app may not use the API; put it into a project in the developer portal.",
    ),
    "account_limited": (
        "Das Netzwerk hat das Konto eingeschränkt; bitte dort nachsehen.",
        "The network has limited the account; look there.",
    ),
    "account_suspended": (
        "Das Netzwerk hat das Konto gesperrt; bitte dort nachsehen.",
        "The network has suspended the account; look there.",
    ),
    "wrong_account": (
        "Die Zugangsdaten gehören zu einem anderen Konto als der Kanal.",
        "The tokens belong to another account than the channel.",
    ),
    "credits": (
        "Das Guthaben für die Schnittstelle ist aufgebraucht; bitte aufladen.",
        "The prepaid credits are used up; top them up.",
    ),
    "spend_cap": (
        "Die Ausgabengrenze des Abrechnungszeitraums ist erreicht.",
        "The spending limit of the billing cycle is reached.",
    ),
    # what networks answer: later
    "rate_limited": (
        "Das Netzwerk bittet um Geduld; es geht von selbst weiter.",
        "The network asks for patience; this goes on by itself.",
    ),
    "usage_cap": (
        "Das Monatskontingent der Schnittstelle ist aufgebraucht; es wird wieder versucht.",
        "The month's number of calls is used up; it is tried again.",
    ),
    "posting_blocked": (
        "Das Netzwerk hat das Veröffentlichen vorübergehend gesperrt; es wird später wieder versucht.",
        "The network has blocked posting for a while; it is tried again later.",
    ),
    "unavailable": (
        "Das Netzwerk ist gestört; es wird wieder versucht.",
        "The network has an outage; it is tried again.",
    ),
    "no_connection": (
        "Das Netzwerk war nicht zu erreichen, gesendet wurde nichts; es wird wieder versucht.",
        "The network could not be reached, nothing was sent; it is tried again.",
    ),
    "refresh_busy": (
        "Ein anderer Dienst erneuert gerade die Anmeldung des Kanals; es wird wieder versucht.",
        "Another worker renews the channel's sign-in at this moment; it is tried again.",
    ),
    # what networks answer: doubt
    "duplicate": (
        "Das Netzwerk hält den Beitrag für eine Wiederholung; es wird nachgesehen, ob er schon erschienen ist.",
        "The network takes the post for a repetition; whether it is out already is being looked for.",
    ),
    "timeout": (
        "Gesendet, aber die Antwort kam nicht rechtzeitig; es wird nachgesehen.",
        "Sent, but the answer did not come in time; it is being looked for.",
    ),
    "connection_lost": (
        "Die Verbindung brach beim Senden ab; es wird nachgesehen.",
        "The connection broke while sending; it is being looked for.",
    ),
    "server_error": (
        "Das Netzwerk meldet einen eigenen Fehler; es wird nachgesehen, ob der Beitrag trotzdem erschienen ist.",
        "The network reports a fault of its own; whether the post is out all the same is being looked for.",
    ),
    "unreadable_answer": (
        "Die Antwort des Netzwerks war nicht lesbar; es wird nachgesehen.",
        "The network's answer could not be read; it is being looked for.",
    ),
    "unknown_answer": (
        "Das Netzwerk hat Unbekanntes geantwortet; es wird nachgesehen.",
        "The network gave an unknown answer; it is being looked for.",
    ),
    "upload_failed": (
        "Das Hochladen des Bildes ist gescheitert; es wird wieder versucht.",
        "Uploading the picture failed; it is tried again.",
    ),
    "incomplete": (
        "Die Zeitleiste des Netzwerks ließ sich nicht bis zum Ende lesen.",
        "The network's time-line could not be read to its end.",
    ),
    # what checking a channel finds
    "expiry_unknown": (
        "Wann die Anmeldung abläuft, ist unbekannt; app_id und app_secret in den Zugangsdaten machen es sichtbar.",
        "When the sign-in expires is unknown; app_id and app_secret in the credentials show it.",
    ),
    "own_posts_unknown": (
        "Eigene Beiträge sind nicht von denen anderer Apps zu unterscheiden; app_id in den Zugangsdaten ändert das.",
        "Our posts can't be told from those of other apps; app_id in the credentials changes that.",
    ),
    "not_a_page_token": (
        "Das ist kein Zugang einer Seite, sondern einer Person; bitte den Zugang der Seite eintragen.",
        "This is no Page token but a person's; give the Page's token.",
    ),
    "wrong_app": (
        "Der Zugang stammt von einer anderen App als app_id nennt.",
        "The token was made by another app than app_id names.",
    ),
    "data_access_ends": (
        "Das Lesen endet am {0}, wenn sich bis dahin niemand neu anmeldet; bitte den Kanal neu verbinden.",
        "Reading stops on {0} unless somebody signs in again; connect the channel again.",
    ),
    "version_differs": (
        "Facebook antwortet mit der Version {0} statt der eingestellten; bitte facebook.graph_version prüfen.",
        "Facebook answers with version {0} instead of the configured one; check facebook.graph_version.",
    ),
    "no_refresh_token": (
        "Die Anmeldung läuft bald ab und lässt sich nicht erneuern; bitte mit offline.access neu verbinden.",
        "The sign-in expires soon and can't be renewed; connect again with offline.access.",
    ),
    # engagement
    "vanished": (
        "Der Beitrag ist im Netzwerk nicht mehr zu finden; gelöscht hat ihn nicht der Kampagnenplaner.",
        "The post is no longer to be found on the network; it was not the scheduler that deleted it.",
    ),
    "measuring_calls": (
        "Für heute sind die Abfragen für Kennzahlen aufgebraucht; morgen geht es weiter.",
        "Today's calls for engagement figures are used up; it goes on tomorrow.",
    ),
    "measuring_budget": (
        "Das Geld für Kennzahlen ist für diesen Monat aufgebraucht (Einstellung engagement.budget).",
        "This month's money for engagement figures is used up (setting engagement.budget).",
    ),
    "measuring_permission": (
        "Dem Kanal fehlt die Berechtigung {0}; was sie lesen ließe, gilt als nicht bekannt. Bitte den Kanal mit "
        "ihr neu verbinden.",
        "The channel lacks the permission {0}; what it would show counts as not known. Connect the channel again with "
        "it.",
    ),
    "measuring_failed": (
        "Die Kennzahlen ließen sich nicht abfragen: {0}",
        "The engagement figures could not be asked for: {0}",
    ),
    # portals: why a list was not read or not taken over
    "portal_unreachable": (
        "Das Portal ist nicht zu erreichen; es wird wieder versucht ({0}).",
        "The portal can't be reached; it is tried again ({0}).",
    ),
    "portal_misconfigured": (
        "Das Portal passt nicht zu seiner Einstellung; bitte kreativorte.toml berichtigen ({0}).",
        "The portal does not fit its settings; correct kreativorte.toml ({0}).",
    ),
    "portal_list_empty": (
        "Das Portal liefert eine leere Liste, bekannt sind {0} Orte; es wurde nichts übernommen. Ist das richtig so, "
        "lässt `kreativorte pull --accept` es zu.",
        "The portal gives an empty list, {0} places are known; nothing was taken over. If that is right, "
        "`kreativorte pull --accept` admits it.",
    ),
    "portal_list_short": (
        "In der Liste des Portals fehlt ein großer Teil der Orte ({0}); es wurde nichts übernommen. Ist das richtig "
        "so, lässt `kreativorte pull --accept` es zu.",
        "A large part of the places is missing in the portal's list ({0}); nothing was taken over. If that is right, "
        "`kreativorte pull --accept` admits it.",
    ),
    # portals: why a place waits for a person
    "place_waits": ("Der Ort wartet noch auf eine Entscheidung.", "The place still waits for a decision."),
    "place_in_burst": (
        "Das Portal zeigt auf einmal ungewöhnlich viele neue Orte ({0}); `kreativorte pull --accept` lässt sie zu.",
        "The portal shows unusually many new places at once ({0}); `kreativorte pull --accept` admits them.",
    ),
    "place_known_elsewhere": (
        "Ein Ort mit derselben Adresse ist schon bekannt, unter einer anderen Kennung.",
        "A place with the same address is known already, under another id.",
    ),
    "place_namesake": (
        "Ein Ort dieses Namens in derselben Gemeinde ist schon bekannt, unter einer anderen Kennung.",
        "A place of this name in the same town is known already, under another id.",
    ),
    # portals: why a row became no place
    "row_without_id": ("Die Zeile hat keine Kennung.", "The row has no id."),
    "row_id_repeated": (
        "Die Kennung »{0}« kommt mehrfach vor; nur die erste Zeile gilt.",
        'The id "{0}" occurs several times; only the first row counts.',
    ),
    "row_without_name": ("Der Ort hat keinen Namen.", "The place has no name."),
    "row_without_url": ("Der Ort hat keine Adresse (URL).", "The place has no address (URL)."),
    "row_url_invalid": (
        "Die Adresse »{0}« ist keine http(s)-Adresse.",
        'The address "{0}" is not an http(s) address.',
    ),
    "row_without_date": ("Das Datum der Veröffentlichung fehlt.", "The date of publication is missing."),
    "row_date_unreadable": (
        "Das Datum der Veröffentlichung »{0}« ist nicht lesbar.",
        'The date of publication "{0}" can\'t be read.',
    ),
    "row_withdrawn_unreadable": (
        "Ob der Ort noch gezeigt wird, ist nicht lesbar: »{0}« heißt weder ja noch nein.",
        'Whether the place is still shown can\'t be read: "{0}" means neither yes nor no.',
    ),
}

PICTURES: dict[str, tuple[str, str]] = {
    # why a picture can't be had: the detail of "image_unusable"
    "address_invalid": ("Die Bildadresse ist nicht gültig.", "The picture's address is not valid."),
    "address_scheme": (
        "Die Bildadresse beginnt nicht mit https:// oder http://.",
        "The picture's address does not begin with https:// or http://.",
    ),
    "address_with_credentials": ("Die Bildadresse enthält Zugangsdaten.", "The picture's address holds credentials."),
    "no_folder": (
        "Für Bilder ohne Webadresse ist kein Ordner eingestellt.",
        "No folder is set for pictures without a web address.",
    ),
    "outside_folder": (
        "Der Bildpfad führt aus dem Bilderordner hinaus.",
        "The picture's path leads out of the folder of pictures.",
    ),
    "not_in_folder": (
        "Die Bilddatei gibt es im Bilderordner nicht.",
        "The picture's file is not in the folder of pictures.",
    ),
    "file_unreadable": ("Die Bilddatei {0} lässt sich nicht lesen.", "The picture's file {0} can't be read."),
    "private_address": ("{0} liegt nicht im öffentlichen Netz.", "{0} is not on the public network."),
    "redirects": ("Das Bild wird zu oft weitergeleitet.", "The picture is redirected too often."),
    "slow": ("{0} liefert das Bild nicht rechtzeitig.", "{0} does not give the picture in time."),
    "certificate": ("Das Zertifikat von {0} ist nicht gültig.", "The certificate of {0} is not valid."),
    "unreachable": (
        "{0} ist nicht zu erreichen oder bricht die Übertragung ab.",
        "{0} can't be reached or breaks the transfer off.",
    ),
    "missing": ("Das Bild gibt es bei {0} nicht mehr.", "{0} does not have the picture any more."),
    "unavailable": (
        "Das Bild wird gerade nicht geliefert ({0}).",
        "The picture is not given at the moment ({0}).",
    ),
    "forbidden": ("Das Bild wird nicht herausgegeben ({0}).", "The picture is not given out ({0})."),
    "not_an_image": (
        "Unter der Adresse liegt kein Bild, sondern etwas anderes ({0}).",
        "At the address there is no picture but something else ({0}).",
    ),
    "too_large": ("Die Bilddatei ist größer als {0}.", "The picture's file is larger than {0}."),
    "too_many_pixels": (
        "Das Bild hat mehr als {0} Millionen Bildpunkte.",
        "The picture has more than {0} million pixels.",
    ),
    "unreadable": (
        "Die Datei ist kein lesbares Bild oder unvollständig.",
        "The file is no readable picture, or not complete.",
    ),
    "cannot_shrink": (
        "Das Bild lässt sich nicht auf {0} verkleinern.",
        "The picture can't be shrunk to {0}.",
    ),
    "unsupported": (
        "Das Netzwerk nimmt weder JPEG noch PNG an.",
        "The network takes neither JPEG nor PNG.",
    ),
    "not_stored": ("Das Bild lässt sich nicht ablegen ({0}).", "The picture can't be stored ({0})."),
}
