// The points of one answer as they are typed: a number for each criterion of the rubric, null where none is given yet.

export class Points {
  /** worth: the most that each criterion earns; step: the smallest difference; given: what stands there already. */
  constructor(worth, step, given = null) {
    this.worth = worth;
    this.step = step;
    this.given = given ? [...given] : worth.map(() => null);
    this.at = 0;
    this.typed = null; // the criterion that the last key gave a digit to: a point after it adds a half
  }

  /** A digit for the criterion at hand, and on to the next; false where it is more than there is to earn. */
  digit(value) {
    if (value > this.worth[this.at]) return false;
    this.given[this.at] = value;
    this.typed = this.at;
    this.at = Math.min(this.at + 1, this.worth.length - 1);
    return true;
  }

  /** Half a point more: for the digit just typed, or, where none was, for the criterion at hand, and on to the next. */
  half() {
    const after = this.typed !== null;
    const place = after ? this.typed : this.at;
    const value = (this.given[place] ?? 0) + this.step;
    this.typed = null;
    if (value > this.worth[place]) return false;
    this.given[place] = value;
    if (!after) this.at = Math.min(place + 1, this.worth.length - 1);
    return true;
  }

  /** Take away what the criterion at hand has; where it has nothing, what the one before has. */
  erase() {
    this.typed = null;
    if (this.given[this.at] === null && this.at > 0) this.at -= 1;
    this.given[this.at] = null;
  }

  /** To a neighbouring criterion. */
  move(by) {
    this.to(Math.min(Math.max(this.at + by, 0), this.worth.length - 1));
  }

  /** To a criterion. */
  to(place) {
    this.typed = null;
    this.at = place;
  }

  /** A step up or down within what can be earned; the first step gives a step, or nothing. */
  change(by) {
    this.typed = null;
    const value = (this.given[this.at] ?? 0) + by * this.step;
    this.given[this.at] = Math.min(Math.max(value, 0), this.worth[this.at]);
  }

  /** A value that was chosen for a criterion, which is at hand from now on. */
  choose(place, value) {
    this.to(place);
    this.given[place] = value;
  }

  /** The first criterion that has nothing yet, -1 where all have. */
  missing() {
    return this.given.indexOf(null);
  }

  /** The sum of what is given; null where nothing is. */
  total() {
    return this.given.every((value) => value === null) ? null : this.given.reduce((sum, value) => sum + (value ?? 0), 0);
  }
}

/** What a criterion can earn, ascending: steps, and the whole. */
export function choices(worth, step) {
  const steps = Array.from({ length: Math.floor(worth / step) + 1 }, (_, place) => place * step);
  return steps.at(-1) === worth ? steps : [...steps, worth];
}
