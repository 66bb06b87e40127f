// Files from the reader's computer to the kernel, piece by piece. An AFM module.
// Model: limit (bytes of all files), piece (bytes of a message), accept. Out: {kind: "begin"}, {kind: "piece", file} with
// the bytes, {kind: "end"}; back: {kind: "more"} for the next, {kind: "done"}, or {kind: "refused"}.

import { element, language, style, translator } from "./ui.js";
import uiCss from "./ui.css";
import css from "./upload.css";

const MEGABYTE = 1024 * 1024;

class Upload {
  constructor(model, root) {
    this.model = model;
    this.t = translator(model.get("labels"));
    this.input = element("input", { type: "file", multiple: true, accept: model.get("accept"), change: () => this.chosen() });
    this.input.hidden = true;
    this.button = element("button", { type: "button", class: "xv-chip", click: () => this.input.click() }, this.t("Choose DICOM files or a zip"));
    this.status = element("span", { class: "xv-upload-status", role: "status" });
    this.meter = element("progress", { max: 1, "aria-label": this.t("Sending the files") });
    this.meter.hidden = true;
    root.replaceChildren(style(uiCss, css), element("section", { class: "xv-upload", lang: language() === "en" ? "en" : "zh-CN", "data-lm-suppress-shortcuts": "true" },
      this.input, this.button, this.meter, this.status));
    this.hear = (message) => this.answer?.(message.kind);
    model.on("msg:custom", this.hear);
  }

  async chosen() {
    const files = [...this.input.files];
    this.input.value = ""; // the same files can be chosen again
    const total = files.reduce((sum, file) => sum + file.size, 0);
    if (!total) return this.say(files.length ? this.t("The chosen files are empty.") : "");
    if (total > this.model.get("limit")) return this.refuse(total);
    this.busy(true);
    try {
      if (await this.send(files, total)) this.say("");
      else this.refuse(total);
    } catch (error) {
      if (!(error instanceof DOMException)) throw error;
      this.say(this.t("A file could not be read: choose the files again."));
    } finally {
      this.busy(false);
    }
  }

  /** Whether the kernel took them all. */
  async send(files, total) {
    const size = this.model.get("piece");
    let sent = 0;
    await this.ask({ kind: "begin" });
    for (const [number, file] of files.entries()) {
      for (let from = 0; from < file.size; from += size) {
        const bytes = await file.slice(from, from + size).arrayBuffer();
        if (await this.ask({ kind: "piece", file: number }, bytes) === "refused") return false;
        sent += bytes.byteLength;
        this.meter.value = sent / total;
        this.say(this.t("{sent} of {total} MB", { sent: Math.ceil(sent / MEGABYTE), total: Math.ceil(total / MEGABYTE) }));
      }
    }
    this.say(this.t("Opening the images …"));
    await this.ask({ kind: "end" });
    return true;
  }

  ask(message, bytes) {
    return new Promise((resolve) => {
      this.answer = resolve;
      this.model.send(message, undefined, bytes ? [bytes] : []);
    });
  }

  refuse(total) {
    this.say(this.t("These files have {size} MB, more than the {limit} MB that can be sent: send one series, or ask the operator to open the folder.",
      { size: Math.ceil(total / MEGABYTE), limit: this.model.get("limit") / MEGABYTE }), true);
  }

  busy(yes) {
    this.button.disabled = yes;
    this.meter.hidden = !yes;
    this.meter.value = 0;
  }

  say(text, wrong = false) {
    this.status.textContent = text;
    this.status.toggleAttribute("data-wrong", wrong);
  }
}

export default {
  render({ model, el }) {
    const upload = new Upload(model, el);
    return () => model.off("msg:custom", upload.hear);
  },
};
