// One answer before its marker: its text, what is given so far, and how long it has been in sight.

import { Points } from "./points.js";

export class Sheet {
  /**
   * answer: {code, edition, text, given, said}. rubric, step: see `Points`. again: it was marked before, and has
   * {points, comment}. draft: where what is typed is kept until it is sent: it outlives a reload of the page.
   */
  constructor(answer, rubric, step, { again = false, drafts }) {
    Object.assign(this, { answer, again, drafts });
    const known = again ? answer : drafts.get(answer);
    this.points = new Points(rubric.map(({ points }) => points), step, known?.points ?? null);
    if (known && !again) this.points.to(Math.max(this.points.missing(), 0));
    this.comment = known?.comment ?? "";
    this.seconds = 0;
    this.since = null;
  }

  /** It is in sight from now on, or not any more. */
  watch(seen) {
    const now = performance.now();
    if (this.since !== null) this.seconds += (now - this.since) / 1000;
    this.since = seen ? now : null;
  }

  /** Keep what is typed. */
  keep() {
    if (!this.again) this.drafts.set(this.answer, { points: this.points.given, comment: this.comment });
  }

  /** The mark as it is sent. */
  deed() {
    this.watch(false);
    return {
      item: this.answer.code, edition: this.answer.edition, deed: "mark", points: [...this.points.given],
      comment: this.comment.trim(), seconds: Math.round(this.seconds * 10) / 10, again: this.again,
    };
  }
}

/**
 * What is typed for answers that are not sent yet, in this tab; `name` is the exam's and the marker's own. What was
 * typed by an older rubric is none of the edition of now.
 */
export function drafts(name) {
  const key = ({ code, edition }) => `xinglin-marking/${name}/${code}/${edition}`;
  return {
    get: (answer) => JSON.parse(sessionStorage.getItem(key(answer)) ?? "null"),
    set: (answer, value) => sessionStorage.setItem(key(answer), JSON.stringify(value)),
    drop: (answer) => sessionStorage.removeItem(key(answer)),
  };
}
