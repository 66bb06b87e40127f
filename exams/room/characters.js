// How long a text is: for its reader, and on its way to the server.

/** Characters as a reader counts them, and as Python does: one of the rare Chinese ones, of two code units, is one. */
export const characters = (value) => [...value].length;

/** Bytes that a value takes on its way to the server. */
export const bytes = (value) => new TextEncoder().encode(JSON.stringify(value)).length;
