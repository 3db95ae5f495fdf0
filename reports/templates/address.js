// What was chosen stands in the address after "#": a section's id, then "?" and the choices.

/** @returns {Place} */
function readPlace() {
  const [anchor, query = ""] = location.hash.slice(1).split("?", 2);
  return { anchor: decodeURIComponent(anchor), values: new URLSearchParams(query) };
}

/** @param {Part[]} parts */
function writePlace(parts) {
  const values = new URLSearchParams();
  parts.forEach((part) => part.write(values));
  const query = values.toString();
  const anchor = encodeURIComponent(readPlace().anchor);
  const hash = anchor || query ? `#${anchor}${query ? `?${query}` : ""}` : "";
  history.replaceState(null, "", location.href.split("#")[0] + hash);
}

/** Says that something was chosen. */
function announce() {
  document.dispatchEvent(new Event("report:changed"));
}
