// What the pages do beyond plain forms; without it everything still works, with whole pages.
"use strict";

const RENEW_EVERY = 60_000;

// After a part was exchanged: say what came of it, and keep the keyboard where it was.
document.addEventListener("htmx:after:swap", () => {
  if (document.activeElement && document.activeElement !== document.body) return; // it stayed where it was
  document.querySelector("#inhalt [data-told]")?.focus();
});

// An answer may find the part exchanged that it was meant for, when two were asked for in a row: it goes where that is now.
document.addEventListener("htmx:before:response", ({ detail: { ctx } }) => {
  if (ctx.target?.id && !ctx.target.isConnected) ctx.target = document.getElementById(ctx.target.id) ?? ctx.target;
});

// A form that comes back whole: pressed meanwhile, a button would send what is about to be replaced, or reload the page.
// It waits, and is pressed on the form that came.
let underway = false;
let waiting = null;
document.addEventListener("htmx:before:request", ({ target }) => {
  const form = target.closest?.("form[data-whole]");
  if (!form) return;
  underway = true;
  form.setAttribute("aria-busy", "true");
});
document.addEventListener(
  "click",
  (event) => {
    const button = underway && event.target.closest?.("form[data-whole] button");
    if (!button) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    waiting = button.id;
  },
  true,
);
document.addEventListener("htmx:finally:request", () => {
  if (!underway) return;
  underway = false;
  document.querySelector("form[data-whole]")?.removeAttribute("aria-busy");
  const pressed = waiting;
  waiting = null;
  if (pressed) document.getElementById(pressed)?.click();
});

// One open drop-down at a time; Escape closes it.
const openDrops = () => document.querySelectorAll("details.drop[open]");
document.addEventListener("click", (event) => {
  for (const drop of openDrops()) if (!drop.contains(event.target)) drop.open = false;
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const drop of openDrops()) {
    drop.open = false;
    drop.querySelector("summary").focus();
  }
});

// A page that is left open renews itself, but never under somebody's hands, and without keeping the session alive.
const busy = () =>
  document.hidden ||
  document.activeElement?.closest("main, details[open]") ||
  document.querySelector("main details[open], details.drop[open]") ||
  [...document.querySelectorAll("main input:not([type=hidden])")].some((field) => field.value !== field.defaultValue);

setInterval(() => {
  if (!document.querySelector("main[data-renew]") || busy()) return;
  htmx.ajax("GET", location.pathname + location.search, {
    target: "#inhalt",
    select: "#inhalt",
    swap: "outerHTML",
    headers: { "X-Renewal": "1" },
  });
}, RENEW_EVERY);

// What asks a network takes a while: its button is pressed once.
document.addEventListener("submit", (event) => {
  if (!event.target.matches("form[data-once]")) return;
  for (const button of event.target.querySelectorAll("button")) {
    button.setAttribute("aria-busy", "true");
    setTimeout(() => (button.disabled = true)); // after the form took its value
  }
});
addEventListener("pageshow", () => {
  for (const button of document.querySelectorAll("form[data-once] button[aria-busy]")) {
    button.removeAttribute("aria-busy");
    button.disabled = false;
  }
});
