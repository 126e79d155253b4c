// Before anything is drawn: light or dark, as the person has set it for the whole machine.
const dark = matchMedia("(prefers-color-scheme: dark)");
const follow = () => document.documentElement.setAttribute("data-bs-theme", dark.matches ? "dark" : "light");
follow();
dark.addEventListener("change", follow);
// What only scripts can do is shown only with them.
document.documentElement.classList.add("scripted");
