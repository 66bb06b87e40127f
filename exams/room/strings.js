// Texts: the English text is the key, the page carries what to show for it.

const labels = JSON.parse(document.getElementById("labels")?.textContent ?? "{}");

/** `text` in the page's language, with {name} replaced from `values`. */
export function t(text, values = {}) {
  return (labels[text] ?? text).replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}
