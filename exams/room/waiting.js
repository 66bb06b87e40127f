// The waiting room: the time until the exam opens, by the server's clock, and the door.

import { Clock, countdown } from "./clock.js";
import { byId } from "./dom.js";
import { t } from "./page.js";

const card = document.querySelector(".waiting");
const [now, opens, closes] = ["now", "opens", "closes"].map((name) => Number(card.dataset[name]));
const clock = new Clock();
clock.observe(clock.ticks(), clock.ticks(), now);

const enter = byId("enter");
const confirmed = byId("confirm");

const [HOUR_MS, DAY_MS] = [3_600_000, 86_400_000];

/** Hours, minutes and seconds; from a day on, days and hours. */
const left = (ms) => (ms < DAY_MS ? countdown(ms) : t("{days} d {hours} h", { days: Math.floor(ms / DAY_MS), hours: Math.floor((ms % DAY_MS) / HOUR_MS) }));

/** The clock above, and whether the door is open. */
function draw() {
  const time = clock.now();
  const waiting = time < opens;
  byId("countdown-label").textContent = waiting ? t("Begins in") : t("The exam is open; it closes in");
  byId("countdown").textContent = left((waiting ? opens : closes) - time);
  const ready = !waiting && confirmed.checked;
  enter.setAttribute("aria-disabled", String(!ready));
  if (ready) enter.setAttribute("href", enter.dataset.href);
  else enter.removeAttribute("href");
  const why = waiting ? t("The door opens by itself when it begins; you need not reload.") : confirmed.checked ? "" : t("Confirm above that this is you.");
  if (byId("enter-why").textContent !== why) byId("enter-why").textContent = why;
}

confirmed.addEventListener("change", draw);
setInterval(draw, 250);
draw();
