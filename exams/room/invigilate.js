// What those who watch over an exam decide about one candidate or a room, and what the log tells of one.

import { ask, minutes, reason, worded } from "./ask.js";
import { h } from "./dom.js";
import { t } from "./page.js";

export const ROOM = "room:";

/** The acts: name on the button; what it means; lead: the group lead's only; reason, minutes: what is said with it. */
export const ACTS = {
  allowed: { name: () => t("Let go on at the other machine"), told: () => t("The machine before it cannot write any more.") },
  checked_in: { name: () => t("Check in"), told: () => t("You have seen who it is."), room: true },
  admitted_late: { name: () => t("Let in late"), told: () => t("The exam still closes for them when it closes for all."), reason: true },
  paused: { name: () => t("Pause"), told: () => t("The time stands still and nothing can be written until it goes on."), reason: true, room: true },
  resumed: { name: () => t("Go on"), told: () => t("The time that the pause took is given back."), room: true },
  extended: { name: () => t("Extra time"), told: () => t("It counts beside what the roster gives."), lead: true, reason: true, minutes: true },
  annulled: { name: () => t("Annul"), told: () => t("The paper is closed and does not count. This can be undone."), lead: true, reason: true },
  reinstated: { name: () => t("Undo the annulment"), told: () => t("The paper counts again; give time back if it is still open."), lead: true, reason: true },
};

const TOLD = {
  admitted: () => t("came with the ticket"),
  opened: () => t("began"),
  entered: () => t("came again"),
  asked: () => t("asked to go on at another machine"),
  allowed: () => t("was allowed the other machine"),
  checked_in: () => t("was checked in"),
  admitted_late: () => t("was let in late"),
  paused: () => t("was paused"),
  resumed: () => t("went on"),
  extended: () => t("got extra time"),
  credited: () => t("got time back"),
  annulled: () => t("was annulled"),
  reinstated: () => t("was reinstated"),
  left: () => t("left the page"),
  moved: () => t("came from another address"),
  tried: () => t("ran an experiment"),
  submitted: () => t("handed in"),
  forced: () => t("was handed in for"),
  ticket_tried: () => t("wrong codes were tried"),
};

const fieldsOf = (act) => [h("p", {}, act.told()), act.minutes ? minutes() : null, reason(Boolean(act.reason))].filter(Boolean);

const bodyOf = (values) => ({ reason: values.get("reason"), ...(values.has("minutes") ? { minutes: Number(values.get("minutes")) } : {}) });

/** The dialog about one candidate: what can be done now, and what was. more: further [name, act] of the desk's own. */
export function about(candidate, { api, say, lead, more }) {
  const { number, name, acts, left, left_s, moves } = candidate;
  const decide = (act) => {
    dialog.close();
    ask(`${ACTS[act].name()} · ${number} ${name}`, fieldsOf(ACTS[act]), async (values) => {
      await api.post("attend", { act, number, ...bodyOf(values) });
      say(t("Done for {number} {name}.", { number, name }));
    });
  };
  const buttons = [
    ...acts.filter((act) => lead || !ACTS[act].lead).map((act) => [ACTS[act].name(), () => decide(act)]),
    ...more.map(([text, act]) => [text, () => { dialog.close(); act(); }]),
  ];
  const history = h("ol", { class: "history" }, h("li", { class: "quiet" }, t("Loading…")));
  const noticed = [
    left ? t("Left the page {count} times, {seconds} s together.", { count: left, seconds: left_s }) : null,
    moves ? t("The network address changed {count} times.", { count: moves }) : null,
  ].filter(Boolean);
  const dialog = h("dialog", { "aria-labelledby": "about-title" },
    h("h2", { id: "about-title" }, `${number} ${name}`),
    h("p", { class: "quiet" }, [candidate.school, candidate.room, candidate.seat].filter(Boolean).join(" · ")),
    ...noticed.map((text) => h("p", {}, text)),
    h("div", { class: "choices" }, ...buttons.map(([text, act]) => h("button", { type: "button", class: "button second", onclick: act }, text))),
    h("h3", {}, t("What the log tells")), history,
    h("div", { class: "actions" }, h("button", { type: "button", class: "button", onclick: () => dialog.close() }, t("Close"))));
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  tell(history, api, number);
}

async function tell(list, api, number) {
  try {
    const { entries } = await api.get(`candidates/${encodeURIComponent(number)}/history`);
    list.replaceChildren(...entries.toReversed().map(line));
    if (!entries.length) list.replaceChildren(h("li", { class: "quiet" }, t("Nothing yet.")));
  } catch (error) {
    list.replaceChildren(h("li", {}, worded(error)));
  }
}

function line({ at, by, act, detail }) {
  const when = new Intl.DateTimeFormat(document.documentElement.lang, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" }).format(at);
  const more = [
    detail.minutes ? t("{minutes} min", { minutes: detail.minutes }) : null,
    detail.seconds ? t("{seconds} s", { seconds: detail.seconds }) : null,
    detail.from ? `${detail.from} → ${detail.to}` : detail.address,
    detail.reason,
  ].filter(Boolean).join(" · ");
  return h("li", {}, h("time", {}, when), " ", TOLD[act]?.() ?? act, " ", h("span", { class: "quiet" }, [by, more].filter(Boolean).join(" · ")));
}

/** The dialog about a room, or all whom one watches over. rooms: their names. */
export function aboutRoom(rooms, { api, say, checkin }) {
  const acts = Object.entries(ACTS).filter(([act, { room }]) => room && (checkin || act !== "checked_in"));
  const fields = [
    h("label", {}, t("What"), h("select", { name: "act" }, ...acts.map(([act, { name }]) => h("option", { value: act }, name())))),
    h("label", {}, t("To"), h("select", { name: "room" }, h("option", { value: "" }, t("all whom you watch over")),
      ...rooms.map((room) => h("option", { value: `${ROOM}${room}` }, t("Room {room}", { room }))))),
    reason(true),
  ];
  ask(t("For a room"), fields, async (values) => {
    const to = values.get("room");
    const whom = to ? { room: to.slice(ROOM.length) } : {};
    const { numbers } = await api.post("attend", { act: values.get("act"), reason: values.get("reason"), ...whom });
    say(t("Done for {count} candidates.", { count: numbers.length }));
  });
}
