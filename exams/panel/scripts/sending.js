// Marks on their way to the service: kept in this browser until they are on disk there, whatever happens meanwhile.

import { byId } from "../room/dom.js";
import { Outbox, openDatabase } from "../room/outbox.js";
import { t } from "../room/strings.js";

/** A name for a deed that no other has: sent twice it is one. */
export const client = () => crypto.getRandomValues(new Uint32Array(4)).reduce((name, part) => name + part.toString(16).padStart(8, "0"), "");

/**
 * The deeds of `user` in `exam`, begun with what a page before this one could not send.
 *
 * api: below `api/<exam>/marking/`. saved(deed), refused(deed, {error, message}): what became of one. onChange(outbox),
 * onStop(error): see `Outbox`. A deed is {item: code, question, client, deed, ...}.
 */
export async function sending({ api, exam, user, saved, refused, onChange, onStop }) {
  const send = async (batch) => {
    const { question } = batch[0];
    const deeds = batch.filter((deed) => deed.question === question);
    const bodies = deeds.map(({ item, question: _question, sequence: _sequence, ...deed }) => ({ code: item, ...deed }));
    const { outcomes } = await api.post(`${encodeURIComponent(question)}/deeds`, { deeds: bodies });
    outcomes.forEach((outcome, place) => (outcome.saved ? saved(deeds[place]) : refused(deeds[place], outcome)));
    return deeds.map(({ sequence }) => sequence);
  };
  const outbox = new Outbox({
    database: await openDatabase(), sitting: `marking/${exam}/${user}`, send, onChange: () => onChange(outbox), onStop,
  });
  // two windows of one marker number on from their own beginning: no number is given twice
  await outbox.start(await outbox.kept(), Date.now());
  onChange(outbox);
  return outbox;
}

/** The state of the outbox in the bar. */
export function drawState(outbox) {
  const count = outbox.unsaved().size;
  const state = count === 0 ? "saved" : outbox.reachable && !outbox.stopped ? "saving" : "unsaved";
  const texts = { saved: () => t("All saved"), saving: () => t("Saving"), unsaved: () => t("Not saved: {count} marks", { count }) };
  byId("saving").dataset.state = state;
  byId("saving-text").textContent = texts[state]();
}
