// The exam room as a host of widgets: a model in this page stands for the Jupyter kernel, frames come by HTTP.

/** A model with the traits `state`, as an anywidget front-end module (AFM) expects it. */
export class LocalModel {
  /** frame(index): resolves to the pixels of a frame (ArrayBuffer); left out where the widget asks for none. */
  constructor(state, frame = null) {
    this.state = { ...state };
    this.frame = frame;
    this.listeners = new Map();
    this.changed = new Set();
  }

  get(name) {
    return this.state[name];
  }

  set(name, value) {
    if (Object.is(this.state[name], value)) return;
    this.state[name] = value;
    this.changed.add(name);
    this.#emit(`change:${name}`, value);
    this.#emit("change");
  }

  on(event, listener) {
    if (!this.listeners.has(event)) this.listeners.set(event, new Set());
    this.listeners.get(event).add(listener);
  }

  off(event, listener) {
    if (event === undefined || event === null) this.listeners.clear();
    else if (listener === undefined || listener === null) this.listeners.delete(event);
    else this.listeners.get(event)?.delete(listener);
  }

  /** The host hears of what was set since the last time by listening to `saved`. */
  save_changes() {
    const changed = [...this.changed];
    this.changed.clear();
    if (changed.length) this.#emit("saved", changed);
  }

  /** A message to the kernel; only requests for frames have an answer here. */
  async send(content) {
    if (content?.kind !== "frame" || this.frame === null) return;
    try {
      const pixels = new DataView(await this.frame(content.index));
      this.#emit("msg:custom", { kind: "frame", index: content.index, series: this.state.series.id }, [pixels]);
    } catch (error) {
      this.#emit("failed", error);
    }
  }

  #emit(event, ...values) {
    for (const listener of [...(this.listeners.get(event) ?? [])]) listener(...values);
  }
}

/** Show the AFM module at `url` in `element`; resolves to a function that takes it away again. */
export async function mount(url, model, element) {
  const module = await import(url);
  const widget = typeof module.default === "function" ? await module.default() : module.default;
  const dispose = [await widget.initialize?.({ model }), await widget.render({ model, el: element })];
  return () => dispose.filter((step) => typeof step === "function").forEach((step) => step());
}
