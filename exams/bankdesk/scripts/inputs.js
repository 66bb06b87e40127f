// One way of filling in for each kind of field: (field, value, part) -> {element, read(), refresh()?}; `read` gives
// undefined for what is left out. `part` is the item or group that the field is of.

import { LETTERS } from "../room/answer.js";
import { connect } from "../room/api.js";
import { Clock } from "../room/clock.js";
import { h } from "../room/dom.js";
import { t } from "../room/page.js";
import { show } from "../room/tools.js";
import { regions } from "./regions.js";

let made = 0;
const name = (field) => `${field.name}-${++made}`;

function input(type, read, attributes = {}) {
  return (field, value) => {
    const element = h("input", { type, ...attributes, ...(value === undefined || value === null ? {} : { value }) });
    return { element, read: () => read(element.value.trim(), field) };
  };
}

const number = input("number", (text) => (text === "" ? undefined : Number(text)), { step: "any" });
const whole = input("number", (text) => (text === "" ? undefined : Number(text)), { step: 1 });
const line = input("text", (text, field) => (text === "" && field.optional ? undefined : text));

function text(field, value) {
  const element = h("textarea", { rows: 3 });
  element.value = value ?? "";
  return { element, read: () => element.value.trim() };
}

function choice(field, value) {
  const element = h("select", {}, ...field.choices.map(([one, shown]) => h("option", { value: one }, shown)));
  if (value !== undefined && value !== null) element.value = value;
  if (element.selectedIndex < 0) element.selectedIndex = 0;
  return { element, read: () => element.value || undefined };
}

function flag(field, value) {
  const box = h("input", { type: "checkbox" });
  box.checked = value === true;
  return { element: box, read: () => box.checked || undefined };
}

/** A text with suggestions. */
const suggested = (list) => (field, value, part) => {
  const id = name(field);
  const element = h("input", { type: "text", list: id, value: value ?? "" });
  return { element: h("div", {}, element, h("datalist", { id }, ...part.data[list].map((one) => h("option", { value: one })))), read: () => element.value.trim() };
};

/** Options, lettered by their place. */
function options(field, value, part) {
  const [fewest, usual, most] = field.numbers;
  const texts = Object.values(value ?? {});
  const list = h("ol", { class: "option-list" });
  const row = (option) => {
    const own = h("input", { type: "text", value: option });
    const remove = h("button", { type: "button", class: "quiet", onclick: () => (item.remove(), draw(), part.changed()) }, "×");
    const item = h("li", {}, h("span", { class: "letter" }), own, remove);
    return item;
  };
  const draw = () => {
    const rows = [...list.children];
    rows.forEach((item, index) => {
      item.querySelector(".letter").textContent = LETTERS[index];
      item.querySelector("input").setAttribute("aria-label", t("Option {letter}", { letter: LETTERS[index] }));
      item.querySelector("button").setAttribute("aria-label", t("Remove option {letter}", { letter: LETTERS[index] }));
      item.querySelector("button").hidden = rows.length <= fewest;
    });
    more.hidden = rows.length >= most;
  };
  const more = h("button", { type: "button", class: "quiet", onclick: () => {
    list.append(row(""));
    draw();
    list.lastElementChild.querySelector("input").focus();
    part.changed();
  } }, t("One more option"));
  while (texts.length < usual) texts.push("");
  list.append(...texts.map(row));
  draw();
  return {
    element: h("div", {}, list, more),
    read: () => Object.fromEntries([...list.querySelectorAll("input")].map((own, index) => [LETTERS[index], own.value.trim()])),
  };
}

/** The letter of the right option, or several: of the item's own options or those of its group. */
const letters = (type) => (field, value, part) => {
  const group = name(field);
  const element = h("div", { class: "letters" });
  const chosen = () => [...element.querySelectorAll("input:checked")].map((one) => one.value);
  let now = [].concat(value ?? []).map(String);
  let drawn = "";
  return {
    element,
    read: () => (type === "checkbox" ? chosen() : (chosen()[0] ?? "")),
    refresh: () => {
      const found = Object.keys(part.letters());
      if (found.join() === drawn) return;
      if (drawn) now = chosen();
      drawn = found.join();
      element.replaceChildren(...found.map((letter) => {
        const one = h("input", { type, name: group, value: letter });
        one.checked = now.includes(letter);
        return h("label", {}, one, letter);
      }));
    },
  };
};

function group(field, value, part) {
  const element = h("select", {}, ...part.groups.map(({ id, text: shown }) => h("option", { value: id }, `${id}: ${shown}`)));
  element.value = value ?? part.groups[0]?.id ?? "";
  return { element, read: () => element.value };
}

/** Points with what earns them. */
function rubric(field, value, part) {
  const list = h("ol", { class: "rubric-list" });
  const row = ({ points, text: said }) => {
    const item = h("li", {},
      h("input", { type: "number", step: "any", value: points ?? "", "aria-label": t("Points") }),
      h("input", { type: "text", value: said ?? "", "aria-label": t("What earns them") }),
      h("button", { type: "button", class: "quiet", "aria-label": t("Remove"), onclick: () => (item.remove(), part.changed()) }, "×"));
    return item;
  };
  const more = h("button", { type: "button", class: "quiet", onclick: () => (list.append(row({})), list.lastElementChild.querySelector("input").focus(), part.changed()) }, t("One more criterion"));
  list.append(...(value ?? [{}]).map(row));
  const read = () => [...list.children].map((item) => {
    const [points, said] = item.querySelectorAll("input");
    return { ...(points.value === "" ? {} : { points: Number(points.value) }), text: said.value.trim() };
  });
  return { element: h("div", {}, list, more), read };
}

function pair(field, value) {
  const [centre, width] = [0, 1].map((index) => h("input", { type: "number", step: "any", value: value?.[index] ?? "", "aria-label": [t("Centre"), t("Width")][index] }));
  const read = () => (centre.value === "" && width.value === "" ? undefined : [centre, width].filter((one) => one.value !== "").map((one) => Number(one.value)));
  return { element: h("span", { class: "pair" }, centre, width), read };
}

function several(field, value) {
  const boxes = field.choices.map(([one, shown]) => {
    const box = h("input", { type: "checkbox", value: one });
    box.checked = (value ?? []).includes(one);
    return h("label", {}, box, shown);
  });
  const element = h("div", { class: "letters" }, ...boxes);
  const read = () => {
    const chosen = [...element.querySelectorAll("input:checked")].map((box) => box.value);
    return chosen.length ? chosen : undefined;
  };
  return { element, read };
}

/** The parameters of what `choice` has chosen, as `list` tells them; what is left blank has the value it has by itself. */
const parameters = (choice, list) => (field, value, part) => {
  const element = h("div", { class: "parameters" });
  let now = value ?? {};
  let drawn = "";
  const read = () => {
    const filled = [...element.querySelectorAll("input")].filter((one) => one.value !== "");
    return filled.length ? Object.fromEntries(filled.map((one) => [one.name, Number(one.value)])) : undefined;
  };
  const refresh = () => {
    const chosen = part.value(choice);
    if (chosen === drawn || !part.data[list][chosen]) return;
    if (drawn) now = read() ?? {};
    drawn = chosen;
    element.replaceChildren(...Object.entries(part.data[list][chosen]).map(([own, usual]) =>
      h("label", {}, own, h("input", { type: "number", step: "any", name: own, placeholder: usual, value: now[own] ?? "" }))));
  };
  return { element, read, refresh };
};

/** The author's own measurement: the frame, and its points as "x,y x,y", made in the image or typed. */
function example(field, value, part) {
  const frame = h("input", { type: "number", step: 1, value: value?.frame ?? part.value("asset.frame") ?? 0, "aria-label": t("Frame") });
  const points = h("input", { type: "text", placeholder: "120,80 160,80", "aria-label": t("Points as x,y x,y in pixels") });
  const write = (measured) => (points.value = measured.map((point) => point.map((number) => Number(number.toFixed(1))).join(",")).join(" "));
  write(value?.points ?? []);
  const read = () => ({
    kind: part.value("measure"),
    frame: frame.value === "" ? 0 : Number(frame.value),
    points: points.value.trim().split(/\s+/).filter(Boolean).map((point) => point.split(/[,，]/).map(Number)),
  });
  const stage = h("div", { class: "example" });
  let take = () => {};
  const open = async () => {
    take();
    const asset = { kind: "dicom", frame: part.value("asset.frame") ?? 0, window: part.value("asset.window") ?? [] };
    const item = { id: part.value("asset.case"), type: "measurement", measure: part.value("measure"), asset };
    const change = (measured) => {
      if (!measured) return;
      frame.value = measured.frame;
      write(measured.points);
      part.changed();
    };
    const api = connect(`${part.data.prefix}api/bank/${part.data.bank}/cases/`, new Clock());
    try {
      take = await show(item, null, { api, base: part.data.base, change, element: stage });
    } catch (error) {
      stage.replaceChildren(h("p", { class: "wrong", role: "alert" }, error.message));
    }
  };
  const button = h("button", { type: "button", class: "button second", onclick: open }, t("Measure in the image"));
  return { element: h("div", {}, h("span", { class: "pair" }, frame, points), button, stage), read };
}

export const KINDS = {
  number, whole, line, text, choice, flag, options, group, rubric, pair, several, example, regions,
  parameters: parameters("asset.rhythm", "rhythms"), settings: parameters("asset.model", "models"),
  topic: suggested("topics"), case: suggested("cases"), letter: letters("radio"), letters: letters("checkbox"),
};

/** Kinds of one control, which a label belongs to; the others are sets of controls with a legend. */
export const SIMPLE = new Set(["number", "whole", "line", "text", "choice", "flag", "group", "topic", "case"]);
