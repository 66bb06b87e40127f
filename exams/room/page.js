// What every page does: its language, its times in the reader's own zone, its buttons.

import { t } from "./strings.js";

const LANGUAGE_COOKIE = "xinglin_language";
const YEAR_S = 365 * 24 * 3600;

/** Times are written by the browser, which knows the reader's zone; the end of a span names its day only if it is another. */
export function writeTime(element) {
  const date = new Date(Number(element.dataset.time));
  const day = { year: "numeric", month: "numeric", day: "numeric", weekday: "short" };
  const hour = { hour: "2-digit", minute: "2-digit", hourCycle: "h23", ...("seconds" in element.dataset ? { second: "2-digit" } : {}) };
  const sameDay = "since" in element.dataset && new Date(Number(element.dataset.since)).toDateString() === date.toDateString();
  const format = sameDay ? hour : { ...day, ...hour };
  element.textContent = new Intl.DateTimeFormat(document.documentElement.lang, format).format(date);
}

document.querySelectorAll("time[data-time]").forEach(writeTime);

for (const button of document.querySelectorAll("[data-language]"))
  button.addEventListener("click", () => {
    document.cookie = `${LANGUAGE_COOKIE}=${button.dataset.language}; path=/; max-age=${YEAR_S}; samesite=lax`;
    location.reload();
  });

for (const button of document.querySelectorAll("[data-print]")) button.addEventListener("click", () => print());

/** Say `text` to those who listen to the page. */
export function announce(text) {
  const element = document.getElementById("announce");
  if (element) element.textContent = text;
}

/** The reader has to log in again: `Refusal` 401. */
export const loginNeeded = (error) => error.status === 401;

export { t };
