// The desk: who is in, how far they are, and what the group lead does about it.

import { Unreachable, connect } from "./api.js";
import { Clock, countdown } from "./clock.js";
import { byId, h } from "./dom.js";
import { t } from "./page.js";

const EVERY_MS = 3000;
const ACT_MS = 30 * 60_000; // as long as the service itself gives an act: marking thousands takes its time
const ROOM = "room:";
const STATES = {
  absent: () => t("Absent"),
  in: () => t("In the room"),
  submitted: () => t("Handed in"),
  time_up: () => t("Time over"),
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
  const hand = h("button", { type: "button", class: "quiet", onclick: () => force(candidate) }, t("Hand in"));
  return h("tr", { "data-number": candidate.number },
    h("td", {}, candidate.number), h("td", {}, candidate.name), h("td", {}, candidate.school),
    h("td", {}, [candidate.room, candidate.seat].filter(Boolean).join(" · ")),
    h("td", {}, h("span", { class: `pill ${candidate.state}` }, STATES[candidate.state]())),
    h("td", {}, h("span", { class: "meter", "aria-hidden": "true" }, bar), `${candidate.answered} / ${candidate.items}`),
    h("td", { "data-left": "" }), h("td", {}, time(candidate.last)), h("td", {}, candidate.state === "in" ? hand : ""));
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
    h("label", {}, t("Reason"), h("input", { name: "reason", required: true, maxlength: 500 })),
  ];
  ask(t("Hand in for the candidate"), fields, async (values) => {
    await api.post("force", { number, reason: values.get("reason") });
    return t("Handed in for {number} {name}.", { number, name });
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
  const rows = shown.map(kept);
  const there = byId("rows").children;
  if (rows.length !== there.length || rows.some((element, index) => element !== there[index])) byId("rows").replaceChildren(...rows);
}

async function watch() {
  for (;;) {
    try {
      candidates = (await api.get("watch")).candidates;
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

/** A dialog with `fields` that posts; `post(values)` resolves to a sentence. */
function ask(title, fields, post) {
  const problem = h("p", { class: "hint", role: "alert" });
  const go = h("button", { class: "button" }, t("Do it"));
  const form = h("form", {}, ...fields, problem,
    h("div", { class: "actions" }, h("button", { type: "button", class: "button second", onclick: () => dialog.close() }, t("Cancel")), go));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    go.disabled = true;
    problem.textContent = t("At work…");
    try {
      const sentence = await post(new FormData(form));
      dialog.close();
      say(sentence);
    } catch (error) {
      problem.textContent = error instanceof Unreachable ? t("The server cannot be reached. Try again in a moment.") : error.message;
      go.disabled = false;
    }
  });
  const dialog = h("dialog", { "aria-labelledby": "ask-title" }, h("h2", { id: "ask-title" }, title), form);
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

for (const button of document.querySelectorAll("[data-act]"))
  button.addEventListener("click", () =>
    ask(ASK[button.dataset.act]?.() ?? button.textContent, [], async () => (await api.post(`acts/${button.dataset.act}`, {}, ACT_MS)).message));

byId("credit")?.addEventListener("click", () => {
  const rooms = [...new Set(candidates.map(({ room }) => room).filter(Boolean))].sort();
  const fields = [
    h("label", {}, t("Minutes"), h("input", { name: "minutes", type: "number", min: 1, max: 240, value: 5, required: true })),
    h("label", {}, t("To"), h("select", { name: "number" }, h("option", { value: "" }, t("all who have not handed in")),
      ...rooms.map((room) => h("option", { value: `${ROOM}${room}` }, t("Room {room}", { room }))),
      ...candidates.filter(({ state }) => state === "in" || state === "time_up").map(({ number, name }) => h("option", { value: number }, `${number} ${name}`)))),
    h("label", {}, t("Reason"), h("input", { name: "reason", required: true, maxlength: 500 })),
  ];
  ask(t("Give time back"), fields, async (values) => {
    const to = values.get("number");
    const whom = to.startsWith(ROOM) ? { room: to.slice(ROOM.length) } : { number: to || null };
    const body = { seconds: Number(values.get("minutes")) * 60, reason: values.get("reason"), ...whom };
    return t("Given to {count} candidates.", { count: (await api.post("credit", body)).sittings });
  });
});

byId("filter").addEventListener("input", draw);
byId("state").addEventListener("change", draw);
watch();
