// The desk: who is in, how far they are, and what the group lead does about it.

import { Unreachable, connect } from "./api.js";
import { ask, minutes, reason } from "./ask.js";
import { Clock, countdown } from "./clock.js";
import { byId, h } from "./dom.js";
import { ROOM, about, aboutRoom } from "./invigilate.js";
import { t } from "./page.js";

const EVERY_MS = 3000;
const ACT_MS = 30 * 60_000; // as long as the service itself gives an act: marking thousands takes its time
const STATES = {
  absent: () => t("Absent"),
  in: () => t("In the room"),
  paused: () => t("Paused"),
  submitted: () => t("Handed in"),
  time_up: () => t("Time over"),
  annulled: () => t("Annulled"),
};
const ASK = {
  close: () => t("End the exam now? Nobody can enter after that."),
  collect: () => t("Collect the papers that are handed in?"),
  mark: () => t("Mark the collected papers?"),
  release: () => t("Release the results to all candidates? This cannot be taken back."),
};

const desk = byId("desk");
const clock = new Clock();
const api = connect(`${desk.dataset.prefix}api/${desk.dataset.exam}/`, clock);
let candidates = [];

function say(text) {
  byId("desk-message").hidden = !text;
  byId("desk-message").textContent = text;
}

function tile(count, text) {
  return h("li", {}, h("b", {}, String(count)), h("span", {}, text));
}

function time(ms) {
  return ms ? new Intl.DateTimeFormat(document.documentElement.lang, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" }).format(ms) : "";
}

function row(candidate) {
  const share = candidate.items ? (100 * candidate.answered) / candidate.items : 0;
  const bar = h("i");
  bar.style.width = `${share}%`;
  const { number, name } = candidate;
  const label = t("What to do about {number} {name}", { number, name });
  const open = h("button", { type: "button", class: "quiet", "aria-haspopup": "dialog", "aria-label": label, onclick: () => manage(candidate) }, number);
  return h("tr", { "data-number": number },
    h("td", {}, open), h("td", {}, name),
    h("td", { class: "stands" }, h("span", { class: `pill ${candidate.state}` }, STATES[candidate.state]()), ...notes(candidate)),
    h("td", {}, [candidate.room, candidate.seat].filter(Boolean).join(" · ")), h("td", { class: "wide" }, candidate.school),
    h("td", {}, h("span", { class: "meter", "aria-hidden": "true" }, bar), `${candidate.answered} / ${candidate.items}`),
    h("td", { "data-left": "" }), h("td", { class: "wide" }, time(candidate.last)));
}

/** What should catch the eye of whoever watches. */
function notes({ state, asked, late, checked, left, moves }) {
  return [
    asked ? t("Asks for another machine") : null,
    late ? t("Late") : null,
    desk.dataset.checkin && checked && state === "absent" ? t("Checked in") : null,
    left ? t("Left {count}×", { count: left }) : null,
    moves ? t("Moved {count}×", { count: moves }) : null,
  ].filter(Boolean).map((text, index) => h("span", { class: `pill note ${asked && index === 0 ? "asks" : ""}` }, text));
}

const doing = { api, say, lead: "lead" in desk.dataset, checkin: "checkin" in desk.dataset };

function manage(candidate) {
  const more = candidate.state === "in" || candidate.state === "paused" ? [[t("Hand in"), () => force(candidate)]] : [];
  if (doing.lead && ["in", "paused", "time_up"].includes(candidate.state)) more.push([t("Give time back"), () => credit(candidate)]);
  about(candidate, { ...doing, more });
}

/** A row stays the same element while its candidate does the same, so that the focus stays where it is. */
const drawn = new Map();

function kept(candidate) {
  const now = JSON.stringify(candidate);
  let { element, before } = drawn.get(candidate.number) ?? {};
  if (before !== now) {
    const fresh = row(candidate);
    const focused = element?.contains(document.activeElement);
    element?.replaceWith(fresh);
    element = fresh;
    if (focused) element.querySelector("button")?.focus();
    drawn.set(candidate.number, { element, before: now });
  }
  if (candidate.state === "in") element.querySelector("[data-left]").textContent = countdown(candidate.deadline - clock.now());
  return element;
}

function force(candidate) {
  const { number, name } = candidate;
  const fields = [
    h("p", {}, t("{number} {name}: what is saved is handed in. Nothing can be changed after that.", { number, name })),
    reason(true),
  ];
  ask(t("Hand in for the candidate"), fields, async (values) => {
    await api.post("force", { number, reason: values.get("reason") });
    say(t("Handed in for {number} {name}.", { number, name }));
  });
}

function draw() {
  const count = (state) => candidates.filter((candidate) => candidate.state === state).length;
  byId("tiles").replaceChildren(tile(candidates.length, t("candidates")), ...Object.keys(STATES).map((state) => tile(count(state), STATES[state]())));
  const wanted = byId("filter").value.trim().toLowerCase();
  const state = byId("state").value;
  const shown = candidates.filter((candidate) =>
    (!state || candidate.state === state) &&
    [candidate.number, candidate.name, candidate.school, candidate.room].some((text) => text.toLowerCase().includes(wanted)));
  shown.sort((one, other) => Number(other.asked) - Number(one.asked)); // who asks stands first
  const rows = shown.map(kept);
  const there = byId("rows").children;
  if (rows.length !== there.length || rows.some((element, index) => element !== there[index])) byId("rows").replaceChildren(...rows);
}

/** The code of each room, to be told to those who sit there. */
function drawCodes(codes) {
  const list = byId("codes");
  const text = JSON.stringify(codes);
  if (list.dataset.drawn === text) return;
  list.dataset.drawn = text;
  list.replaceChildren(...codes.map(({ room, code }) => h("li", {}, h("span", {}, t("Code of {room}", { room })), " ", h("b", {}, code))));
}

/** How far work on the exam is that takes its time. */
function drawWork(work) {
  byId("work").hidden = !work;
  if (!work) return;
  byId("work-said").textContent = t("{stage}: {done} of {total}", work);
  byId("work-done").max = work.total;
  byId("work-done").value = work.done;
}

byId("work-stop")?.addEventListener("click", () => api.post("stop", {}).catch((error) => say(error.message)));

async function watch() {
  for (;;) {
    try {
      const seen = await api.get("watch");
      candidates = seen.candidates;
      drawCodes(seen.codes);
      drawWork(seen.work);
      if (byId("desk-message").dataset.lost) say("");
      delete byId("desk-message").dataset.lost;
      draw();
    } catch (error) {
      byId("desk-message").dataset.lost = "yes";
      say(error instanceof Unreachable ? t("The server cannot be reached; what you see may be old.") : error.message);
      if (!(error instanceof Unreachable)) return;
    }
    await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
  }
}

for (const button of document.querySelectorAll("[data-act]"))
  button.addEventListener("click", () =>
    ask(ASK[button.dataset.act]?.() ?? button.textContent, [], async () => say((await api.post(`acts/${button.dataset.act}`, {}, ACT_MS)).message)));

/** Time given back after an outage: to all, a room, or one candidate, who may be chosen already. */
function credit(chosen) {
  const fields = [
    minutes(),
    h("label", {}, t("To"), h("select", { name: "number" }, h("option", { value: "" }, t("all who have not handed in")),
      ...rooms().map((room) => h("option", { value: `${ROOM}${room}` }, t("Room {room}", { room }))),
      ...candidates.filter(({ state }) => ["in", "paused", "time_up"].includes(state))
        .map(({ number, name }) => h("option", { value: number, selected: number === chosen?.number }, `${number} ${name}`)))),
    reason(true),
  ];
  ask(t("Give time back"), fields, async (values) => {
    const to = values.get("number");
    const whom = to.startsWith(ROOM) ? { room: to.slice(ROOM.length) } : { number: to || null };
    const body = { seconds: Number(values.get("minutes")) * 60, reason: values.get("reason"), ...whom };
    say(t("Given to {count} candidates.", { count: (await api.post("credit", body)).sittings }));
  });
}

const rooms = () => [...new Set(candidates.map(({ room, school }) => room || school))].sort();

byId("credit")?.addEventListener("click", () => credit());
byId("unseal")?.addEventListener("click", () => {
  const key = h("label", {}, t("Key of the paper"), h("input", { name: "key", required: true, maxlength: 100, autocomplete: "off", spellcheck: "false" }));
  ask(t("Open the paper"), [h("p", {}, t("Candidates see it from the opening of the exam on.")), key], async (values) => {
    await api.post("unseal", { key: values.get("key") });
    byId("unseal").remove();
    say(t("The paper is open."));
  });
});
byId("rooms").addEventListener("click", () => aboutRoom(rooms(), doing));
byId("filter").addEventListener("input", draw);
byId("state").addEventListener("change", draw);
watch();
