// A volume in 3-D: itkwidgets' engine (itk-vtk-viewer) in a frame of its own, loaded when it is asked for. An AFM module.
// Model: state ("closed", "opening", "open", "failed"), message, calls (what to set at once), labels. The engine asks for
// keys of the kernel's zarr store: {kind: "key", id, key} out, the same with a buffer back; {kind: "call"} sets.

import { element, language, mark, style, translator } from "./ui.js";
import uiCss from "./ui.css";
import css from "./volume.css";

/** Where the host serves lab extensions' files: JupyterLab and Voila both say so in their page's configuration. */
export function assetBase() {
  const config = JSON.parse(document.getElementById("jupyter-config-data")?.textContent ?? "{}");
  return config.fullLabextensionsUrl ? `${config.fullLabextensionsUrl.replace(/\/$/, "")}/xinglin/itk/` : null;
}

/** What the kernel may say. */
export const MESSAGES = [mark("Fewer than three slices make no volume: choose a series of several.")];

class Volume {
  constructor(model, root) {
    this.model = model;
    this.t = translator(model.get("labels"));
    this.button = element("button", { type: "button", class: "xv-chip", click: () => this.open() }, this.t("Show in 3-D"));
    this.status = element("span", { class: "xv-volume-status", role: "status" });
    this.stage = element("div", { class: "xv-volume" });
    this.stage.hidden = true;
    root.replaceChildren(style(uiCss, css), element("section",
      { class: "xv", lang: language() === "en" ? "en" : "zh-CN", "data-lm-suppress-shortcuts": "true", "aria-label": this.t("Show in 3-D") },
      element("div", { class: "xv-volume-bar" }, this.button, this.status), this.stage));
    this.on = [["change:state", () => this.draw()], ["msg:custom", (message, buffers) => this.answer(message, buffers)]];
    for (const [event, act] of this.on) model.on(event, act);
    this.hear = ({ source, data }) => { if (source === this.frame?.contentWindow && data.volume) this.told(data); };
    window.addEventListener("message", this.hear);
    this.draw();
  }

  open() {
    if (!assetBase()) {
      this.say(this.t("This page does not serve the 3-D engine: open the lab in the platform or in JupyterLab."));
      return;
    }
    this.frame?.remove();
    this.frame = null;
    this.model.send({ kind: "open" });
    this.say(this.t("Preparing the 3-D view …"));
    this.button.disabled = true;
  }

  /** The kernel's state has changed. */
  draw() {
    const state = this.model.get("state");
    if (state === "failed") this.fail(this.t(this.model.get("message")));
    if (state === "closed") {
      this.frame?.remove();
      this.frame = null;
      this.stage.hidden = true;
      this.button.disabled = false;
      this.say("");
    }
    if (state === "open" && !this.frame && assetBase()) {
      this.stage.hidden = false;
      this.stage.toggleAttribute("data-coarse", true); // until the engine knows how fast it draws
      this.frame = element("iframe", { title: this.t("Volume in 3-D") });
      this.stage.replaceChildren(this.frame);
      this.say(this.t("Preparing the 3-D view …"));
      this.load(this.frame);
    }
  }

  /** The engine's page goes into the frame as text: a student's own server forbids that its addresses be framed. */
  async load(frame) {
    try {
      const answer = await fetch(`${assetBase()}index.html`);
      if (!answer.ok) throw new Error(`${answer.status}`);
      frame.srcdoc = (await answer.text()).replace("<head>", `<head><base href="${new URL(assetBase(), location.href)}">`);
    } catch (error) {
      this.fail(`${this.t("The 3-D engine failed: reload the page, or use the slices.")} (${error.message})`);
    }
  }

  /** The engine's page has said something. */
  told({ ready, ask, key, shown, slow, failed }) {
    if (ready) this.frame.contentWindow.postMessage({ open: this.model.get("calls") }, location.origin);
    if (ask) this.model.send({ kind: "key", id: ask, key });
    if (shown) {
      this.stage.toggleAttribute("data-coarse", slow);
      this.stage.dataset.shown = "true";
      this.button.disabled = false;
      this.say(this.t("Drag turns the volume, the wheel zooms."));
    }
    if (failed) this.fail(`${this.t("The 3-D engine failed: reload the page, or use the slices.")} (${failed})`);
  }

  answer(message, buffers) {
    const page = this.frame?.contentWindow;
    if (message.kind === "key") {
      const view = buffers[0];
      const data = view && (ArrayBuffer.isView(view) ? view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength) : view);
      page?.postMessage({ answer: message.id, data }, location.origin);
    }
    if (message.kind === "call") page?.postMessage({ call: message.method, args: message.args }, location.origin);
  }

  say(text) {
    this.status.textContent = text;
  }

  fail(text) {
    this.say(text);
    this.button.disabled = false;
  }

  close() {
    for (const [event, act] of this.on) this.model.off(event, act);
    window.removeEventListener("message", this.hear);
  }
}

export default {
  render({ model, el }) {
    const volume = new Volume(model, el);
    return () => volume.close();
  },
};
