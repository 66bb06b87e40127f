// The waiting room: the time until the exam opens, by the server's clock, and the door.

import { Unreachable, connect } from "./api.js";
import { worded } from "./ask.js";
import { Clock, countdown } from "./clock.js";
import { byId } from "./dom.js";
import { t } from "./page.js";

const card = document.querySelector(".waiting");
const [now, opens, closes] = ["now", "opens", "closes"].map((name) => Number(card.dataset[name]));
const clock = new Clock();
clock.observe(clock.ticks(), clock.ticks(), now);

const LOOK_MS = 5000;
const api = connect(`${card.dataset.prefix}api/${card.dataset.exam}/`, clock);
let hindrances = card.dataset.hindrances.split(" ").filter(Boolean);

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
  const ready = !waiting && confirmed.checked && !hindrances.length;
  byId("checkin").hidden = !hindrances.includes("check_in");
  enter.setAttribute("aria-disabled", String(!ready));
  if (ready) enter.setAttribute("href", enter.dataset.href);
  else enter.removeAttribute("href");
  const why = reasonToWait(waiting);
  if (byId("enter-why").textContent !== why) byId("enter-why").textContent = why;
}

/** Why the door is shut, "" where it is open. */
function reasonToWait(waiting) {
  if (hindrances.includes("late")) return t("You come after the last time to begin. Raise your hand: the invigilator can let you in, and the door then opens by itself.");
  if (hindrances.includes("check_in")) return t("Check in first, with the code of your room.");
  if (waiting) return t("The door opens by itself when it begins; you need not reload.");
  return confirmed.checked ? "" : t("Confirm above that this is you.");
}

/** Whom something keeps out looks now and then whether an invigilator has let them in. */
async function look() {
  try {
    hindrances = (await api.get("clock")).hindrances;
  } catch (error) {
    if (!(error instanceof Unreachable)) throw error; // tried again at the next look
  }
  draw();
}

byId("checkin").addEventListener("submit", async (event) => {
  event.preventDefault();
  byId("checkin-problem").textContent = "";
  try {
    await api.post("checkin", { code: byId("room-code").value });
    await look();
    confirmed.focus();
  } catch (error) {
    byId("checkin-problem").textContent = worded(error);
  }
});

confirmed.addEventListener("change", draw);
setInterval(() => hindrances.length && look(), LOOK_MS * (0.75 + Math.random() / 2));
setInterval(draw, 250);
draw();
