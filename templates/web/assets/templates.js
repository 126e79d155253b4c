// The editor of templates: insert at the cursor, go to a line, warn before typed text is lost.
"use strict";

const fieldOf = (button) => document.getElementById(button.dataset.for);

const insert = (field, words) => {
  field.focus();
  field.setRangeText(words, field.selectionStart, field.selectionEnd, "end");
  field.dispatchEvent(new Event("input", { bubbles: true }));
};

const goToLine = (field, number) => {
  const lines = field.value.split("\n");
  const start = lines.slice(0, number - 1).reduce((sum, line) => sum + line.length + 1, 0);
  field.focus();
  field.setSelectionRange(start, start + (lines[number - 1] ?? "").length);
  // Browsers don't scroll to a selection that a script made.
  field.scrollTop = (field.scrollHeight / lines.length) * (number - 3);
};

document.addEventListener("click", (event) => {
  const button = event.target.closest?.("button[data-for]");
  if (!button) return;
  if (button.dataset.insert) insert(fieldOf(button), button.dataset.insert);
  if (button.dataset.line) goToLine(fieldOf(button), Number(button.dataset.line));
});

let leaving = false;
document.addEventListener("submit", (event) => {
  if (event.target.matches("form[data-unsaved]")) leaving = true;
});
addEventListener("beforeunload", (event) => {
  const typed = [...document.querySelectorAll("form[data-unsaved]")].some(
    (form) => form.dataset.unsaved || [...form.querySelectorAll("textarea")].some((one) => one.value !== one.defaultValue),
  );
  if (typed && !leaving) event.preventDefault();
});
