// The server's clock, as seen from a machine whose own clock may be wrong or be changed during the exam.

export class Clock {
  /** `ticks` is any steady clock in milliseconds; it only measures how much time goes by. */
  constructor(ticks = () => performance.now()) {
    this.ticks = ticks;
    this.offset = null;
    this.error = Infinity;
  }

  /** The server said `now` in a reply that was asked for at `sent` and came at `received`; the fastest reply counts. */
  observe(sent, received, now) {
    const error = (received - sent) / 2;
    if (error < this.error) {
      this.error = error;
      this.offset = now - (sent + received) / 2;
    }
    // a machine that slept has a steady clock that stood still: believe the server again
    if (Math.abs(this.now() - now) > error + 2000) {
      this.error = error;
      this.offset = now - (sent + received) / 2;
    }
  }

  /** The server's time in milliseconds since 1970. */
  now() {
    return this.ticks() + this.offset;
  }
}

/** 5025000 -> "1:23:45", 65000 -> "1:05"; rounds up, so that 0:00 means over. */
export function countdown(ms) {
  const seconds = Math.max(0, Math.ceil(ms / 1000));
  const two = (number) => String(number).padStart(2, "0");
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  return (hours ? `${hours}:${two(minutes)}` : `${minutes}`) + `:${two(seconds % 60)}`;
}
