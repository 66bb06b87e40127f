// Answers a few ahead, so that the next one is there at once; what is here nobody else is given.

import { Unreachable } from "../room/api.js";

const AHEAD = 6;
const FEW = 3; // so few in line: time to ask for more
const AGAIN_MS = 4 * 60_000; // the service keeps what a page holds for a quarter of an hour
const EMPTY_MS = 15_000; // others hand answers on, or leave: then there is more
const LOST_MS = 2000;

export class Queue {
  /**
   * claim(wanted, holding): resolves to {answers, left}; the service takes `most` codes of what is held. held(): codes
   * that this page has besides those in line, those first that it needs most.
   * onChange(): there is more, or nothing; onStop(error): the service refuses.
   */
  constructor({ claim, held, most, onChange, onStop }) {
    Object.assign(this, { claim, held, most, onChange, onStop });
    this.line = [];
    this.left = null;
    this.seen = new Set();
    this.asking = false;
    this.timer = 0;
  }

  /** The next answer, undefined where none is here yet; more are asked for in the background. */
  take() {
    const next = this.line.shift();
    if (this.line.length <= FEW) this.fill();
    return next;
  }

  /** Whether there is nothing more for now, as far as the service said. */
  get empty() {
    return this.line.length === 0 && this.left !== null && !this.asking;
  }

  /** Ask for as many as are lacking, and for more time for those that are here. */
  async fill() {
    if (this.asking) return;
    this.asking = true;
    clearTimeout(this.timer);
    let pause = AGAIN_MS;
    try {
      const known = [...new Set([...this.held(), ...this.line.map(({ code }) => code)])];
      const { answers, left } = await this.claim(AHEAD - this.line.length, known.slice(0, this.most));
      const fresh = answers.filter(({ code, edition }) => !this.seen.has(`${code}/${edition}`));
      for (const { code, edition } of fresh) this.seen.add(`${code}/${edition}`);
      this.line.push(...fresh);
      this.left = left;
      if (!this.line.length) pause = EMPTY_MS;
    } catch (error) {
      if (!(error instanceof Unreachable)) {
        this.onStop(error);
        return;
      }
      pause = LOST_MS;
    } finally {
      this.asking = false;
      this.onChange();
    }
    this.timer = setTimeout(() => this.fill(), pause);
  }
}
