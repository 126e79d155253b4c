// The calendar: draws what the pages' server answers for the days that are shown, moves by mouse and by keyboard,
// and keeps view, day and narrowing in the address.
"use strict";

{
  const RENEW_EVERY = 60_000;
  const FOCUS_LASTS = 3_000;
  const SHOWN_IN_CELL = 4;
  const IN_POPOVER = 12;
  const LINES = 500; // a list of more than these shows the first of each day, so that it stays quick
  const LINES_A_DAY = 15;
  const FIRST_HOUR = "06:00:00";
  const small = matchMedia("(max-width: 40rem)").matches;
  const VIEWS = { monat: "dayGridMonth", woche: small ? "listWeek" : "timeGridWeek", tag: "listDay", liste: "listMonth" };
  const usual = small ? VIEWS.liste : VIEWS.monat;
  const NAMES = Object.fromEntries(Object.entries(VIEWS).map(([name, view]) => [view, name]));
  const SIGNS = "http://www.w3.org/2000/svg";

  const given = JSON.parse(document.getElementById("kalender-angaben").textContent);
  const { words } = given;
  const filter = document.getElementById("filter");
  const dialog = document.getElementById("verschieben");
  const box = document.getElementById("kalender");
  const locale = given.language === "de" ? "de-DE" : "en-GB";
  const written = (options) => new Intl.DateTimeFormat(locale, { timeZone: given.zone, ...options });
  const clock = written({ hour: "2-digit", minute: "2-digit" });
  const instant = written({ weekday: "short", day: "2-digit", month: "2-digit", year: "numeric", hour: "2-digit", minute: "2-digit" });
  const weekday = new Intl.DateTimeFormat(locale, { timeZone: "UTC", weekday: "short", day: "2-digit", month: "2-digit" });
  const filled = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name]);
  const at = (iso) => instant.format(new Date(iso));

  let undo = null; // what takes the last move back
  let focusOn = null; // the announcement that was just moved
  let drawing = VIEWS[given.view] ?? usual; // what is fetched is drawn so
  let renewing = false; // nobody asked for what is fetched
  let following = true; // the address leads, the calendar follows

  // --- small pieces of the page; whatever came from portals or people is text, never markup

  const make = (name, classes, ...inside) => {
    const element = document.createElement(name);
    element.className = classes;
    element.append(...inside.filter((one) => one !== null && one !== ""));
    return element;
  };
  const hidden = (text) => make("span", "visually-hidden", text);

  const sign = (state) => {
    const drawn = document.createElementNS(SIGNS, "svg");
    drawn.setAttribute("class", "sign");
    drawn.setAttribute("aria-hidden", "true");
    const use = document.createElementNS(SIGNS, "use");
    use.setAttribute("href", `#zeichen-${state}`);
    drawn.append(use);
    return drawn;
  };

  const time = (iso) => {
    const element = make("time", "", clock.format(new Date(iso)));
    element.dateTime = iso;
    return element;
  };

  const colour = (channel) => {
    const number = given.channels.indexOf(channel);
    return number < 0 ? "" : `colour-${number % 8}`;
  };

  const opened = (one) => given.opens.replace("{}", one.id);
  const newAt = (one) => `${given.adds}?${new URLSearchParams({ kanal: one.channel, termin: one.at })}`;

  // --- one announcement, small in a cell or as a line of a list

  const piece = (one) => {
    const link = make(
      "a",
      `piece of-${one.state} ${colour(one.channel)}`,
      make("span", "piece-head", time(one.at), sign(one.state), hidden(` ${given.states[one.state]}, `), make("span", "piece-channel", one.channel)),
      make("span", "piece-title", one.title),
    );
    link.href = opened(one);
    return described(link, one);
  };

  const described = (link, one) => {
    link.dataset.announcement = one.id;
    link.draggable = false;
    if (one.id === focusOn) refocus(link);
    link.title = [`${clock.format(new Date(one.at))} ${one.title}`, one.channel, given.states[one.state], one.why].filter(Boolean).join("\n");
    if (one.movable && given.moves) link.setAttribute("aria-keyshortcuts", "V");
    return link;
  };

  const line = (one) => {
    const link = make("a", "line-title", one.title);
    link.href = opened(one);
    const told = make("div", "", make("p", "", described(link, one)), make("p", "marks", state(one), make("span", "quiet", origin(one))));
    if (one.why) told.append(make("p", "why", one.why));
    return make("div", `line ${colour(one.channel)} of-${one.state}`, time(one.at), told, make("span", "line-acts", movable(one)));
  };

  const state = (one) => make("span", `state state-${one.state}`, sign(one.state), ` ${given.states[one.state]}`);
  const origin = (one) => [one.channel, one.step, one.campaign].filter(Boolean).join(" · ");

  const movable = (one) => {
    if (!one.movable || !given.moves) return "";
    const button = make("button", "btn btn-sm btn-outline-primary", words.move, hidden(`: ${one.title}`));
    button.type = "button";
    button.addEventListener("click", () => ask(one));
    return button;
  };

  const freePiece = (one, inList) => {
    const named = filled(words.freeOn, one);
    const head = make("span", "piece-head", time(one.at), inList ? "" : make("span", "piece-channel", one.channel));
    const text = make("span", "piece-title", inList ? named : words.free);
    const element = make(given.adds ? "a" : "span", `piece free ${colour(one.channel)}`, head, " ", text);
    if (given.adds) element.href = newAt(one);
    element.title = named;
    return element;
  };

  const others = (rest) => {
    const button = make("button", "btn btn-sm btn-outline-primary", filled(words.more, rest));
    button.type = "button";
    button.addEventListener("click", () => show(VIEWS.tag, rest.day));
    return button;
  };

  const drawn = ({ event, view }) => {
    const inList = view.type.startsWith("list");
    const { one, free, rest } = event.extendedProps;
    return { domNodes: [rest ? others(rest) : free ? freePiece(free, inList) : inList ? line(one) : piece(one)] };
  };

  // --- asking the server

  const asked = async (path, options = {}) => {
    const answer = await fetch(path, { ...options, headers: { "HX-Request": "true", ...options.headers } });
    // Signed out meanwhile: the page itself leads to the sign-in page, and back to where it is.
    if (answer.headers.has("hx-redirect")) location.reload();
    const isJson = answer.headers.get("content-type")?.startsWith("application/json");
    if (!isJson) throw new Error(words.failed);
    return { ok: answer.ok, told: await answer.json() };
  };

  const sent = (path, fields) =>
    asked(path, { method: "POST", body: new URLSearchParams({ ...fields, csrf: given.csrf }) });

  const narrowing = () => [...new FormData(filter)].filter(([, value]) => value);

  const dayBefore = (iso) => new Date(Date.parse(`${iso.slice(0, 10)}T00:00:00Z`) - 86_400_000).toISOString().slice(0, 10);
  const dayAfter = (iso) => new Date(Date.parse(`${iso}T00:00:00Z`) + 86_400_000).toISOString().slice(0, 10);

  const fetched = async ({ startStr, endStr }) => {
    const query = new URLSearchParams([...narrowing(), ["von", startStr.slice(0, 10)], ["bis", dayBefore(endStr)]]);
    const { ok, told } = await asked(`/kalender/daten?${query}`, { headers: renewing ? { "X-Renewal": "1" } : {} });
    if (!ok) throw new Error(words.unloaded);
    warn(told.more ? words.tooMany : "");
    openEarly(told.announcements);
    nameClosed(told.closed, startStr.slice(0, 10), dayBefore(endStr));
    const thin = drawing === VIEWS.liste && told.announcements.length > LINES;
    return [
      ...(thin ? thinned(told.announcements) : told.announcements.map(entry)),
      ...told.free.map((free) => ({ start: free.at, title: words.free, extendedProps: { free, rank: 1 } })),
      ...[...byDay(told.closed)].map(([day, titles]) => ({ start: day, allDay: true, title: titles.join("; "), display: "background" })),
    ];
  };

  const entry = (one) => ({
    id: String(one.id),
    start: one.at,
    title: one.title,
    startEditable: given.moves && one.movable,
    extendedProps: { one, rank: 0 },
  });

  const thinned = (announcements) => {
    const days = new Map();
    for (const one of announcements) {
      const day = one.at.slice(0, 10);
      days.set(day, [...(days.get(day) ?? []), one]);
    }
    return [...days].flatMap(([day, every]) => {
      const shown = every.slice(0, LINES_A_DAY);
      const rest = { day, n: every.length - shown.length };
      const last = { start: shown.at(-1).at, title: "", extendedProps: { rest, rank: 2 } };
      return [...shown.map(entry), ...(rest.n ? [last] : [])];
    });
  };

  // A week's day begins at six, unless something would go out before.
  const openEarly = (announcements) => {
    const early = announcements.some((one) => one.at.slice(11, 13) < "06");
    const wanted = early ? "00:00:00" : FIRST_HOUR;
    setTimeout(() => calendar.setOption("slotMinTime", wanted));
  };

  const byDay = (closed) => {
    const days = new Map();
    for (const { first, last, title } of closed)
      for (let day = first; day <= last; day = dayAfter(day)) days.set(day, [...(days.get(day) ?? []), title]);
    return days;
  };

  // Reasons in words, for whoever sees no background: lists have none, and telephones no room for it.
  const nameClosed = (closed, first, last) => {
    const between = (one) => weekday.formatRange(new Date(one.first), new Date(one.last));
    document.getElementById("gesperrt").replaceChildren(
      ...closed
        .filter((one) => one.first <= last && one.last >= first)
        .map((one) => make("li", "", make("strong", "", between(one)), ` ${one.title}`)),
    );
    document.getElementById("gesperrt-titel").hidden = closed.length === 0;
  };

  // --- what is told

  const tell = (text, back) => {
    const bar = document.getElementById("gemeldet");
    bar.replaceChildren(text);
    undo = back ?? null;
    if (!undo) return;
    const button = make("button", "btn btn-sm btn-outline-primary", words.undo);
    button.type = "button";
    button.addEventListener("click", takeBack);
    bar.append(button);
  };
  const warn = (text) => document.getElementById("gewarnt").replaceChildren(text);

  // --- moving

  const move = async (one, termin, insist) => {
    const fields = { beitrag: one.id, termin, gesehen: one.at };
    const answer = await sent("/kalender/verschieben", insist ? { ...fields, trotzdem: "true" } : fields);
    if (answer.ok) done(answer.told, words.moved);
    return answer;
  };

  const done = (told, text) => {
    warn("");
    const back = { beitrag: told.id, termin: told.was, gesehen: told.at, fest: String(told.pinned) };
    tell(filled(text, { title: told.title, at: at(told.at) }), text === words.moved && told.undoable ? back : null);
    keepFocus(told.id);
    calendar.refetchEvents();
  };

  // Drawing anew makes new elements: for a moment each one of the announcement takes the focus that got lost.
  const keepFocus = (number) => {
    focusOn = number;
    setTimeout(() => (focusOn = null), FOCUS_LASTS);
  };
  const refocus = (link) =>
    requestAnimationFrame(() => {
      if (!focusOn || !link.isConnected || document.activeElement !== document.body) return;
      link.focus();
      // What is not laid out yet is hidden, and can't have the focus.
      if (document.activeElement !== link) refocus(link);
    });

  const takeBack = async () => {
    if (!undo) return;
    const back = undo;
    undo = null;
    try {
      const { ok, told } = await sent("/kalender/rueckgaengig", back);
      if (ok) done(told, words.back);
      else {
        tell("");
        warn(told.reason);
        calendar.refetchEvents();
      }
    } catch (error) {
      warn(error.message);
    }
  };

  const dropped = async (info) => {
    const { one } = info.event.extendedProps;
    const wanted = info.event.startStr;
    try {
      const { ok, told } = await move(one, wanted, false);
      if (ok) return;
      info.revert();
      if (told.insist) ask(one, wanted, told);
      else {
        warn(told.reason);
        calendar.refetchEvents();
      }
    } catch (error) {
      info.revert();
      warn(error.message);
    }
  };

  // The dialog: a wanted instant, why the rhythm speaks against it, what it would permit.
  const slot = (name) => dialog.querySelector(`[data-slot="${name}"]`);
  const field = dialog.querySelector("input");
  let about = null;

  const wall = (iso) => {
    const parts = Object.fromEntries(
      new Intl.DateTimeFormat("en-CA", { timeZone: given.zone, year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", hourCycle: "h23" })
        .formatToParts(new Date(iso))
        .map(({ type, value }) => [type, value]),
    );
    return `${parts.year}-${parts.month}-${parts.day}T${parts.hour}:${parts.minute}`;
  };

  const ask = (one, wanted = one.at, refused = null) => {
    about = one;
    slot("title").textContent = one.title;
    slot("place").textContent = `${at(one.at)} · ${one.channel}`;
    field.value = wall(wanted);
    object(refused);
    if (!dialog.open) dialog.showModal();
  };

  const object = (refused) => {
    slot("reason").textContent = refused?.reason ?? "";
    slot("reason").hidden = !refused;
    dialog.querySelector('[data-act="insist"]').hidden = !refused?.insist;
    dialog.querySelector('[data-act="move"]').hidden = Boolean(refused?.insist);
    const others = refused?.instead ?? [];
    slot("instead").hidden = others.length === 0;
    slot("instead").querySelector(".acts").replaceChildren(
      ...others.map((iso) => {
        const button = make("button", "btn btn-sm btn-outline-primary", at(iso));
        button.type = "button";
        button.addEventListener("click", () => attempt(wall(iso), false));
        return button;
      }),
    );
  };

  const attempt = async (termin, insist) => {
    try {
      const { ok, told } = await move(about, termin, insist);
      if (ok) dialog.close();
      else {
        object(told);
        field.focus();
      }
    } catch (error) {
      object({ reason: error.message });
    }
  };

  dialog.querySelector("form").addEventListener("submit", (event) => {
    const act = event.submitter?.value;
    if (act === "leave") return;
    event.preventDefault();
    attempt(field.value, act === "insist");
  });
  field.addEventListener("input", () => object(null));

  document.addEventListener("keydown", (event) => {
    if (event.target.closest("input, select, textarea, dialog")) return;
    if ((event.ctrlKey || event.metaKey) && event.key === "z" && undo) {
      event.preventDefault();
      takeBack();
    }
    if (event.ctrlKey || event.metaKey || event.altKey || event.key.toLowerCase() !== "v") return;
    const number = event.target.closest("[data-announcement]")?.dataset.announcement;
    const one = number && calendar.getEventById(number)?.extendedProps.one;
    if (one?.movable && given.moves) ask(one);
  });

  // --- the address

  const address = () => {
    const query = new URLSearchParams(narrowing());
    query.set("ansicht", NAMES[calendar.view.type]);
    query.set("tag", calendar.formatIso(calendar.getDate(), true));
    return `${location.pathname}?${query}`;
  };

  const remember = () => {
    const now = address();
    if (following || now === location.pathname + location.search) return;
    history.pushState(null, "", now);
    for (const field of document.querySelectorAll('input[name="weiter"]')) field.value = now;
    const plain = new URLSearchParams(narrowing());
    plain.set("monat", calendar.formatIso(calendar.getDate(), true).slice(0, 7));
    document.getElementById("einfach").href = `/kalender/liste?${plain}`;
  };

  window.addEventListener("popstate", () => {
    const query = new URLSearchParams(location.search);
    following = true;
    for (const field of filter.elements) {
      if (field.type === "checkbox") field.checked = query.has(field.name);
      else if (field.name) field.value = query.get(field.name) ?? "";
    }
    show(VIEWS[query.get("ansicht")] ?? usual, query.get("tag") || given.now.slice(0, 10));
    following = false;
    narrowed();
  });

  // --- turning pages

  const show = (view, date) => {
    drawing = view;
    calendar.changeView(view, date);
  };

  const turned = () => {
    document.getElementById("zeitraum").textContent = calendar.view.title;
    for (const button of document.querySelectorAll("[data-view]"))
      button.setAttribute("aria-pressed", String(VIEWS[button.dataset.view] === calendar.view.type));
    remember();
  };

  const narrowed = () => {
    const number = narrowing().length;
    const mark = document.getElementById("eingegrenzt");
    mark.hidden = number === 0;
    mark.textContent = filled(words.narrowed, { n: number });
    remember();
    calendar.refetchEvents();
  };

  const more = ({ date, hiddenSegs }) => {
    if (hiddenSegs.length <= IN_POPOVER) return "popover";
    show(VIEWS.tag, date);
    return undefined;
  };

  document.getElementById("blaettern").addEventListener("click", ({ target }) => {
    const { turn, view } = target.closest("button")?.dataset ?? {};
    if (turn) calendar[turn]();
    if (view) show(VIEWS[view]);
  });
  filter.addEventListener("change", narrowed);
  filter.addEventListener("submit", (event) => event.preventDefault());
  filter.addEventListener("reset", (event) => {
    event.preventDefault();
    for (const field of filter.elements) field.type === "checkbox" ? (field.checked = false) : (field.value = "");
    narrowed();
  });

  // --- the calendar itself

  // Names that hide what is written: a reader shall hear what others see, and headings shall not be empty.
  const heard = ({ el }) => {
    for (const one of el.querySelectorAll('[aria-hidden="true"]:not(svg)')) one.removeAttribute("aria-hidden");
    for (const one of el.querySelectorAll("[role=link]")) one.removeAttribute("aria-label");
  };
  const unnamed = ({ el }) => {
    for (const one of [el, ...el.querySelectorAll("[aria-label]:not(a, button, [role=button], [role=link])")])
      one.removeAttribute("aria-label");
  };
  const headed = ({ el }) => {
    for (const one of el.querySelectorAll("[role=rowheader]:empty")) one.append(hidden(words.timed));
  };

  const calendar = new FullCalendar.Calendar(box, {
    locale: given.language === "de" ? "de" : "en-gb",
    firstDay: 1,
    timeZone: given.zone,
    now: given.now,
    initialView: drawing,
    initialDate: given.day || given.now.slice(0, 10),
    headerToolbar: false,
    titleFormat: { year: "numeric", month: "long" },
    views: {
      timeGridWeek: { titleFormat: { year: "numeric", month: "long", day: "numeric" } },
      listDay: { titleFormat: { weekday: "long", year: "numeric", month: "long", day: "numeric" } },
    },
    height: "auto",
    weekNumbers: true,
    weekNumberCalculation: "ISO",
    navLinks: true,
    navLinkDayClick: (date) => show(VIEWS.tag, date),
    navLinkWeekClick: (date) => show(VIEWS.woche, date),
    dayMaxEvents: SHOWN_IN_CELL,
    moreLinkClick: more,
    moreLinkText: (n) => filled(words.more, { n }),
    noEventsText: words.nothing,
    closeHint: words.close,
    allDayText: words.allDay,
    timedText: words.timed,
    dayHeaderDidMount: heard,
    dayCellDidMount: unnamed,
    weekNumberHeaderDidMount: unnamed,
    inlineWeekNumberDidMount: unnamed,
    viewDidMount: headed,
    slotMinTime: FIRST_HOUR,
    slotMaxTime: "24:00:00",
    slotDuration: "01:00:00",
    slotMinHeight: 44,
    eventMinHeight: 52,
    eventMaxStack: 2,
    snapDuration: "00:15:00",
    slotEventOverlap: false,
    nowIndicator: true,
    eventDisplay: "block",
    eventInteractive: false,
    eventDurationEditable: false,
    defaultTimedEventDuration: "00:45:00",
    eventOrder: "start,rank,title",
    backgroundEventTitleClass: "closed",
    dayCellBottomClass: "cell-foot",
    listItemEventBeforeClass: "off",
    lazyFetching: false,
    events: fetched,
    eventContent: drawn,
    eventDrop: dropped,
    datesSet: turned,
    loading: (is) => box.setAttribute("aria-busy", String(is)),
    eventSourceFailure: (error) => warn(error.message),
  });

  setInterval(() => {
    if (document.hidden || dialog.open || box.contains(document.activeElement)) return;
    renewing = true;
    calendar.refetchEvents();
    renewing = false;
  }, RENEW_EVERY);

  document.getElementById("laedt").remove();
  calendar.render();
  // Until here a press would have been lost.
  for (const button of document.querySelectorAll("#blaettern button")) button.disabled = false;
  following = false;
}
