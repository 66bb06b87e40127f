// Whether all is saved and whether the server is reached: always in sight, and said when it changes for the worse.

import { byId } from "./dom.js";
import { announce, t } from "./page.js";

const TEXTS = {
  saved: () => t("All saved"),
  saving: () => t("Saving"),
  unsaved: (count) => t("Not saved: {count}", { count }),
};

export class Status {
  constructor() {
    this.state = null;
    this.alive = true;
  }

  /** The state of the outbox, on the screen. */
  draw(outbox) {
    const count = outbox.unsaved().size;
    const lost = !outbox.reachable && count > 0;
    this.#show(count === 0 ? "saved" : lost ? "unsaved" : "saving", count);
    this.#banner(lost || !this.alive, count);
  }

  /** Whether the server answered when it was asked for a sign of life. */
  reached(alive) {
    if (alive === this.alive) return;
    this.alive = alive;
    this.#banner(!alive, 0);
  }

  /** This browser could not keep a change. */
  unkept() {
    const banner = byId("banner");
    banner.hidden = false;
    banner.textContent = t("This browser cannot keep answers. Stay online, do not close this page, and tell the invigilator.");
  }

  #show(state, count) {
    byId("saving").dataset.state = state;
    byId("saving-text").textContent = TEXTS[state](count);
    if (this.state === "unsaved" && state === "saved") announce(t("All saved"));
    this.state = state;
  }

  #banner(lost, count) {
    const banner = byId("banner");
    if (banner.hidden !== lost) return;
    banner.hidden = !lost;
    banner.textContent = lost ? t("The server cannot be reached. Keep working: your answers are kept on this machine and sent when it is back.") : "";
    if (count === 0 && !lost) announce(t("The server is reached again."));
  }
}
