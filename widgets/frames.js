// The frames of a series on their way to the screen: asked for one by one, kept while there is room.

const CACHE_BYTES = 192 * 2 ** 20; // 384 frames of 512 x 512: an old laptop's browser bears that
const IN_FLIGHT = 3; // enough to hide a round trip, few enough that the frame on show never waits long
const PATIENCE_MS = 6000;
const TRIES = 3;

/** A least-recently-used cache of frames with prefetch around the frame on show. */
export class Frames {
  /** `request(index)` asks the host for a frame; `arrived(index)` and `failed(index)` say how it went. */
  constructor({ count, pixels, request, arrived, failed, budget = CACHE_BYTES }) {
    Object.assign(this, { count, pixels, request, arrived, failed });
    this.room = Math.max(3, Math.floor(budget / (2 * pixels)));
    this.kept = new Map(); // insertion order is the order of use
    this.asked = new Map(); // index -> {timer, tries}
    this.current = 0;
    this.step = 1;
  }

  /** The stored values of a frame, or undefined while it is not here. */
  get(index) {
    const frame = this.kept.get(index);
    if (frame) {
      this.kept.delete(index);
      this.kept.set(index, frame);
    }
    return frame;
  }

  /** Show `index`: it is asked for first, then its neighbours, those ahead first. */
  want(index) {
    if (index !== this.current) this.step = Math.sign(index - this.current);
    this.current = index;
    if (!this.kept.has(index) && !this.asked.has(index)) this.ask(index, 1);
    this.prefetch();
  }

  prefetch() {
    const reach = Math.min(this.count - 1, Math.floor((this.room - 1) / 2));
    for (let distance = 1; distance <= reach && this.asked.size < IN_FLIGHT; distance++) {
      for (const index of [this.current + distance * this.step, this.current - distance * this.step]) {
        const known = index < 0 || index >= this.count || this.kept.has(index) || this.asked.has(index);
        if (!known && this.asked.size < IN_FLIGHT) this.ask(index, 1);
      }
    }
  }

  ask(index, tries) {
    const timer = setTimeout(() => {
      this.asked.delete(index);
      if (tries < TRIES) this.ask(index, tries + 1);
      else this.failed(index);
    }, PATIENCE_MS);
    this.asked.set(index, { timer, tries });
    this.request(index);
  }

  /** Ask again for a frame that failed. */
  retry(index) {
    if (!this.asked.has(index)) this.ask(index, 1);
  }

  /** Take a frame from the host: an ArrayBuffer or a view of little-endian int16. A frame of a wrong size fails. */
  receive(index, buffer) {
    clearTimeout(this.asked.get(index)?.timer);
    this.asked.delete(index);
    const bytes = ArrayBuffer.isView(buffer) ? buffer : new Uint8Array(buffer);
    if (bytes.byteLength !== 2 * this.pixels) return this.failed(index);
    const aligned = bytes.byteOffset % 2 ? new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength).slice() : bytes;
    this.kept.set(index, new Int16Array(aligned.buffer, aligned.byteOffset, this.pixels));
    while (this.kept.size > this.room) this.kept.delete(this.kept.keys().next().value);
    this.arrived(index);
    this.prefetch();
  }

  /** Forget everything and ask for nothing more. */
  close() {
    for (const { timer } of this.asked.values()) clearTimeout(timer);
    this.asked.clear();
    this.kept.clear();
    this.prefetch = () => {};
  }
}
