// Responses on their way: kept in IndexedDB until the server says that they are on disk, sent in order, sent again.

import { Unreachable } from "./api.js";

const STORE = "responses";
const BATCH = 100;
const TYPING_MS = 500; // the server hears of a text twice a second at most
const SETTLE_MS = 3000;
const FIRST_WAIT_MS = 200;
const LONGEST_WAIT_MS = 2000; // a service that comes back is found again within 5 s, however long it was away

/** The database of this browser; shared by all exams and candidates, each under a key of its own. */
export function openDatabase() {
  return new Promise((resolve, reject) => {
    const opening = indexedDB.open("xinglin-exams", 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore(STORE, { keyPath: ["sitting", "sequence"] });
    opening.onsuccess = () => resolve(opening.result);
    opening.onerror = () => reject(opening.error);
  });
}

const wait = (ms) =>
  new Promise((resolve) => {
    const timer = setTimeout(done, ms);
    function done() {
      clearTimeout(timer);
      removeEventListener("online", done);
      resolve();
    }
    addEventListener("online", done); // no need to wait when the network says that it is back
  });

export class Outbox {
  /**
   * sitting: key of this candidate's sitting. send(responses): resolves to the sequences that are on disk; throws
   * Unreachable (tried again) or anything else (given to `onStop`, sending stops). onChange(): something was kept, sent
   * or failed.
   */
  constructor({ database, sitting, send, onChange, onStop }) {
    Object.assign(this, { database, sitting, send, onChange, onStop });
    this.pending = new Map();
    this.sequence = 0;
    this.reachable = true;
    this.stopped = true;
    this.sending = null;
    this.inFlight = new Set();
  }

  /** What a page before this one could not send, by ascending sequence. */
  async kept() {
    const range = IDBKeyRange.bound([this.sitting, 0], [this.sitting, Infinity]);
    return (await this.#do("readonly", (store) => store.getAll(range))).map(({ sitting, ...response }) => response);
  }

  /** Begin with `responses` still to be sent, numbering on from `sequence`; what was kept before is replaced by them. */
  async start(responses, sequence) {
    await this.sending;
    await this.#do("readwrite", (store) => {
      store.delete(IDBKeyRange.bound([this.sitting, 0], [this.sitting, Infinity]));
      for (const response of responses) store.put({ sitting: this.sitting, ...response });
    });
    this.pending = new Map(responses.map((response) => [response.sequence, response]));
    this.sequence = Math.max(sequence, ...this.pending.keys());
    this.stopped = false;
    this.#kick();
  }

  /**
   * Keep a change and send it; `typing` waits a moment with the sending, for the next is likely to follow at once. An
   * older change of the same item that has not been sent is not worth sending any more.
   */
  async put(change, typing = false) {
    const response = { ...change, sequence: ++this.sequence };
    const outdated = [...this.pending.values()]
      .filter((other) => other.item === change.item && !this.inFlight.has(other.sequence))
      .map((other) => other.sequence);
    for (const sequence of outdated) this.pending.delete(sequence);
    this.pending.set(response.sequence, response);
    this.onChange();
    await this.#do("readwrite", (store) => {
      store.put({ sitting: this.sitting, ...response });
      for (const sequence of outdated) store.delete([this.sitting, sequence]);
    });
    if (typing) setTimeout(() => this.#kick(), TYPING_MS);
    else this.#kick();
  }

  /** Send at once; resolves when all is on the server's disk, or after `SETTLE_MS` when it cannot be. */
  async settle() {
    this.#kick();
    await Promise.race([this.sending, new Promise((resolve) => setTimeout(resolve, SETTLE_MS))]);
  }

  /** The items with a change that is not on the server's disk. */
  unsaved() {
    return new Set([...this.pending.values()].map((response) => response.item));
  }

  /** Send nothing more: another page has the seat, or the paper is closed. */
  stop() {
    this.stopped = true;
  }

  #kick() {
    if (!this.stopped && this.sending === null)
      this.sending = this.#run().finally(() => {
        this.sending = null;
        this.onChange();
      });
  }

  async #run() {
    let pause = FIRST_WAIT_MS;
    while (this.pending.size && !this.stopped) {
      const batch = [...this.pending.values()].slice(0, BATCH);
      this.inFlight = new Set(batch.map((response) => response.sequence));
      this.onChange();
      try {
        await this.#acknowledged(await this.send(batch));
        this.reachable = true;
        pause = FIRST_WAIT_MS;
      } catch (error) {
        this.inFlight.clear();
        if (!(error instanceof Unreachable)) {
          this.stopped = true;
          this.onStop(error);
          return;
        }
        this.reachable = false;
        this.onChange();
        await wait(pause * (0.75 + Math.random() / 4));
        pause = Math.min(pause * 2, LONGEST_WAIT_MS);
      }
    }
  }

  async #acknowledged(sequences) {
    for (const sequence of sequences) this.pending.delete(sequence);
    this.inFlight.clear();
    await this.#do("readwrite", (store) => {
      for (const sequence of sequences) store.delete([this.sitting, sequence]);
    });
  }

  /** One transaction; resolves to what `work` asked for when it is complete. */
  #do(mode, work) {
    return new Promise((resolve, reject) => {
      const transaction = this.database.transaction(STORE, mode, { durability: "strict" });
      const request = work(transaction.objectStore(STORE));
      transaction.oncomplete = () => resolve(request?.result);
      transaction.onerror = transaction.onabort = () => reject(transaction.error);
    });
  }
}
