// Leaving the page is noticed and told, for people to judge: nothing is decided by it.

const SHORTEST_MS = 1000; // a glance at a notification is nothing to tell

export class Leaving {
  /** report({count, seconds}): called when the candidate is back; `count` grows by one each time. */
  constructor(report, ticks = () => performance.now()) {
    this.report = report;
    this.ticks = ticks;
    this.count = 0;
    this.since = null;
  }

  /** Listen to the page: hidden behind another tab, or another window before it. */
  watch() {
    const look = () => (document.hidden || !document.hasFocus() ? this.away() : this.back());
    document.addEventListener("visibilitychange", look);
    addEventListener("focus", look);
    addEventListener("blur", () => setTimeout(look)); // the focus is somewhere else only after this
  }

  away() {
    this.since ??= this.ticks();
  }

  back() {
    if (this.since === null) return;
    const gone = this.ticks() - this.since;
    this.since = null;
    if (gone >= SHORTEST_MS) this.report({ count: ++this.count, seconds: Math.round(gone / 1000) });
  }
}
