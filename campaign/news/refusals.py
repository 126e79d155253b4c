"""Why something that a person asked for can't be done, and what would help."""

from __future__ import annotations

REFUSALS: dict[str, tuple[str, str]] = {
    # what was named does not exist
    "announcement_unknown": ("Einen Beitrag {0} gibt es nicht.", "There is no announcement {0}."),
    "announcements_unknown": ("Diese Beiträge gibt es nicht: {0}.", "These announcements do not exist: {0}."),
    "channel_unknown": (
        "Einen Kanal »{0}« gibt es nicht; `kreativorte channel list` zeigt sie.",
        'There is no channel "{0}"; `kreativorte channel list` shows them.',
    ),
    "campaign_unknown": (
        "Eine Kampagne »{0}« gibt es nicht; `kreativorte campaign list` zeigt sie.",
        'There is no campaign "{0}"; `kreativorte campaign list` shows them.',
    ),
    "campaign_ended_already": (
        "Die Kampagne »{0}« ist schon beendet.",
        'The campaign "{0}" has ended already.',
    ),
    "campaign_channels_unknown": (
        "Diese Kanäle der Kampagne gibt es nicht: {0}; `kreativorte channel add` legt sie an.",
        "These channels of the campaign do not exist: {0}; `kreativorte channel add` makes them.",
    ),
    "visits_columns_missing": (
        "Den Besuchen fehlt eine Spalte; gebraucht werden »{0}« und »{1}«, dazu der Tag, wenn nach Tagen gezählt ist.",
        'The visits lack a column; needed are "{0}" and "{1}", and the day where they are counted by day.',
    ),
    "visits_content_missing": ("Das Kennzeichen (utm_content) fehlt.", "The mark (utm_content) is missing."),
    "visits_day_unreadable": ("»{0}« ist kein Tag wie 2027-03-31.", '"{0}" is no day such as 2027-03-31.'),
    "visits_count_unreadable": ("»{0}« ist keine Anzahl.", '"{0}" is no count.'),
    "visits_file_too_large": ("Die Datei ist größer als {0} MB.", "The file is larger than {0} MB."),
    "measuring_under_way": (
        "Es wird gerade gemessen; bitte in einigen Minuten noch einmal versuchen.",
        "Figures are being measured right now; please try again in a few minutes.",
    ),
    "mail_not_set_up": (
        "Für E-Mails ist kein Server eingestellt: setzen Sie `mail.host` und `mail.from`.",
        "No server for e-mails is set: set `mail.host` and `mail.from`.",
    ),
    "mail_password_unreadable": (
        "Die Datei {0} mit dem Passwort für E-Mails ist nicht lesbar.",
        "The file {0} with the password for e-mails can't be read.",
    ),
    "mail_address_invalid": ("»{0}« ist keine E-Mail-Adresse.", '"{0}" is not an e-mail address.'),
    "mailing_waits_for_nobody": (
        "Über die E-Mail {0} ist nichts zu entscheiden; `kreativorte mailing list` zeigt alle.",
        "There is nothing to decide about the e-mail {0}; `kreativorte mailing list` shows all.",
    ),
    "network_unknown": (
        "Das Netzwerk »{0}« gibt es hier nicht; bekannt sind {1}.",
        'There is no network "{0}" here; known are {1}.',
    ),
    "places_cannot_be_one": (
        "Die Orte {0} und {1} lassen sich nicht zusammenlegen: sie müssen aus zwei Portalen sein, der zweite ein "
        "eigener.",
        "The places {0} and {1} can't be merged: they must be of two portals, the second one a place of its own.",
    ),
    "place_is_its_own": (
        "Der Ort {0} ist schon ein eigener.",
        "The place {0} is one of its own already.",
    ),
    "place_skipped_already": (
        "Der Ort {0} wird schon nicht angekündigt.",
        "The place {0} is left out already.",
    ),
    "place_not_skipped": (
        "Der Ort {0} ist nicht ausgenommen; er wird angekündigt, wo eine Kampagne ihn nimmt.",
        "The place {0} is not left out; it is announced where a campaign takes it.",
    ),
    "place_not_announced": (
        "Der Ort {0} wird zurzeit nicht angekündigt: er ist ausgenommen, wartet, steht nicht mehr im Portal oder "
        "gehört zu einem anderen.",
        "The place {0} is not announced at present: it is left out, waits, is no longer in the portal or belongs to "
        "another one.",
    ),
    "place_never_announced": (
        "Der Ort {0} wurde noch nie angekündigt; noch einmal geht es erst danach.",
        "The place {0} was never announced; it can be announced once more only after that.",
    ),
    "place_still_planned": (
        "Vom Ort {0} ist noch etwas geplant oder unklar; noch einmal geht es, wenn das erschienen oder abgesagt ist.",
        "Something of the place {0} is still planned or in doubt; once more is possible when that is out or cancelled.",
    ),
    "place_in_no_campaign": (
        "Keine laufende Kampagne nimmt den Ort {0}: Region, Bereich, Portal oder Veröffentlichung passen zu keiner.",
        "No running campaign takes the place {0}: its region, category, portal or publication date fits none.",
    ),
    "place_finds_no_slot": (
        "Für den Ort {0} findet sich kein Termin: {1}",
        "There is no slot for the place {0}: {1}",
    ),
    "place_without_picture": (
        "Vom Ort {0} liegt hier kein Bild.",
        "There is no picture of the place {0} here.",
    ),
    "no_place_waits": (
        "Vom Portal »{0}« wartet kein Ort auf eine Entscheidung.",
        'No place of the portal "{0}" waits for a decision.',
    ),
    "portal_unknown": (
        "Ein Portal »{0}« steht nicht in der Konfiguration.",
        'There is no portal "{0}" in the configuration.',
    ),
    "portal_not_read": ("{0} Übernommen wurde nichts.", "{0} Nothing was taken over."),
    "place_unknown": (
        "Einen Ort {0} gibt es nicht; `kreativorte places` zeigt sie.",
        "There is no place {0}; `kreativorte places` shows them.",
    ),
    "template_unknown": (
        "Eine Vorlage »{0}« für »{1}« gibt es nicht; `kreativorte template list` zeigt sie.",
        'There is no template "{0}" for "{1}"; `kreativorte template list` shows them.',
    ),
    "template_revision_unknown": (
        "Eine Fassung {0} der Vorlage »{1}« gibt es nicht.",
        'There is no revision {0} of the template "{1}".',
    ),
    # templates
    "template_unusable": (
        "So kann die Vorlage nicht verwendet werden: {0} Als Entwurf speichern geht.",
        "The template can't be used like this: {0} It can be saved as a draft.",
    ),
    "template_unchanged": (
        "Der Text ist derselbe wie in der neuesten Fassung.",
        "The text is the same as in the newest revision.",
    ),
    "template_too_long": (
        "Die Vorlage hat {0} Zeichen; erlaubt sind {1}.",
        "The template has {0} characters; {1} are permitted.",
    ),
    "template_saved_meanwhile": (
        "Inzwischen hat {1} die Fassung {0} gespeichert; Ihr Text steht noch hier. Vergleichen Sie beide; noch einmal "
        "speichern legt Ihren als neueste Fassung darüber.",
        "Meanwhile {1} saved revision {0}; your text is still here. Compare the two; saving again puts yours on top as "
        "the newest revision.",
    ),
    "template_in_use": (
        "Die Vorlage »{0}« wird noch gebraucht, von der Kampagne »{1}«, und eine mitgelieferte gibt es nicht.",
        'The template "{0}" is still used, by the campaign "{1}", and none is shipped.',
    ),
    "template_exists": (
        "Eine Vorlage »{0}« für »{1}« gibt es schon; wählen Sie einen anderen Namen.",
        'There is a template "{0}" for "{1}" already; choose another name.',
    ),
    "template_name_unusable": (
        "Der Name einer Vorlage besteht aus Buchstaben ohne Umlaute, Ziffern, - und _; höchstens 60 Zeichen.",
        "A template's name consists of letters a to z, digits, - and _; 60 characters at most.",
    ),
    # what was written can't be read or used
    "not_an_instant": (
        "»{0}« ist kein Zeitpunkt; schreiben Sie zum Beispiel 2026-12-01T10:00.",
        '"{0}" is not an instant; write for example 2026-12-01T10:00.',
    ),
    "year_out_of_reach": (
        "»{0}« liegt nicht zwischen den Jahren {1} und {2}.",
        '"{0}" is not between the years {1} and {2}.',
    ),
    "not_a_day": (
        "»{0}« ist kein Tag; schreiben Sie zum Beispiel 2027-01-31.",
        '"{0}" is not a day; write for example 2027-01-31.',
    ),
    "not_a_number": (
        "»{0}« ist keine Nummer; schreiben Sie nur Ziffern.",
        '"{0}" is not a number; write digits only.',
    ),
    "report_ends_before": (
        "Der Zeitraum endet ({1}), bevor er beginnt ({0}); tauschen Sie die Tage.",
        "The period ends ({1}) before it begins ({0}); exchange the days.",
    ),
    "report_too_long": (
        "Eine Auswertung umfasst höchstens zehn Jahre; wählen Sie einen kürzeren Zeitraum.",
        "A report covers ten years at most; choose a shorter period.",
    ),
    "report_world_unknown": (
        "»{0}« ist weder »live« noch »sandbox«.",
        '"{0}" is neither "live" nor "sandbox".',
    ),
    "in_the_past": (
        "Der Zeitpunkt {0} liegt in der Vergangenheit; nennen Sie einen späteren.",
        "The instant {0} is in the past; name a later one.",
    ),
    "not_sendable": ("{0} Gespeichert wurde nichts.", "{0} Nothing was saved."),
    "file_unreadable": ("Die Datei {0} lässt sich nicht lesen ({1}).", "The file {0} can't be read ({1})."),
    "file_unwritable": ("Die Datei {0} lässt sich nicht schreiben ({1}).", "The file {0} can't be written ({1})."),
    "csv_not_utf8": (
        "Die Datei ist nicht in UTF-8 gespeichert; speichern Sie sie neu als »CSV UTF-8«.",
        'The file is not saved in UTF-8; save it again as "CSV UTF-8".',
    ),
    "csv_columns_unknown": (
        "Diese Spalten der Kopfzeile sind unbekannt: {0}; erlaubt sind {1}.",
        "These columns of the heading are unknown: {0}; permitted are {1}.",
    ),
    "csv_columns_missing": (
        "Diese Spalten fehlen in der Kopfzeile: {0}; erlaubt sind {1}.",
        "These columns are missing in the heading: {0}; permitted are {1}.",
    ),
    "csv_fields_differ": (
        "Die Zeile hat nicht so viele Felder wie die Kopfzeile.",
        "The row does not have as many fields as the heading.",
    ),
    "csv_broken": ("Die Zeile ist kein CSV ({0}).", "The row is not CSV ({0})."),
    "api_base_invalid": (
        "--api-base muss eine http(s)-Adresse ohne Benutzernamen sein.",
        "--api-base must be an http(s) address without a user name.",
    ),
    "head_invalid": (
        "--head braucht die Form NUMMER:PRÜFSUMME, wie `kreativorte log verify` sie ausgibt.",
        "--head takes SEQ:HASH, as `kreativorte log verify` prints it.",
    ),
    # an announcement does not stand where that is possible
    "not_in_this_state": (
        "Beitrag {0} steht auf »{1}«; das geht jetzt nicht. `kreativorte announcement show {0}` zeigt ihn.",
        'Announcement {0} is "{1}"; that is not possible now. `kreativorte announcement show {0}` shows it.',
    ),
    "changed_meanwhile": (
        "Beitrag {0} wurde eben von jemand anderem geändert; sehen Sie ihn noch einmal an.",
        "Announcement {0} was just changed by somebody else; look at it again.",
    ),
    "nothing_to_settle": (
        "Beitrag {0} steht auf »{1}«; zu klären gibt es nur etwas, wenn er auf »in_doubt« steht.",
        'Announcement {0} is "{1}"; there is something to settle only while it is "in_doubt".',
    ),
    "nothing_to_retry": (
        "Beitrag {0} steht auf »{1}«; noch einmal senden lässt sich nur ein abgelehnter (»refused«).",
        'Announcement {0} is "{1}"; only a "refused" one can be tried again.',
    ),
    "not_a_draft": (
        "Beitrag {0} steht auf »{1}«; freigeben lässt sich nur ein Entwurf (»draft«).",
        'Announcement {0} is "{1}"; only a "draft" can be approved.',
    ),
    "slot_passed": (
        "Der Termin von Beitrag {0} ist verstrichen; zuerst `kreativorte announcement move {0} --at ZEIT`.",
        "The slot of announcement {0} has passed; first `kreativorte announcement move {0} --at TIME`.",
    ),
    "not_held": (
        "Beitrag {0} ist nicht angehalten, er steht auf »{1}«.",
        'Announcement {0} is not held, it is "{1}".',
    ),
    "not_movable": (
        "Beitrag {0} steht auf »{1}«; verschieben geht nicht mehr.",
        'Announcement {0} is "{1}"; it can\'t be moved any more.',
    ),
    "out_of_rhythm": ("{0}", "{0}"),
    "not_editable": (
        "Beitrag {0} steht auf »{1}«; bearbeiten geht nicht mehr.",
        'Announcement {0} is "{1}"; it can\'t be edited any more.',
    ),
    "refused_not_editable": (
        "Beitrag {0} wurde vom Netzwerk abgelehnt; legen Sie ihn mit geändertem Text neu an "
        "(`kreativorte announcement add`).",
        "The network refused announcement {0}; add it anew with a changed text (`kreativorte announcement add`).",
    ),
    "not_for_now": (
        "Beitrag {0} steht auf »{1}«; sofort senden lässt sich nur ein Entwurf (»draft«) oder ein freigegebener "
        "(»approved«).",
        'Announcement {0} is "{1}"; only a "draft" or an "approved" one can be sent at once.',
    ),
    "not_returnable": (
        "Beitrag {0} steht auf »{1}«; zurückgeben lässt sich nur ein Entwurf (»draft«) oder ein freigegebener "
        "(»approved«).",
        'Announcement {0} is "{1}"; only a "draft" or an "approved" one can be sent back.',
    ),
    "same_announcement": (
        "Genau diesen Beitrag gibt es schon: Nummer {0}, auf demselben Kanal zur selben Zeit. Angelegt wurde keiner.",
        "Exactly this announcement exists already: number {0}, on the same channel at the same time. None was made.",
    ),
    "comment_empty": ("Bitte schreiben Sie dazu, worum es geht.", "Please write what it is about."),
    "comment_too_long": (
        "Die Anmerkung ist zu lang ({0} Zeichen; höchstens {1}).",
        "The comment is too long ({0} characters; {1} at most).",
    ),
    "picture_gone": (
        "Ein Bild gibt es nicht mehr; bitte fügen Sie es noch einmal hinzu.",
        "A picture is not there any more; add it once more.",
    ),
    "reason_missing": ("Bitte einen Grund nennen; er steht im Protokoll.", "Give a reason; it stands in the log."),
    "network_said_no": (
        "{0} Geändert wurde nichts.",
        "{0} Nothing was changed.",
    ),
    "network_unclear": (
        "Ob das Netzwerk es getan hat, ist unklar: {0} Bitte dort nachsehen.",
        "Whether the network did it is not clear: {0} Look there.",
    ),
    "delete_yourself": (
        "{0} Bitte im Netzwerk von Hand löschen: {1}",
        "{0} Please delete it on the network by hand: {1}",
    ),
    "not_posted": (
        "Beitrag {0} ist nicht veröffentlicht, er steht auf »{1}«.",
        'Announcement {0} is not out, it is "{1}".',
    ),
    "already_withdrawn": (
        "Beitrag {0} ist schon zurückgezogen.",
        "Announcement {0} was withdrawn already.",
    ),
    # the brake
    "calls_not_ended": (
        "Die Notbremse ist gezogen. Noch nicht zu Ende ist das Senden von: {0}; das kann noch erscheinen. "
        "`kreativorte announcement show NUMMER` zeigt, was daraus wurde.",
        "The emergency brake is on. What has not ended is the sending of: {0}; that may still appear. "
        "`kreativorte announcement show NUMBER` shows what became of it.",
    ),
    # approving
    "four_eyes_sign_in": (
        "Vier Augen brauchen angemeldete Personen; geben Sie mit --as NAME an, wer freigibt.",
        "Four eyes need signed-in persons; say with --as NAME who approves.",
    ),
    "four_eyes_second": (
        "Unter vier Augen muss vorher noch eine zweite Person freigeben.",
        "Under four eyes a second person must approve first.",
    ),
    "four_eyes_editor": (
        "Wer den Text zuletzt bearbeitet hat, kann ihn unter vier Augen nicht selbst freigeben.",
        "Who edited the text last can't approve it under four eyes.",
    ),
    # the names and credentials of channels
    "regions_unusable": (
        "Höchstens {0} Regionen mit je höchstens {1} gewöhnlichen Zeichen.",
        "{0} regions at most, each of {1} ordinary characters at most.",
    ),
    "channel_exists": (
        "Den Kanal »{0}« gibt es schon; neue Zugangsdaten bekommt er auf seiner eigenen Seite.",
        'There is the channel "{0}" already; it gets new credentials on its own page.',
    ),
    "channel_name_unusable": (
        "Der Name eines Kanals beginnt mit einem Buchstaben oder einer Ziffer; dahinter gehen auch Leerzeichen, Punkt, "
        "- und _, höchstens 60 Zeichen.",
        "A channel's name begins with a letter or a digit; behind it also blanks, dots, - and _, 60 characters at "
        "most.",
    ),
    "channel_name_taken": (
        "Einen Kanal »{0}« gibt es schon, mit einem anderen Konto; wählen Sie einen anderen Namen.",
        'There is a channel "{0}" already, with another account; choose another name.',
    ),
    "account_taken": (
        "Das Konto {0} ist schon der Kanal »{1}«; ein Konto ist nur ein Kanal. Neue Zugangsdaten bekommt er unter "
        "diesem Namen.",
        'The account {0} is the channel "{1}" already; an account is one channel only. It gets new credentials under '
        "that name.",
    ),
    "account_removed": (
        "Das Konto {0} war der Kanal »{1}«, der entfernt wurde; unter diesem Namen kommt er mit seiner Geschichte "
        "zurück.",
        'The account {0} was the channel "{1}", which was removed; under that name it comes back with its history.',
    ),
    "account_id_invalid": (
        "Das Konto eines Kanals bei {0} ist seine Kennung aus Ziffern oder Buchstaben.",
        "The account of a channel on {0} is its id of digits or letters.",
    ),
    "credentials_no_object": (
        "Die Zugangsdaten für {0} müssen ein JSON-Objekt sein.",
        "The credentials for {0} must be a JSON object.",
    ),
    "credentials_key_unknown": (
        "Die Zugangsdaten für {0} kennen »{1}« nicht; bekannt sind {2}.",
        'The credentials for {0} do not know "{1}"; known are {2}.',
    ),
    "credentials_key_missing": ("Den Zugangsdaten für {0} fehlt »{1}«.", 'The credentials for {0} lack "{1}".'),
    "credentials_value_invalid": (
        "Die Zugangsdaten für {0}: »{1}« muss ein Text aus ASCII-Zeichen ohne Leerzeichen sein.",
        'The credentials for {0}: "{1}" must be a text of ASCII characters without spaces.',
    ),
    "credentials_of_two_kinds": (
        "Die Zugangsdaten für twitter sind entweder die vier OAuth-1.0a-Werte oder ein Objekt »oauth2«.",
        'The credentials for twitter are either the four OAuth 1.0a values or an object "oauth2".',
    ),
    "credentials_expiry_invalid": (
        "Die Zugangsdaten für twitter: »expires_at« muss eine Unix-Zeit oder eine ISO-8601-Zeit mit Versatz sein.",
        'The credentials for twitter: "expires_at" must be a Unix time or an ISO 8601 time with offset.',
    ),
    "credentials_of_another": (
        "Diese Zugangsdaten gehören zum X-Konto {0}, nicht zu {1}.",
        "These credentials belong to the X account {0}, not to {1}.",
    ),
    # access to the pages
    "sign_in_wrong": ("Name oder Passwort stimmt nicht.", "Name or password is wrong."),
    "sign_in_throttled": (
        "Zu viele Versuche; bitte in einer Viertelstunde noch einmal.",
        "Too many attempts; try again in a quarter of an hour.",
    ),
    "user_disabled": (
        "Dieser Zugang ist gesperrt; bitte wenden Sie sich an die Verwaltung.",
        "This access is disabled; ask an administrator.",
    ),
    "link_ended": (
        "Dieser Link wurde schon benutzt oder ist abgelaufen; bitte lassen Sie sich einen neuen geben.",
        "This link was used or has ended; ask for a new one.",
    ),
    "user_exists": ("Einen Zugang für {0} gibt es schon.", "There is access for {0} already."),
    "user_unknown": ("Einen Zugang für {0} gibt es nicht.", "There is no access for {0}."),
    "user_name_unusable": (
        "Dieser Name geht nicht; bitte höchstens 60 gewöhnliche Zeichen.",
        "This name can't be used; 60 ordinary characters at most.",
    ),
    "email_unusable": ("Das ist keine E-Mail-Adresse.", "This is not an e-mail address."),
    "last_administrator": (
        "Danach könnte niemand mehr Zugänge verwalten; bitte vorher jemand anderen damit betrauen.",
        "Nobody could manage access after that; entrust somebody else with it first.",
    ),
    "password_short": (
        "Das Passwort braucht mindestens {0} Zeichen; ein kurzer Satz geht auch.",
        "The password needs at least {0} characters; a short sentence will do.",
    ),
    "password_long": ("Das Passwort hat mehr als {0} Zeichen.", "The password has more than {0} characters."),
    "password_easy": (
        "Das Passwort ist zu leicht zu erraten; bitte ohne den eigenen Namen und mit mehr verschiedenen Zeichen.",
        "The password is too easy to guess; leave your name out and use more different characters.",
    ),
    "passwords_differ": ("Die beiden Passwörter sind verschieden.", "The two passwords differ."),
    "remote_id_unusable": (
        "Bitte die Adresse des Beitrags oder seine Kennung eintragen, die lange Zahl am Ende der Adresse.",
        "Give the post's address or its id, the long number at the address's end.",
    ),
    "scope_unknown": ("Ein Zugriffsschlüssel gilt für eines von: {0}.", "A token is good for one of: {0}."),
    "token_name_unusable": (
        "Ein Zugriffsschlüssel braucht einen Namen aus höchstens 60 gewöhnlichen Zeichen.",
        "A token needs a name of 60 ordinary characters at most.",
    ),
    "token_exists": ("Einen Zugriffsschlüssel {0} gibt es schon.", "There is a token {0} already."),
    "token_unknown": ("Einen Zugriffsschlüssel {0} gibt es nicht.", "There is no token {0}."),
    "calendar_key_name_unusable": (
        "Das Abonnement braucht einen Namen von höchstens {0} Zeichen, etwa »Mein Telefon«.",
        'The subscription needs a name of at most {0} characters, such as "My telephone".',
    ),
    "calendar_keys_too_many": (
        "Mehr als {0} Abonnements hat niemand; bitte erst eines widerrufen.",
        "Nobody has more than {0} subscriptions; revoke one first.",
    ),
    "calendar_key_unknown": ("Dieses Abonnement gibt es nicht mehr.", "This subscription is gone."),
    # the secret key
    "key_missing": (
        "Unter {0} liegt kein lesbarer Schlüssel; `kreativorte init` schreibt einen.",
        "There is no readable secret key at {0}; `kreativorte init` writes one.",
    ),
    "key_invalid": (
        "Der Schlüssel ist kein Fernet-Schlüssel; `kreativorte init` schreibt einen, wo keiner liegt.",
        "The secret key is not a Fernet key; `kreativorte init` writes one where there is none.",
    ),
    "key_is_another": (
        "Die gespeicherten Zugangsdaten wurden mit einem anderen Schlüssel verschlüsselt; legen Sie ihn zurück, oder "
        "verbinden Sie die Kanäle neu.",
        "The stored tokens were encrypted with another secret key; put it back, or connect the channels again.",
    ),
}
