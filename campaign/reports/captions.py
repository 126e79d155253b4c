"""What stands over and beside the figures in files: titles, columns, and what each figure means, in two languages."""

from __future__ import annotations

from campaign.reports import wording

CAPTIONS: dict[str, tuple[str, str]] = {
    # the file as a whole
    "portal": ("Kreativorte im Grünen", "Kreativorte im Grünen"),
    "title": ("Auswertung der Beiträge", "What the announcements brought"),
    "subtitle": (
        "Reichweite und Wirkung der Kampagnen auf Facebook und X",
        "Reach and effect of the campaigns on Facebook and X",
    ),
    "sandbox": (
        "Sandkasten: Übungsdaten, nichts davon ist öffentlich erschienen",
        "Sandbox: practice data, none of it was published",
    ),
    "sandbox_short": ("Sandkasten (Übungsdaten)", "Sandbox (practice data)"),
    "period": ("Zeitraum", "Period"),
    "zone": ("Zeitzone", "Time zone"),
    "made_at": ("Erstellt", "Made"),
    "sampled_at": ("Letzte Messung", "Last sample"),
    "selection": ("Auswahl", "Selection"),
    "everything": ("alle Beiträge", "all announcements"),
    "compared_with": ("Verglichen mit", "Compared with"),
    "contents": ("Inhalt", "Contents"),
    "page": ("Seite", "Page"),
    "page_of": ("von", "of"),
    # chapters
    "summary": ("Zusammenfassung", "Summary"),
    "key_figures": ("Die wichtigsten Zahlen", "Key figures"),
    "course": ("Verlauf", "Course over time"),
    "gains": ("Zuwachs", "Growth"),
    "breakdowns": ("Aufschlüsselungen", "Breakdowns"),
    "heat": ("Wochentag und Uhrzeit", "Weekday and hour"),
    "comparisons": ("Varianten im Vergleich", "Variants compared"),
    "announcements": ("Beiträge", "Announcements"),
    "best": ("Die stärksten Beiträge", "The strongest announcements"),
    "worst": ("Die schwächsten Beiträge", "The weakest announcements"),
    "reliability": ("Verlässlichkeit des Dienstes", "Reliability of the service"),
    "costs": ("Kosten und Besuche", "Costs and visits"),
    "notes": ("Hinweise und Lücken", "Notes and gaps"),
    "meaning": ("Was die Zahlen bedeuten", "What the figures mean"),
    "log": ("Auszug aus dem Protokoll", "Extract of the log"),
    # columns
    "overview": ("Übersicht", "Overview"),
    "views_per_post_week": ("Aufrufe je Beitrag nach 7 Tagen", "Views per announcement at 7 days"),
    "metric": ("Kennzahl", "Metric"),
    "value": ("Wert", "Value"),
    "known_words": ("bekannt von {0} Beiträgen", "known of {0} announcements"),
    "now": ("jetzt", "now"),
    "before": ("davor", "before"),
    "change": ("Veränderung", "Change"),
    "first": ("Von", "From"),
    "last": ("Bis", "To"),
    "day": ("Tag", "Day"),
    "gain": ("Zuwachs", "Growth"),
    "correction": ("Berichtigung", "Correction"),
    "few": ("wenige Beiträge", "few announcements"),
    "yes": ("ja", "yes"),
    "low": ("untere Grenze", "lower limit"),
    "high": ("obere Grenze", "upper limit"),
    "number": ("Nr.", "No."),
    "posted_at": ("Erschienen", "Went out"),
    "regions": ("Regionen", "Regions"),
    "categories": ("Bereiche", "Categories"),
    "text": ("Text", "Text"),
    "permalink": ("Adresse", "Address"),
    "measured_at": ("Gemessen", "Measured"),
    "late_by": ("Verspätung in Sekunden", "Late by, in seconds"),
    "removed_at": ("Entfernt gefunden", "Found removed"),
    "formula": ("Formel oder Grundlage", "Formula or basis"),
    "note": ("Hinweis", "Note"),
    # what a report is broken down by
    "by_campaign": ("Kampagnen", "Campaigns"),
    "by_step": ("Schritte", "Steps"),
    "by_channel": ("Kanäle", "Channels"),
    "by_region": ("Regionen", "Regions"),
    "by_category": ("Bereiche", "Categories"),
    "by_place": ("Orte", "Places"),
    "by_variant": ("Varianten", "Variants"),
    "by_weekday": ("Wochentage", "Weekdays"),
    "by_hour": ("Uhrzeiten", "Hours"),
    "known_of": ("bekannt von", "known of"),
    "week_posts": ("nach 7 Tagen gemessene Beiträge", "announcements measured at 7 days"),
    "median_week": ("Median der Aufrufe nach 7 Tagen", "Median of the views at 7 days"),
    "verdict": ("Ergebnis", "Verdict"),
    "seconds": ("Sekunden", "seconds"),
    "empty_cell": ("Leere Zelle", "Empty cell"),
    "known": ("bekannt", "known"),
    "of_posts": ("von Beiträgen", "of announcements"),
    "known_title": ("Wie vollständig die Zahlen sind", "How complete the figures are"),
    "total": ("zusammen", "in total"),
    "o_clock": ("Uhr", "h"),
    # reliability
    "due": ("fällig", "due"),
    "posted": ("erschienen", "went out"),
    "late": ("davon verspätet", "of these late"),
    "median_late_by": ("Verspätung, Median", "lateness, median"),
    "worst_late_by": ("Verspätung, größte", "lateness, longest"),
    "refused": ("vom Netzwerk abgelehnt", "refused by the network"),
    "missed": ("verpasst", "missed"),
    "cancelled": ("abgesagt", "cancelled"),
    "in_doubt": ("ungewiss, wartet auf eine Person", "in doubt, waits for a person"),
    "open": ("noch offen", "still open"),
    # sentences
    "legend": (
        "{0} heißt »keine Angabe«: Das Netzwerk hat die Zahl nicht mitgeteilt. Das ist nicht null.",
        "{0} means not available: the network did not tell the figure. That is not zero.",
    ),
    "few_legend": (
        "* Weniger als {0} Beiträge: Hier wiegt der Zufall mehr als jeder Unterschied.",
        "* Fewer than {0} announcements: chance weighs more here than any difference.",
    ),
    "overlap": (
        "Ein Beitrag kann zu mehreren Zeilen gehören oder zu keiner; die Zeilen ergeben zusammen nicht die Summe.",
        "An announcement may belong to several rows or to none; the rows do not add up to the total.",
    ),
    "left_out": (
        "Gezeigt sind die ersten {0} von {1} Zeilen; alle stehen in der Tabellendatei (XLSX).",
        "The first {0} of {1} rows are shown; the spreadsheet (XLSX) has all of them.",
    ),
    "drawn": ("Gezeichnet sind die ersten {0} Zeilen.", "The first {0} rows are drawn."),
    "week_basis": (
        "Verglichen wird je Beitrag im Alter von sieben Tagen, damit ältere Beiträge nicht im Vorteil sind.",
        "Compared per announcement at the age of seven days, so that older ones have no advantage.",
    ),
    "course_basis": (
        "Jeder Beitrag zählt in dem Zeitabschnitt, in dem er erschien, mit seinen Zahlen der letzten Messung.",
        "Each announcement counts in the span in which it went out, with its figures of the last sample.",
    ),
    "gains_basis": (
        "Um wie viel die Aufrufe aller ausgewählten Beiträge zunahmen, nach dem Tag der Messung. Nahm ein Netzwerk "
        "Gezähltes zurück, steht das als Berichtigung daneben und nicht im Zuwachs.",
        "By how much the views of all selected announcements grew, by the day they were measured. Where a network took "
        "back what it had counted, that is a correction beside the growth, not hidden in it.",
    ),
    "heat_basis": (
        "Median der Aufrufe eines Beitrags im Alter von sieben Tagen; n ist die Zahl der gemessenen Beiträge. Je "
        "dunkler, desto mehr Aufrufe.",
        "Median of an announcement's views at the age of seven days; n is the number of announcements measured. The "
        "darker, the more views.",
    ),
    "interval_basis": (
        "Interaktionsrate im Alter von sieben Tagen. Der Strich ist das 95-%-Intervall: Liefe derselbe Versuch sehr "
        "oft, enthielten etwa 95 von 100 solcher Striche die wahre Rate.",
        "Engagement rate at the age of seven days. The line is the 95 % interval: were the same trial made very often, "
        "about 95 of 100 such lines would hold the true rate.",
    ),
    "no_change": (
        "Für einen Vergleich mit dem Zeitraum davor fehlen Messungen.",
        "Samples are missing for a comparison with the period before.",
    ),
    "no_notes": ("Keine Lücken, keine Besonderheiten.", "No gaps, nothing out of the ordinary."),
    "alt_bars": (
        "Balkendiagramm: {0}. Die Werte stehen in der Tabelle darunter.",
        "Bar chart: {0}. The table below has the values.",
    ),
    "alt_columns": (
        "Säulendiagramm: {0}. Die Werte stehen in der Tabelle darunter.",
        "Column chart: {0}. The table below has the values.",
    ),
    "alt_intervals": (
        "Diagramm mit Intervallen: {0}. Die Werte stehen in der Tabelle darunter.",
        "Chart with intervals: {0}. The table below has the values.",
    ),
    "log_basis": (
        "Die Beiträge, die erschienen sind, mit Zeitpunkt und Adresse. Der Kopf des Protokolls fasst alles bis dahin "
        "Geschehene zusammen: Wer ihn aufbewahrt, kann später prüfen lassen, dass nichts geändert wurde.",
        "The announcements that went out, with instant and address. The head of the log sums up all that happened "
        "until then: whoever keeps it can have it checked later that nothing was changed.",
    ),
    "log_head": ("Kopf des Protokolls", "Head of the log"),
    "log_check": ("Prüfen mit", "Check with"),
    "log_left_out": (
        "Gezeigt sind die neuesten {0} von {1}; das Protokoll hat alle.",
        "The newest {0} of {1} are shown; the log has all of them.",
    ),
    "substituted": (
        "Zeichen, die keine Schrift dieses Dokuments enthält, stehen als \N{REPLACEMENT CHARACTER}.",
        "Characters that no font of this document has are shown as \N{REPLACEMENT CHARACTER}.",
    ),
    "removed": ("entfernt, bemerkt am {0}", "removed, noticed on {0}"),
    "measured": ("gemessen am {0}", "measured on {0}"),
    "not_measured": ("nicht gemessen", "not measured"),
    "after_week": ("nach 7 Tagen", "at 7 days"),
    # e-mails
    "weekly": ("Wochenbericht {0}", "weekly report {0}"),
    "monthly": ("Monatsbericht {0}", "monthly report {0}"),
    "attached": ("Der ganze Bericht liegt als PDF bei.", "The whole report is attached as PDF."),
    "online": ("Im Browser:", "In the browser:"),
    "automatic": (
        "Diese E-Mail wurde automatisch verschickt; an wen, steht in den Einstellungen des Dienstes.",
        "This e-mail was sent automatically; the service's settings say to whom.",
    ),
    # what is missing in a cell of the spreadsheet
    "gap_missing": ("Das Netzwerk hat die Zahl nicht mitgeteilt.", "The network did not tell the figure."),
    "gap_withdrawn": ("Das Netzwerk stellt diese Zahl nicht mehr bereit.", "The network no longer gives this figure."),
    "gap_unmeasured": ("Noch nicht gemessen.", "Not measured yet."),
    "gap_young": ("Jünger als sieben Tage, oder da nicht gemessen.", "Younger than seven days, or not measured then."),
    "gap_unknown": ("Nicht bekannt; das ist nicht null.", "Not known; that is not zero."),
}

MEANINGS: tuple[tuple[str, tuple[str, str]], ...] = (
    (
        "views",
        (
            "So oft wurde der Beitrag angezeigt; dieselbe Person kann mehrfach zählen.",
            "How often the announcement was shown; the same person may count several times.",
        ),
    ),
    (
        "viewers",
        (
            "Verschiedene Personen, die den Beitrag sahen. Nur je Beitrag: Über mehrere Beiträge addiert, würden "
            "dieselben Personen mehrfach gezählt.",
            "Different people who saw the announcement. For single ones only: added up, the same people would count "
            "several times.",
        ),
    ),
    ("reactions", ("Gefällt-mir-Angaben und andere Reaktionen.", "Likes and other reactions.")),
    ("comments", ("Antworten auf den Beitrag.", "Replies to the announcement.")),
    (
        "shares",
        ("Geteilt auf Facebook; auf X weitergeleitet oder zitiert.", "Shared on Facebook; reposted or quoted on X."),
    ),
    (
        "link_clicks",
        (
            "Klicks auf den Link, wie das Netzwerk sie zählt. Das sind keine Besuche.",
            "Clicks on the link as the network counts them. These are not visits.",
        ),
    ),
    (
        "visits",
        (
            "Besuche der Portalseite über genau diesen Beitrag, aus der Webstatistik des Portals (utm_content).",
            "Visits of the portal's page through this very announcement, from the portal's own statistics "
            "(utm_content).",
        ),
    ),
    (
        "change",
        (
            "Mittelwert je Beitrag im Alter von sieben Tagen, geteilt durch den des Zeitraums davor, minus 1.",
            "Mean per announcement at the age of seven days, divided by that of the period before, minus 1.",
        ),
    ),
)
"""What each figure means, in the order in which it is explained."""


def caption(language: str, key: str, *details: object) -> str:
    """The words of one key in one language, its details put in."""
    german, english = CAPTIONS[key]
    return (english if language == "en" else german).format(*details)


def meanings(language: str) -> list[tuple[str, str]]:
    """Each figure's name and what it means, the rates with their formulas."""
    told = [
        (caption(language, key) if key in CAPTIONS else wording.metric_name(key, language), words[language == "en"])
        for key, words in MEANINGS
    ]
    return told + [(wording.metric_name(rate, language), wording.formula(rate, language)) for rate in wording.FORMULAS]
