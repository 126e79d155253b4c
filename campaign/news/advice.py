"""What `doctor` and the command line tell beside reasons and refusals: what happened, and what to do about it.

In the wordings of announcements {0} is the number, {1} the sentences of the stored reasons (or nothing), {2} the
instant in question and {3} the channel.
"""

from __future__ import annotations

ADVICE: dict[str, tuple[str, str]] = {
    # announcements that wait for a person
    "refused": (
        "Das Netzwerk hat den Beitrag abgelehnt, erschienen ist nichts. {1} Unverändert noch einmal senden: "
        "`kreativorte announcement retry {0}`; mit anderem Text neu anlegen: `kreativorte announcement add`; darauf "
        "verzichten: `kreativorte announcement cancel {0}`.",
        "The network refused the announcement, nothing is out. {1} To send it again as it is: "
        "`kreativorte announcement retry {0}`; to add it anew with another text: `kreativorte announcement add`; to "
        "give it up: `kreativorte announcement cancel {0}`.",
    ),
    "in_doubt": (
        "Ob der Beitrag erschienen ist, ließ sich nicht klären. {1} Sehen Sie auf {3} nach. Er ist da: "
        "`kreativorte announcement settle {0} --found ID`; er ist nicht da und soll noch einmal gesendet werden: "
        "`kreativorte announcement settle {0} --absent`.",
        "Whether the announcement is out could not be found out. {1} Look at {3}. It is there: "
        "`kreativorte announcement settle {0} --found ID`; it is not there and shall be sent again: "
        "`kreativorte announcement settle {0} --absent`.",
    ),
    "unknown": (
        "Ob der Beitrag erschienen ist, ist noch unklar; es wird im Netzwerk nachgesehen. {1} Zu tun ist nichts, "
        "solange der Dienst läuft; bleibt es unklar, wird hier gefragt.",
        "Whether the announcement is out is not clear yet; it is being looked for on the network. {1} Nothing is to "
        "be done while the daemon runs; if it stays unclear, a person is asked here.",
    ),
    "missed": (
        "Der Termin ({2}) ist verstrichen, gesendet wurde nichts. {1} Neuer Termin: "
        "`kreativorte announcement move {0} --at ZEIT`; absagen: `kreativorte announcement cancel {0}`.",
        "The slot ({2}) has passed, nothing was sent. {1} A new slot: "
        "`kreativorte announcement move {0} --at TIME`; to cancel it: `kreativorte announcement cancel {0}`.",
    ),
    "held": (
        "Der Beitrag wird angehalten (Termin {2}). {1} Wenn er hinausgehen soll: "
        "`kreativorte announcement release {0}`; ändern: `kreativorte announcement edit {0}`; absagen: "
        "`kreativorte announcement cancel {0}`.",
        "The announcement is held (slot {2}). {1} If it shall go out: `kreativorte announcement release {0}`; to "
        "change it: `kreativorte announcement edit {0}`; to cancel it: `kreativorte announcement cancel {0}`.",
    ),
    "held_late": (
        "Der Beitrag wird angehalten, und sein Termin ({2}) ist verstrichen. {1} Neuer Termin: "
        "`kreativorte announcement move {0} --at ZEIT`, danach `kreativorte announcement release {0}`; absagen: "
        "`kreativorte announcement cancel {0}`.",
        "The announcement is held, and its slot ({2}) has passed. {1} A new slot: "
        "`kreativorte announcement move {0} --at TIME`, then `kreativorte announcement release {0}`; to cancel it: "
        "`kreativorte announcement cancel {0}`.",
    ),
    "draft": (
        "Der Beitrag wartet auf eine Freigabe; ohne sie geht er zu seinem Termin ({2}) nicht hinaus. {1} Lesen: "
        "`kreativorte announcement show {0}`; freigeben: `kreativorte announcement approve {0}`.",
        "The announcement waits for approval; without it, it does not go out at its slot ({2}). {1} To read it: "
        "`kreativorte announcement show {0}`; to approve it: `kreativorte announcement approve {0}`.",
    ),
    "draft_late": (
        "Der Termin ({2}) verstrich ohne Freigabe, gesendet wurde nichts. {1} Neuer Termin: "
        "`kreativorte announcement move {0} --at ZEIT`, danach `kreativorte announcement approve {0}`; absagen: "
        "`kreativorte announcement cancel {0}`.",
        "The slot ({2}) passed without approval, nothing was sent. {1} A new slot: "
        "`kreativorte announcement move {0} --at TIME`, then `kreativorte announcement approve {0}`; to cancel it: "
        "`kreativorte announcement cancel {0}`.",
    ),
    "place_changed": (
        "{1} Lesen: `kreativorte announcement show {0}`; ändern, oder ohne Angaben so bestätigen, wie er ist: "
        "`kreativorte announcement edit {0}`, danach `kreativorte announcement approve {0}`.",
        "{1} To read it: `kreativorte announcement show {0}`; to change it, or without options to confirm it as it is: "
        "`kreativorte announcement edit {0}`, then `kreativorte announcement approve {0}`.",
    ),
    # channels and campaigns that keep announcements back
    "channel_signed_out": (
        "Der Kanal ist abgemeldet; was dort fällig ist, wartet. {1} Mit neuen Zugangsdaten verbinden: `kreativorte "
        "channel add {0} --network {2} --account {3} --credentials DATEI`; ist es im Netzwerk behoben: "
        "`kreativorte channel check {0}`.",
        "The channel is signed out; what is due there waits. {1} To connect it with new credentials: `kreativorte "
        "channel add {0} --network {2} --account {3} --credentials FILE`; once it is settled on the network: "
        "`kreativorte channel check {0}`.",
    ),
    "channel_problems": (
        "{1} Danach: `kreativorte channel check {0}`.",
        "{1} Afterwards: `kreativorte channel check {0}`.",
    ),
    "channel_throttled": (
        "Das Netzwerk nimmt bis {0} nichts an; danach geht es von selbst weiter. Was nicht so lange warten kann: "
        "`kreativorte announcement move NUMMER --at ZEIT`.",
        "The network takes nothing until {0}; then this goes on by itself. What can't wait that long: "
        "`kreativorte announcement move NUMBER --at TIME`.",
    ),
    "channel_paused": (
        "Der Kanal ist angehalten; fällig und zurückgehalten: {1}. `kreativorte channel resume {0}` lässt ihn "
        "weitergehen.",
        "The channel is paused; due and kept back: {1}. `kreativorte channel resume {0}` lets it go on.",
    ),
    "campaign_paused": (
        "Die Kampagne ist angehalten; fällig und zurückgehalten: {1}. `kreativorte campaign resume {0}` lässt sie "
        "weitergehen.",
        "The campaign is paused; due and kept back: {1}. `kreativorte campaign resume {0}` lets it go on.",
    ),
    # portals
    "portal_never_read": (
        "Das Portal wurde noch nie gelesen; `kreativorte pull {0}` liest es.",
        "The portal was never read; `kreativorte pull {0}` reads it.",
    ),
    "places_wait": (
        "Neue Orte, die auf eine Entscheidung warten: {1}. `kreativorte places` zeigt sie, `kreativorte pull {0} "
        "--accept` lässt sie zu.",
        "New places that wait for a decision: {1}. `kreativorte places` shows them, `kreativorte pull {0} --accept` "
        "admits them.",
    ),
    # foundations
    "clock_differs": (
        "Die Uhren dieses Rechners und der Datenbank gehen {0} s auseinander; bitte stellen (etwa mit NTP).",
        "The clocks of this machine and of the database differ by {0} s; set them right (by NTP, say).",
    ),
    "network_clock_differs": (
        "Unsere Uhr und die des Netzwerks gehen {0} s auseinander; bitte stellen (etwa mit NTP): die dieses Rechners, "
        "bei PostgreSQL die des Datenbankservers.",
        "Our clock and the network's differ by {0} s; set it right (by NTP, say): this machine's, with PostgreSQL the "
        "database server's.",
    ),
    "brake_on": (
        "Die Notbremse ist gezogen; `kreativorte go` löst sie.",
        "The emergency brake is on; `kreativorte go` releases it.",
    ),
    "daemon_gone": (
        "Der Dienst hat sich zuletzt {0} gemeldet, und es ist etwas zu tun. Starten Sie ihn: `kreativorte daemon`.",
        "The daemon was last seen {0}, and there is something to do. Start it: `kreativorte daemon`.",
    ),
    "daemon_never_seen": (
        "Der Dienst lief noch nie, und es ist etwas zu tun. Starten Sie ihn: `kreativorte daemon`.",
        "The daemon has never run, and there is something to do. Start it: `kreativorte daemon`.",
    ),
    "daemon_cannot_deliver": (
        "Der Dienst läuft, kann aber nicht arbeiten ({0}) und versucht es weiter; bis dahin geht nichts hinaus. "
        "Einzelheiten schreibt er in sein Textprotokoll (`journalctl -u kreativorte`).",
        "The daemon runs but can't work ({0}) and keeps trying; until then nothing goes out. Its text log has details "
        "(`journalctl -u kreativorte`).",
    ),
    "daemon_cannot_remember": (
        "Der Dienst kann sich außerhalb der Datenbank nicht merken, was er gesendet hat ({0}). Er sendet weiter, aber "
        "eine zurückgespielte Datenbank fiele nicht auf. Schaffen Sie Platz und Schreibrecht für `heads.json`.",
        "The daemon can't remember outside the database what it sent ({0}). It goes on sending, but a restored "
        "database would go unnoticed. Make room for `heads.json`, and let the daemon write there.",
    ),
    "daemon_tick_fails": (
        "Ein Teil der Arbeit des Dienstes ({1}) scheitert immer wieder: {0}. Einzelheiten schreibt er in sein "
        "Textprotokoll (`journalctl -u kreativorte`).",
        "A part of the daemon's work ({1}) keeps failing: {0}. Its text log has details (`journalctl -u kreativorte`).",
    ),
    "mail_without_server": (
        "Berichte sollen verschickt werden, aber es ist kein Server dafür eingestellt: setzen Sie `mail.host` und "
        "`mail.from`.",
        "Reports are to be sent, but no server is set for that: set `mail.host` and `mail.from`.",
    ),
    "mailing_failed": (
        "Der Bericht wurde nicht verschickt: {1} Noch einmal versuchen: `kreativorte mailing settle {0} --again`; "
        "darauf verzichten: `kreativorte mailing settle {0} --sent`.",
        "The report was not sent: {1} To try again: `kreativorte mailing settle {0} --again`; to do without it: "
        "`kreativorte mailing settle {0} --sent`.",
    ),
    "mailing_in_doubt": (
        "Ob der Bericht verschickt wurde, ist ungewiss; von selbst geht er nicht noch einmal hinaus. {1} Fragen Sie "
        "jemanden, der ihn bekommen soll. Er ist da: `kreativorte mailing settle {0} --sent`; er fehlt: "
        "`kreativorte mailing settle {0} --again`.",
        "Whether the report was sent is uncertain; it does not go out again by itself. {1} Ask somebody who should "
        "have it. It is there: `kreativorte mailing settle {0} --sent`; it is missing: "
        "`kreativorte mailing settle {0} --again`.",
    ),
    "mail_tried": (
        "Der Server hat den Bericht für {0} angenommen.",
        "The server has taken the report for {0}.",
    ),
    "mail_not_tried": (
        "Der Bericht an {0} wurde nicht verschickt: {1}",
        "The report to {0} was not sent: {1}",
    ),
    "mail_tried_in_doubt": (
        "Ob der Bericht an {0} verschickt wurde, ist ungewiss: {1}",
        "Whether the report to {0} was sent is uncertain: {1}",
    ),
    "log_broken": (
        "Die Kette bricht bei Eintrag {0}: das Protokoll wurde verändert. Lassen Sie die Datenbank, wie sie ist, und "
        "vergleichen Sie sie mit einer Sicherung.",
        "The chain breaks at entry {0}: the log was changed. Keep the database as it is and compare it with a backup.",
    ),
    "template_broken": (
        "Die Vorlage lässt sich nicht verwenden; bitte berichtigen und mit `kreativorte template check` prüfen. {0}",
        "The template can't be used; correct it and try it with `kreativorte template check`. {0}",
    ),
    # a database that is not the one this machine saw last
    "head_missing": (
        "Der Datenbank fehlt der Protokolleintrag {0} vom {1}.",
        "The database lacks the log entry {0} of {1}.",
    ),
    "head_unknown": (
        "Dieser Rechner kennt die Datenbank nicht, in der schon gesendet wurde.",
        "This machine does not know the database, from which posts have been sent already.",
    ),
    "head_newest": ("Ihr neuester ist vom {0}.", "Its newest one is of {0}."),
    "head_restored": (
        "Sie wurde zurückgespielt oder ist auf einen anderen Server gewechselt. Prüfen Sie sie; `kreativorte go` gibt "
        "sie frei, und was in der Lücke erschienen sein kann, wird vor dem Senden gesucht.",
        "It was restored or has moved to another server. Check it; `kreativorte go` releases it, and what may have "
        "gone out in the gap is looked for before it is sent.",
    ),
    "posted_besides": (
        "Das Netzwerk meldete zu spät, dass dieser Beitrag unter {1} erschienen ist; hier steht er auf »{2}«. Sehen "
        "Sie auf {3} nach und löschen Sie dort, was zu viel ist; danach: `kreativorte announcement release {0}`.",
        'The network told too late that this announcement is out as {1}; here it is "{2}". Look at {3} and delete '
        "there what is too much; afterwards: `kreativorte announcement release {0}`.",
    ),
    "posted_problems": (
        "Seit dieser Beitrag erschien: {1} Berichtigen: `kreativorte announcement correct {0} --text TEXT`; "
        "zurückziehen: `kreativorte announcement withdraw {0} --reason GRUND`; es ist gut so: "
        "`kreativorte announcement release {0}`.",
        "Since this announcement went out: {1} To correct it: `kreativorte announcement correct {0} --text TEXT`; to "
        "withdraw it: `kreativorte announcement withdraw {0} --reason REASON`; it is fine: "
        "`kreativorte announcement release {0}`.",
    ),
    # portals: in those with {0}, {1} … the details stand as campaign/portals/inspection.py gives them
    "portal_trouble": ("{0}", "{0}"),
    "portal_tables_unseen": (
        "Diese Tabellen sieht das Konto nicht: {0}. Entweder fehlt ihm das Recht (GRANT SELECT), oder table_prefix "
        "stimmt nicht. Gefundene Präfixe: {1}",
        "The account does not see these tables: {0}. Either it lacks the right (GRANT SELECT), or table_prefix is "
        "wrong. Prefixes found: {1}",
    ),
    "portal_may_write": (
        "Das Konto darf mehr als lesen ({0}). Gelesen wird trotzdem nur; geben Sie ihm bitte nur SELECT.",
        "The account may do more than read ({0}). It is only read from all the same; please grant it SELECT only.",
    ),
    "portal_empty": (
        "Die Abfrage geht, aber kein Ort ist für alle sichtbar.",
        "The query works, but no place is visible to everybody.",
    ),
    "portal_first_place": (
        "Der erste Ort käme so: »{0}«, {1}, veröffentlicht {2}, Regionen: {3}, Gemeinde: {4}, Bereiche: {5}, "
        "Bild: {6}, Alt-Text: {7}, Bildnachweis: {8}",
        'The first place would come as: "{0}", {1}, published {2}, regions: {3}, town: {4}, categories: {5}, '
        "picture: {6}, alt text: {7}, credit: {8}",
    ),
    "portal_rows_rejected": (
        "{0} von {1} Zeilen werden abgewiesen, zuerst {2}; `kreativorte pull` nennt die Gründe.",
        "{0} of {1} rows are rejected, the first is {2}; `kreativorte pull` tells why.",
    ),
    "portal_without_region": (
        "{0} von {1} Orten haben keine Region; sie gehen nur auf Kanäle ohne Region.",
        "{0} of {1} places have no region; they go to channels without a region only.",
    ),
    "portal_without_alt": (
        "{0} von {1} Orten haben ein Bild ohne Alt-Text; ihre Ankündigungen werden angehalten.",
        "{0} of {1} places have a picture without alt text; their announcements are held.",
    ),
    "portal_without_credit": (
        "{0} von {1} Orten haben ein Bild ohne Bildnachweis; ihre Ankündigungen werden angehalten.",
        "{0} of {1} places have a picture without a credit; their announcements are held.",
    ),
    "wordpress_no_such_type": (
        "Beiträge vom Typ »{0}« gibt es nicht; veröffentlicht sind: {1}",
        'There are no posts of the type "{0}"; published are: {1}',
    ),
    "wordpress_none_published": (
        "Vom Typ »{0}« ist nichts veröffentlicht ({1}).",
        'Of the type "{0}" nothing is published ({1}).',
    ),
    "wordpress_taxonomy_unknown": (
        "Für {0} ist die Taxonomie »{1}« eingetragen, die es nicht gibt. Ähnlich: {2}",
        'For {0} the taxonomy "{1}" is set, which is not there. Similar: {2}',
    ),
    "wordpress_meta_unknown": (
        "Für {0} ist das Feld »{1}« eingetragen, das kein Ort hat. Ähnlich: {2}",
        'For {0} the field "{1}" is set, which no place has. Similar: {2}',
    ),
    "wordpress_local_dates": (
        "{0} Orte haben kein Datum in UTC (aus einem Import); ihres ist aus der Ortszeit ({1}) gerechnet.",
        "{0} places have no date in UTC (from an import); theirs is made of the local time ({1}).",
    ),
    "wordpress_wpml_found": (
        "Es gibt Übersetzungen mit WPML; mit `wpml = true` kommen nur Orte der Sprache `language`.",
        "There are translations by WPML; with `wpml = true` only places of the language `language` come.",
    ),
    "typo3_no_such_folder": (
        "Diese Ordner gibt es nicht: {0}. Datensätze liegen in: {1}",
        "These folders are not there: {0}. Records lie in: {1}",
    ),
    "typo3_none_visible": (
        "In den Ordnern {0} ist kein Datensatz sichtbar (im Ganzen {1}).",
        "In the folders {0} no record is visible (of {1} in all).",
    ),
    "typo3_root_empty": (
        "Unter {0} = {1} steht keine Kategorie. Kategorien mit Unterkategorien: {2}",
        "Below {0} = {1} there is no category. Categories with others below them: {2}",
    ),
    # the command line
    "row_refused": ("Zeile {0}: {1}", "Row {0}: {1}"),
    "row_rejected": ("abgewiesen {0}: {1}", "rejected {0}: {1}"),
    "place_merged": ("zusammengelegt: {0}, steht schon in {1}", "merged: {0}, which {1} lists already"),
    "place_listed_twice": (
        "steht auch als Nr. {0} da, wird mit ihr angekündigt",
        "also listed as {0}, announced with it",
    ),
    "place_held": ("wartet auf `kreativorte pull --accept`", "waits for `kreativorte pull --accept`"),
    "place_skipped": ("wird nicht angekündigt", "left out"),
    "measured": (
        "Gemessen: {0} Beiträge; für später aufgehoben: {1}; nicht zu messen: {2}; im Netzwerk verschwunden: {3}.",
        "Measured: {0} announcements; left for later: {1}; not to be had: {2}; vanished from the network: {3}.",
    ),
    "visits_taken": (
        "Gelesen: {0} Zeilen; übernommen: {1} zu eigenen Beiträgen; unbrauchbar: {2}.",
        "Read: {0} rows; taken over: {1} of our own announcements; unusable: {2}.",
    ),
    "visits_row": ("Zeile {0}: {1}", "Row {0}: {1}"),
    "samples_purged": ("Gelöscht: {0} Messwerte.", "Deleted: {0} samples."),
    "measuring": ("Messen auf Kanal {0}: {1}", "Measuring channel {0}: {1}"),
    "metric_withdrawn": (
        "Das Netzwerk kennt die Kennzahl {1} auf Kanal {0} nicht mehr; sie wird nicht mehr gemessen. Heißt sie jetzt "
        "anders, steht der Name in der Einstellung engagement.facebook.",
        "The network no longer knows the metric {1} on channel {0}; it is measured no more. If it has a new name, that "
        "belongs into the setting engagement.facebook.",
    ),
    "gone": ("zurückgezogen", "withdrawn"),
    "gone_deleted": ("zurückgezogen: gelöscht", "withdrawn: deleted"),
    "gone_trash": ("zurückgezogen: im Papierkorb", "withdrawn: in the trash"),
    "gone_draft": ("zurückgezogen: wieder Entwurf", "withdrawn: a draft again"),
    "gone_scheduled": ("zurückgezogen: erscheint erst noch", "withdrawn: yet to appear"),
    "gone_private": ("zurückgezogen: nicht mehr öffentlich", "withdrawn: no longer public"),
    "gone_password": ("zurückgezogen: hinter einem Passwort", "withdrawn: behind a password"),
    "gone_expired": ("zurückgezogen: abgelaufen", "withdrawn: expired"),
    "gone_moved": ("zurückgezogen: liegt woanders", "withdrawn: moved elsewhere"),
    "gone_hidden": ("zurückgezogen: verborgen", "withdrawn: hidden"),
    "guessed_wordpress": (
        "Das ist WordPress. Vorschlag für kreativorte.toml:",
        "This is WordPress. For kreativorte.toml:",
    ),
    "guessed_typo3": (
        "Das ist TYPO3 mit EXT:news. Vorschlag für kreativorte.toml:",
        "This is TYPO3 with EXT:news. For kreativorte.toml:",
    ),
    "guessed_tables": (
        "Kein bekanntes CMS; diese Tabelle sieht nach Orten aus:",
        "No CMS that is known here; this table looks like places:",
    ),
    "guessed_nothing": (
        "Hier ist nichts, das nach Orten aussieht; docs/portals.md zeigt, wie Spalten zugeordnet werden.",
        "Nothing here looks like places; docs/portals.md shows how columns are mapped.",
    ),
    "insist": ("Mit --force geht es trotzdem.", "With --force it goes there all the same."),
    "unplaced": ("Ohne Termin: {0} auf {1} (Ort {2}): {3}", "Without a slot: {0} on {1} (place {2}): {3}"),
    "no_channel": ("keinem Kanal", "no channel"),
    "calls_end": (
        "Die Notbremse ist gezogen. Gerade wird noch gesendet ({0}); das wird abgewartet …",
        "The emergency brake is on. Still being sent ({0}); waiting for that …",
    ),
    "delete_by_hand": ("Bitte von Hand löschen: {0}", "Please delete it by hand: {0}"),
    "sound": ("gut", "good"),
    "open": ("offen", "open"),
}
