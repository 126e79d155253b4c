// What the forms of announcements do beyond plain forms: nothing that was typed gets lost, and nothing is sent twice.
"use strict";

const KEEP_AFTER = 500;
const form = document.querySelector("#bearbeiten");
const guarded = [...document.querySelectorAll("form[data-guard]")];

const typed = (one) =>
  JSON.stringify([...new FormData(one)].filter(([name, value]) => name !== "csrf" && typeof value === "string"));
const hasFile = (one) => [...one.querySelectorAll("input[type=file]")].some((field) => field.files.length > 0);
const atFirst = new Map(guarded.map((one) => [one, typed(one)]));
const unsaved = (one) => "unsaved" in one.dataset || typed(one) !== atFirst.get(one) || hasFile(one);

// Leaving with something unsaved asks, also by another form's button; sending the same form twice is prevented.
const TWICE_WITHIN = 5_000;
let sent = null;
let discards = false;
addEventListener("beforeunload", (event) => {
  if (discards || !guarded.some((one) => one !== sent?.form && one.isConnected && unsaved(one))) return;
  event.preventDefault();
  // Whoever stays may send again.
  setTimeout(() => (sent = null), 500);
});
document.addEventListener("submit", (event) => {
  if (event.defaultPrevented) return;
  if (sent?.form === event.target && event.timeStamp - sent.at < TWICE_WITHIN) return event.preventDefault();
  sent = { form: event.target, at: event.timeStamp };
});
addEventListener("pageshow", () => (sent = null));

// What is being typed is kept in this tab, for the case that the session ends or the machine does.
const place = form && `kreativorte ${form.dataset.person} ${form.getAttribute("action")}`;
const fields = () => [...form.querySelectorAll("textarea[name], select[name], input[name]:not([type=hidden], [type=file], [type=checkbox])")];
const values = () => fields().map((field) => [field.name, field.value]);
const stored = () => {
  try {
    return JSON.parse(sessionStorage.getItem(place));
  } catch {
    return null;
  }
};
const forget = () => sessionStorage.removeItem(place);

const offer = () => {
  const kept = stored();
  if (!kept || JSON.stringify(kept) === JSON.stringify(values())) return forget();
  const notice = form.querySelector("[data-kept]");
  notice.hidden = false;
  notice.querySelector("[data-restore]").addEventListener("click", () => {
    const open = fields();
    for (const [name, value] of kept) {
      const index = open.findIndex((field) => field.name === name);
      if (index >= 0) open.splice(index, 1)[0].value = value;
    }
    notice.hidden = true;
    form.querySelector("[name=text]").focus();
    document.body.dispatchEvent(new Event("vorschau"));
  });
  notice.querySelector("[data-forget]").addEventListener("click", () => {
    notice.hidden = true;
    forget();
  });
};

if (form) {
  if ("unsaved" in form.dataset) forget();
  else offer();
  let later;
  form.addEventListener("input", () => {
    clearTimeout(later);
    later = setTimeout(() => sessionStorage.setItem(place, JSON.stringify(values())), KEEP_AFTER);
  });
  document.querySelector("[data-discard]")?.addEventListener("click", () => {
    discards = true;
    forget();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key.toLowerCase() !== "s" || !(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey) return;
    event.preventDefault();
    form.requestSubmit(form.querySelector("[aria-keyshortcuts]"));
  });
  // A picture that came or went is to be seen at once.
  document.addEventListener("htmx:after:swap", (event) => {
    if (event.detail.ctx.sourceElement.type === "file") document.body.dispatchEvent(new Event("vorschau"));
  });
}

// What was refused, said on a page that was made anew, has the focus.
document.querySelector("#inhalt [data-told]")?.focus();
