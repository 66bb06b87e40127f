// The exam room: wires the paper, the clock, the outbox and the screen together.

import { blank } from "./answer.js";
import { Unreachable, connect } from "./api.js";
import { Clock } from "./clock.js";
import { confirmForward, confirmSubmit, help, takenOver, tell } from "./dialogs.js";
import { byId } from "./dom.js";
import { closed, closing, passed, warned } from "./forward.js";
import { listen } from "./keys.js";
import { Leaving } from "./leaving.js";
import { QuestionMap } from "./map.js";
import { Outbox, openDatabase } from "./outbox.js";
import { announce, t } from "./page.js";
import { question } from "./question.js";
import { late, reconcile } from "./reconcile.js";
import { Status } from "./status.js";
import { Timer } from "./timer.js";

const HEARTBEAT_MS = 15000;
const RETRY_MS = 1500; // a service that was away is found again within 5 s
const CLOSING_MS = 1000;
const LET_MS = 3000; // how often a page asks whether an invigilator has let it go on

/** Refusals that an invigilator or the group lead ends: the page waits for that. */
const UNTIL_LET = { elsewhere: () => t("This exam is open elsewhere"), paused: () => t("The exam is paused"), sealed: () => t("The paper is still sealed") };
/** Refusals that the waiting room explains. */
const NOT_YET = ["before", "late", "check_in"];
const pass = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

const place = JSON.parse(byId("room").textContent);
const main = byId("main");

/** A name that nobody else has; there is no crypto.randomUUID on a plain http address of a college's network. */
const random = () => [...crypto.getRandomValues(new Uint8Array(12))].map((byte) => byte.toString(16).padStart(2, "0")).join("");

/** The name of this browser, the same on every visit. */
function deviceName() {
  const known = localStorage.getItem("xinglin-exams-device");
  if (known) return known;
  const name = random();
  localStorage.setItem("xinglin-exams-device", name);
  return name;
}

class Room {
  constructor(database) {
    this.seat = random();
    this.device = deviceName();
    this.clock = new Clock();
    this.api = connect(`${place.prefix}api/${place.exam}/`, this.clock);
    this.held = new Map(); // item id -> {value, flagged}
    this.index = 0;
    this.shown = null;
    this.over = false;
    this.status = new Status();
    this.outbox = new Outbox({
      database,
      sitting: `${place.exam}/${place.number}`,
      send: (responses) => this.send(responses),
      onChange: () => this.draw(),
      onStop: (error) => this.stopped(error),
    });
    this.timer = new Timer(this.clock, () => this.timeOver());
    this.pausing = null;
    this.heard = -Infinity; // when saving last told how things stand
    this.untold = []; // times that the page was left, still to be told
    this.leaving = new Leaving((left) => {
      this.untold.push(left);
      this.tellLeft().catch((error) => this.failed(error));
    });
    this.channel = new BroadcastChannel(`xinglin-exams/${place.exam}/${place.number}`);
    this.channel.onmessage = ({ data }) => data !== this.seat && this.lostSeat();
  }

  /** Take the seat, get the paper and what holds, and go on with what this browser still has to send. */
  async enter() {
    const entered = await this.untilLet();
    this.channel.postMessage(this.seat);
    this.outbox.stop();
    const kept = await this.outbox.kept();
    const pending = reconcile(kept, entered.latest, entered.sequence);
    this.items = entered.items;
    this.held = new Map([...entered.latest, ...pending].map(({ item, value, flagged }) => [item, { value, flagged }]));
    this.map ??= new QuestionMap(byId("map"), this.items.length, (index) => this.go(index, true));
    await this.outbox.start(pending, entered.sequence);
    this.timer.start(entered.deadline);
    this.go(Math.min(this.index, this.items.length - 1));
    this.tellLate(late(kept, entered.latest));
  }

  /** Answers that this browser kept, to questions that were closed meanwhile on another machine, do not count. */
  tellLate(responses) {
    const places = this.items.flatMap(({ id }, place) => (responses.some(({ item }) => item === id) ? [place + 1] : []));
    if (!places.length) return;
    const text = t("Question {numbers}: you had gone on elsewhere before this answer arrived, so it does not count. What counts is shown.", { numbers: places.join(t(", ")) });
    const dialog = tell(t("This question is closed"), text, t("Close"), () => dialog.close());
  }

  /** Enter as soon as the service is there and no invigilator's word is wanting. */
  async untilLet() {
    let told = {};
    this.asking = true; // that another page has the seat is known then
    try {
      for (;;) {
        try {
          return await this.untilReached(() => this.api.post("enter", { seat: this.seat }));
        } catch (error) {
          if (!(error.code in UNTIL_LET)) throw error;
          if (told.code !== error.code) {
            told.dialog?.close();
            told = { code: error.code, dialog: tell(UNTIL_LET[error.code](), error.message) };
          }
          await pass(LET_MS);
        }
      }
    } finally {
      this.asking = false;
      told.dialog?.close();
    }
  }

  async untilReached(ask) {
    for (;;) {
      try {
        const answer = await ask();
        this.status.reached(true);
        return answer;
      } catch (error) {
        if (!(error instanceof Unreachable)) throw error;
        this.status.reached(false);
        await pass(RETRY_MS);
      }
    }
  }

  async send(responses) {
    for (;;) {
      try {
        const answer = await this.api.post("responses", { seat: this.seat, responses });
        this.heard = this.clock.ticks();
        if (answer.paused) this.pause();
        else this.timer.start(answer.deadline);
        return answer.acknowledged;
      } catch (error) {
        if (error.code !== "paused") throw error;
        await this.pause();
      }
    }
  }

  /** An invigilator has stopped the exam: nothing can be changed until it goes on. Resolves then. */
  pause() {
    this.pausing ??= this.untilResumed().finally(() => (this.pausing = null));
    return this.pausing;
  }

  async untilResumed() {
    main.inert = true;
    this.timer.stop();
    const dialog = tell(t("The exam is paused"), t("Your time stands still and your answers are kept. Stay here: the page goes on by itself."));
    for (;;) {
      const state = await this.untilReached(() => this.api.get("state"));
      if (state.closed !== null) return this.leave();
      if (!state.paused) {
        dialog.close();
        main.inert = false;
        this.timer.start(state.deadline);
        return announce(t("The exam goes on"));
      }
      await pass(LET_MS);
    }
  }

  /** Tell the server of the times that the page was left; what cannot be told now is told later. */
  async tellLeft() {
    while (this.untold.length) {
      const [left] = this.untold;
      try {
        await this.api.post("left", { seat: this.seat, ...left });
      } catch (error) {
        if (error instanceof Unreachable) return;
        throw error;
      }
      this.untold = this.untold.filter((one) => one !== left);
    }
  }

  /** What the map and the dialogs show of every question. */
  states() {
    const unsaved = this.outbox.unsaved();
    return this.items.map(({ id }) => ({
      answered: !blank(this.held.get(id)?.value),
      flagged: this.held.get(id)?.flagged ?? false,
      unsaved: unsaved.has(id),
      closed: closed(this.held, id),
    }));
  }

  draw() {
    if (!this.items) return;
    this.status.draw(this.outbox);
    this.map.draw(this.states(), this.index);
    const { id } = this.items[this.index];
    byId("flag").setAttribute("aria-pressed", String(this.held.get(id)?.flagged ?? false));
    byId("flag").disabled = closed(this.held, id);
    byId("previous").disabled = this.index === 0;
    byId("next").disabled = this.index === this.items.length - 1;
  }

  /** Show question `index`; `focus` moves the reader there too. What that closes for good is asked and kept first. */
  go(index, focus = false) {
    if (index < 0 || index >= this.items.length) return;
    const ends = closing(this.items, index, this.held);
    const unanswered = ends.filter(({ id }) => blank(this.held.get(id)?.value));
    const goOn = () => {
      for (const { id } of ends) this.change(passed(id), {});
      this.show(index, focus);
    };
    if (ends.length && (unanswered.length || !warned(this.items, index, this.held))) {
      const places = (list) => list.map((item) => this.items.indexOf(item));
      confirmForward(places(ends), places(unanswered), goOn);
    } else goOn();
  }

  show(index, focus) {
    this.shown?.dispose();
    this.index = index;
    const item = this.items[index];
    this.shown = question(main, this.items, index, this.held.get(item.id)?.value ?? null, {
      api: this.api,
      base: place.static,
      closed: closed(this.held, item.id),
      change: (value, typing) => this.change(item.id, { value }, typing),
    });
    this.toggleMap(false);
    this.draw();
    scrollTo(0, 0);
    if (focus) this.shown.focus();
  }

  /** Keep and send a change of an item; `typing` says that the next is likely to follow at once. */
  change(item, news, typing = false) {
    if (this.over || closed(this.held, item)) return;
    const now = { value: null, flagged: false, ...this.held.get(item), ...news };
    this.held.set(item, now);
    this.outbox.put({ item, ...now, device: this.device }, typing).catch(() => this.status.unkept());
  }

  flag() {
    const { id } = this.items[this.index];
    if (closed(this.held, id)) return;
    this.change(id, { flagged: !(this.held.get(id)?.flagged ?? false) });
    announce(this.held.get(id).flagged ? t("flagged") : t("no longer flagged"));
  }

  toggleMap(open) {
    document.body.classList.toggle("map-open", open);
    byId("show-map").setAttribute("aria-expanded", String(open));
    if (open) this.map.focus(this.index);
  }

  askSubmit() {
    confirmSubmit(this.states(), (index) => this.go(index, true), (wanted) => this.submit(wanted));
  }

  /** Hand in, unless wanted() ends meanwhile; the server refuses while anything that was given a sequence is missing. */
  async submit(wanted) {
    await this.outbox.settle();
    if (!wanted()) return;
    if (this.outbox.pending.size) throw new Error(t("Some answers are not saved yet. Wait until all are saved, then hand in again."));
    try {
      const answer = await this.api.post("submit", { seat: this.seat, sequence: this.outbox.sequence });
      this.leave(answer.receipt);
    } catch (error) {
      if (error instanceof Unreachable) throw new Error(t("The server cannot be reached. Your answers are saved; hand in again in a moment."));
      if (error.code === "closed") this.leave();
      throw error;
    }
  }

  leave(receipt = `${place.prefix}${place.exam}/receipt`) {
    this.over = true;
    location.assign(receipt);
  }

  /** The server took none of what was sent, and says why. */
  stopped(error) {
    if (error.code === "closed") this.timeOver();
    else if (error.code === "taken_over") this.lostSeat();
    else if (error.code === "conflict" || error.code === "locked") this.enter().catch((again) => this.failed(again));
    else this.failed(error);
  }

  failed(error) {
    const again = error.status === 401 ? t("Log in again") : t("Load this page again");
    tell(t("Your answers are kept on this machine"), error.message, again, () => location.reload());
  }

  lostSeat() {
    if (this.over || this.asking || document.querySelector("dialog[data-elsewhere]")) return;
    this.outbox.stop();
    takenOver(() => this.enter().catch((error) => this.failed(error))).dataset.elsewhere = "";
  }

  /** Nothing more can be changed; what is on its way has a moment left, then the receipt is shown. */
  timeOver() {
    if (this.over) return;
    this.over = true;
    main.inert = true;
    tell(t("Time is over"), t("Your last answers are being saved. The receipt follows by itself."));
    this.outbox.settle();
    this.untilClosed().catch((error) => this.failed(error));
  }

  async untilClosed() {
    for (;;) {
      const state = await this.untilReached(() => this.api.get("state"));
      if (state.closed !== null) return this.leave();
      if (state.deadline > this.clock.now()) return location.reload(); // time was given back
      await pass(CLOSING_MS);
    }
  }

  /** Ask now and then whether all is as it was: the deadline, the seat, the service. */
  async watch() {
    while (!this.over) {
      await pass(HEARTBEAT_MS * (0.75 + Math.random() / 2));
      if (this.clock.ticks() - this.heard < HEARTBEAT_MS && !this.untold.length) continue; // saving told all of it
      try {
        const state = await this.untilReached(() => this.api.get("state"));
        if (state.closed !== null) this.timeOver();
        else if (state.seat !== this.seat) this.lostSeat();
        else if (state.paused) await this.pause();
        else this.timer.start(state.deadline);
        await this.tellLeft();
      } catch (error) {
        return this.failed(error);
      }
    }
  }
}

function wire(room) {
  byId("previous").addEventListener("click", () => room.go(room.index - 1, true));
  byId("next").addEventListener("click", () => room.go(room.index + 1, true));
  byId("flag").addEventListener("click", () => room.flag());
  byId("show-map").addEventListener("click", () => room.toggleMap(!document.body.classList.contains("map-open")));
  byId("submit").addEventListener("click", () => room.askSubmit());
  byId("help").addEventListener("click", help);
  main.addEventListener("again", () => room.go(room.index));
  addEventListener("beforeunload", (event) => {
    if (room.outbox.pending.size && !room.outbox.stopped) event.preventDefault();
  });
  listen({
    choose: (letter) => room.shown.choose(letter),
    previous: () => room.go(room.index - 1, true),
    next: () => room.go(room.index + 1, true),
    flag: () => room.flag(),
    map: () => (room.toggleMap(true), room.map.focus(room.index)),
    help,
    leave: () => room.toggleMap(false),
  });
}

async function begin() {
  const room = new Room(await openDatabase());
  try {
    await room.enter();
  } catch (error) {
    if (error.code === "closed") return room.leave();
    if (NOT_YET.includes(error.code)) return location.replace(`${place.prefix}${place.exam}/`);
    tell(t("The exam cannot be entered"), error.message, t("My exams"), () => location.assign(place.prefix));
    return;
  }
  wire(room);
  room.leaving.watch();
  room.watch();
}

begin();
