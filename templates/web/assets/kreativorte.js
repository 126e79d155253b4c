// What the pages do beyond plain forms; without it everything still works, with whole pages.
"use strict";

const RENEW_EVERY = 60_000;

// After a part was exchanged: say what came of it, and keep the keyboard where it was.
document.addEventListener("htmx:after:swap", () => {
  document.querySelector("#inhalt [data-told]")?.focus();
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
