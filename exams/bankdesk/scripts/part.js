// A part of a form: the fields of one item, or of one group.

import { h } from "../room/dom.js";
import { t } from "../room/page.js";
import { KINDS, SIMPLE } from "./inputs.js";

const at = (document, path) => path.split(".").reduce((value, step) => value?.[step], document);

/** `document` with `value` at "a.b"; what is between is made. */
function put(document, path, value) {
  const steps = path.split(".");
  const last = steps.pop();
  steps.reduce((inner, step) => (inner[step] ??= {}), document)[last] = value;
}

export class Part {
  /**
   * told: {type, document, version, fields, groups} as the server gives it; data: the page's. changed(): called with
   * every change. shared(): the options of a group that is written in the same form, null where there is none.
   */
  constructor(told, data, changed, shared = () => null) {
    Object.assign(this, { told, data, groups: told.groups ?? [], shared });
    this.version = told.version;
    this.changed = () => {
      this.refresh();
      changed();
    };
    this.element = h("div", { class: "part" });
    this.element.addEventListener("input", this.changed);
    this.fill(told.document);
  }

  /** Draw the fields anew with what `document` holds. */
  fill(document) {
    this.document = document;
    this.fields = []; // two fields may have one name: which is there depends on another
    const id = h("input", { type: "text", value: document.id, disabled: this.version !== "" });
    this.id = { field: { name: "id", label: t("Id") }, input: { element: id, read: () => id.value.trim() }, ...this.frame({ name: "id", label: t("Id"), kind: "line", hint: t("Letters, digits, - and _; never used twice.") }, id) };
    const hidden = this.shared() !== null;
    for (const field of this.told.fields) {
      if (field.kind === "group" && hidden) continue;
      const input = KINDS[field.kind](field, at(document, field.name), this);
      this.fields.push({ field, input, ...this.frame(field, input.element) });
    }
    this.element.replaceChildren(this.id.row, ...this.fields.map(({ row }) => row));
    this.refresh();
  }

  frame(field, element) {
    const hint = field.hint ? h("small", { class: "quiet" }, field.hint) : null;
    const error = h("p", { class: "wrong", role: "alert", hidden: true });
    const row = SIMPLE.has(field.kind)
      ? h("div", { class: "field", "data-field": field.name }, h("label", {}, h("span", {}, field.label), element), hint, error)
      : h("fieldset", { class: "field", "data-field": field.name }, h("legend", {}, field.label), element, hint, error);
    return { row, error };
  }

  /** What a field holds now. */
  value(name) {
    return this.fields.find(({ field }) => field.name === name && this.there(field))?.input.read();
  }

  /** The options whose letters may be the key. */
  letters() {
    const own = this.shared() ?? this.value("options");
    return own ?? this.groups.find(({ id }) => id === this.value("group"))?.options ?? {};
  }

  /** Show the fields that are there now. */
  refresh() {
    for (const { field, input, row } of this.fields) {
      row.hidden = !this.there(field);
      input.refresh?.();
    }
  }

  there(field) {
    if (!field.when) return true;
    const [other, values] = field.when;
    return values.includes(this.value(other) ?? "");
  }

  /** The item or group as plain data. */
  read() {
    const document = { id: this.id.input.read() };
    if (this.told.type) document.type = this.told.type;
    for (const { field, input } of this.fields) {
      const value = this.there(field) ? input.read() : undefined;
      if (value !== undefined) put(document, field.name, value);
    }
    delete document._by;
    return document;
  }

  /** As `read`, with what only the form needs. */
  draft() {
    const by = this.value("_by");
    return by === undefined ? this.read() : { ...this.read(), _by: by };
  }

  /** Say what is wrong at the field that `path` leads to; false where there is no such field. */
  refuse(path, sentence) {
    const named = path.join(".");
    const there = [this.id, ...this.fields.filter(({ field }) => this.there(field))];
    const found = there.find(({ field }) => named === field.name || named.startsWith(`${field.name}.`)) ??
      there.find(({ field }) => named && field.name.startsWith(`${named}.`));
    if (!found) return false;
    const { error, row } = found;
    error.textContent = sentence;
    error.hidden = false;
    row.classList.add("refused");
    (row.querySelector("input:not([disabled]), textarea, select") ?? row).focus();
    row.scrollIntoView({ block: "center" });
    return true;
  }

  /** Take away what was said. */
  accept() {
    for (const { error, row } of [this.id, ...this.fields]) {
      error.hidden = true;
      row.classList.remove("refused");
    }
  }

  /** [label, theirs] of the fields that hold something else in `theirs`. */
  differences(theirs) {
    const mine = this.read();
    return this.fields
      .filter(({ field }) => this.there(field) && !field.name.startsWith("_") && JSON.stringify(at(mine, field.name) ?? null) !== JSON.stringify(at(theirs, field.name) ?? null))
      .map(({ field }) => [field.label, worded(at(theirs, field.name))]);
  }
}

function worded(value) {
  if (value === undefined || value === null) return t("nothing");
  if (Array.isArray(value)) return value.map(worded).join("; ");
  if (typeof value === "object") return Object.entries(value).map(([name, inner]) => `${name}: ${worded(inner)}`).join("  ");
  return String(value);
}
