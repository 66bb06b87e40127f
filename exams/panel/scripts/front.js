// The list of questions; marks that a page could not send before it was closed are sent from here.

import { worded } from "../room/ask.js";
import { byId } from "../room/dom.js";
import { t } from "../room/page.js";
import { api, data, tell } from "./common.js";
import { sending } from "./sending.js";

const refused = new Set();

const draw = (outbox) => {
  const count = outbox.unsaved().size;
  tell(byId("unsent"), count ? t("{count} marks of yours are not saved yet; they are being sent.", { count }) : [...refused].join(" "));
};

sending({
  api, exam: data.exam, user: data.user, onChange: draw,
  saved: () => {},
  refused: (_deed, { message }) => refused.add(message),
  onStop: (error) => tell(byId("unsent"), worded(error)),
});
