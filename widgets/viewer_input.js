// Mouse, touch and keyboard of the image viewer: gestures in, the viewer's own verbs out.

import { arrow } from "./measure.js";
import { openSheet } from "./ui.js";
import { TOOL_KEYS } from "./viewer_tools.js";

const SLICE_DRAG_PX = 12; // drag this far for the next slice
const WHEEL_PX = 40; // touchpads send many small steps: this much is one slice
const ZOOM_STEP = 1.2;

/** Drag from `last` to `now` with the tool chosen (or forced by the mouse button). */
function drag(viewer, tool, [dx, dy], state) {
  if (tool === "scroll") {
    state.travel = (state.travel ?? 0) + dy;
    const slices = Math.trunc(state.travel / SLICE_DRAG_PX);
    state.travel -= slices * SLICE_DRAG_PX;
    if (slices) viewer.show(viewer.index + slices);
  } else if (tool === "window") {
    changeWindow(viewer, dx, dy);
  } else if (tool === "zoom") {
    viewer.zoomBy(ZOOM_STEP ** (-dy / 30), state.start);
  } else if (tool === "pan") {
    viewer.panBy(dx, dy);
  }
}

/** Right is wider, up is a lower level (brighter); a step is finer where the window is narrow. */
function changeWindow(viewer, dx, dy) {
  const [center, width] = viewer.window;
  const step = Math.min(8, Math.max(0.2, width / 250));
  viewer.setWindow([center + dy * step, width + dx * step]);
}

function pinch(viewer, fingers) {
  const [[a0, a1], [b0, b1]] = [...fingers.values()].map(({ last, now }) => [last, now]);
  const middle = (p, q) => [(p[0] + q[0]) / 2, (p[1] + q[1]) / 2];
  const span = (p, q) => Math.hypot(p[0] - q[0], p[1] - q[1]);
  const [before, after] = [middle(a0, b0), middle(a1, b1)];
  viewer.panBy(after[0] - before[0], after[1] - before[1]);
  if (span(a0, b0)) viewer.zoomBy(span(a1, b1) / span(a0, b0), after);
}

const BY_BUTTON = { 1: "pan", 2: "window" };

function pointers(viewer) {
  const { stage } = viewer;
  const fingers = new Map(); // pointer id -> {last, now, start, tool}
  const measuring = () => viewer.measures.tool;
  const down = (event) => {
    if (event.target.closest(".xv-message")) return;
    stage.focus({ preventScroll: true });
    event.preventDefault();
    stage.setPointerCapture(event.pointerId);
    const at = viewer.at(event);
    const tool = BY_BUTTON[event.button] ?? viewer.tool;
    fingers.set(event.pointerId, { last: at, now: at, start: at, tool });
    if (fingers.size > 1) viewer.measures.cancel();
    else if (measuring() && tool === viewer.tool) viewer.measures.press(viewer.toPicture(at), at);
  };
  const move = (event) => {
    const at = viewer.at(event);
    const finger = fingers.get(event.pointerId);
    viewer.pointed(viewer.toPicture(at));
    if (!finger) return viewer.measures.follow(viewer.toPicture(at), at);
    finger.now = at;
    if (fingers.size === 2) pinch(viewer, fingers);
    else if (measuring() && finger.tool === viewer.tool) viewer.measures.follow(viewer.toPicture(at), at);
    else if (fingers.size === 1) drag(viewer, finger.tool, [at[0] - finger.last[0], at[1] - finger.last[1]], finger);
    finger.last = at;
  };
  const up = (event) => {
    const finger = fingers.get(event.pointerId);
    if (!finger) return;
    const alone = fingers.size === 1;
    fingers.delete(event.pointerId);
    if (event.type === "pointercancel") viewer.measures.cancel();
    else if (alone && measuring() && finger.tool === viewer.tool) viewer.measures.release(viewer.toPicture(finger.now), finger.now);
    // the finger that stays must not jump into a drag of its own
    for (const rest of fingers.values()) rest.tool = null;
  };
  return { pointerdown: down, pointermove: move, pointerup: up, pointercancel: up, pointerleave: () => viewer.pointed(null), contextmenu: (event) => event.preventDefault() };
}

function wheel(viewer) {
  let travel = 0;
  return (event) => {
    event.preventDefault();
    if (event.ctrlKey) return viewer.zoomBy(ZOOM_STEP ** (-event.deltaY / 100), viewer.at(event));
    if (event.deltaMode === WheelEvent.DOM_DELTA_PIXEL && Math.abs(event.deltaY) < WHEEL_PX) {
      travel += event.deltaY;
      if (Math.abs(travel) < WHEEL_PX) return undefined;
      travel = 0;
    }
    return viewer.show(viewer.index + Math.sign(event.deltaY));
  };
}

/** What an arrow key does with each tool that does not measure. */
const BY_ARROW = {
  scroll: (viewer, [dx, dy]) => viewer.show(viewer.index + dx + dy),
  window: (viewer, [dx, dy]) => changeWindow(viewer, dx * 4, dy * 4),
  zoom: (viewer, [dx, dy]) => viewer.zoomBy(ZOOM_STEP ** (dx - dy)),
  pan: (viewer, [dx, dy]) => viewer.panBy(dx * 16, dy * 16),
};

function keys(viewer) {
  const letters = Object.fromEntries(Object.entries(TOOL_KEYS).map(([tool, key]) => [key.toLowerCase(), () => viewer.use(tool)]));
  const acts = {
    ...letters,
    pageup: () => viewer.show(viewer.index - 1), pagedown: () => viewer.show(viewer.index + 1),
    home: () => viewer.show(0), end: () => viewer.show(viewer.series.frames - 1),
    "+": () => viewer.zoomBy(ZOOM_STEP), "=": () => viewer.zoomBy(ZOOM_STEP), "-": () => viewer.zoomBy(1 / ZOOM_STEP),
    i: () => viewer.invert(), r: () => viewer.reset(), "?": () => openSheet(viewer.help),
    delete: () => viewer.measures.remove(), backspace: () => viewer.measures.remove(),
  };
  return (event) => {
    if (event.target !== viewer.stage || event.ctrlKey || event.altKey || event.metaKey) return;
    if (!viewer.measures.crossKey(event)) {
      const step = arrow(event);
      const preset = viewer.presets[Number(event.key) - 1];
      const act = acts[event.key.toLowerCase()];
      if (step && BY_ARROW[viewer.tool]) BY_ARROW[viewer.tool](viewer, step);
      else if (preset) viewer.setWindow(preset.slice(1));
      else if (act) act();
      else return;
    }
    event.preventDefault();
    event.stopPropagation();
  };
}

/** Listen on the viewer's stage; returns a function that stops. */
export function listen(viewer) {
  const stop = new AbortController();
  const on = { ...pointers(viewer), keydown: keys(viewer) };
  for (const [type, act] of Object.entries(on)) viewer.stage.addEventListener(type, act, { signal: stop.signal });
  viewer.stage.addEventListener("wheel", wheel(viewer), { passive: false, signal: stop.signal });
  return () => stop.abort();
}
