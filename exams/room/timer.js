// The remaining time: on the screen every second, said at 15, 5 and 1 minutes.

import { countdown } from "./clock.js";
import { byId } from "./dom.js";
import { announce, t } from "./page.js";

const WARNINGS_MIN = [15, 5, 1];
const TICK_MS = 250;

export class Timer {
  /** over(): called once when the time is up by the server's clock. */
  constructor(clock, over) {
    this.clock = clock;
    this.over = over;
    this.deadline = null;
    this.warned = null;
  }

  /** The deadline is `deadline` now; it moves when time is given back. */
  start(deadline) {
    if (this.deadline === null) this.ticking = setInterval(() => this.#tick(), TICK_MS);
    this.deadline = deadline;
    this.#tick();
  }

  /** The time stands still. */
  stop() {
    clearInterval(this.ticking);
    this.deadline = null;
  }

  #tick() {
    const left = this.deadline - this.clock.now();
    const shown = byId("remaining");
    const text = countdown(left);
    if (shown.textContent !== text) shown.textContent = text;
    const due = WARNINGS_MIN.filter((minutes) => left <= minutes * 60000).at(-1) ?? null;
    shown.dataset.urgency = due ?? "";
    if (due !== this.warned && left > 0) {
      if (due !== null) announce(t("Time left: {minutes} min", { minutes: Math.ceil(left / 60000) }));
      this.warned = due;
    }
    if (left <= 0) {
      this.stop();
      this.over();
    }
  }
}
