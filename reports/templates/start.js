// Starts the page: tables, theme and what the address says of both. Nothing is fetched.
/** @typedef {{anchor: string, values: URLSearchParams}} Place */
/** @typedef {{name: string, read: (values: URLSearchParams) => void, write: (values: URLSearchParams) => void}} Part */

document.addEventListener("DOMContentLoaded", () => {
  /** @type {Part[]} */
  const parts = [themePart(), ...tableParts()];
  if (typeof viewerParts === "function") parts.push(...viewerParts()); // only where there is a viewer
  const changed = () => writePlace(parts);
  const restore = () => {
    const place = readPlace();
    parts.forEach((part) => part.read(place.values));
    if (place.anchor && [...place.values].length) document.getElementById(place.anchor)?.scrollIntoView();
  };
  document.addEventListener("report:changed", changed);
  window.addEventListener("hashchange", () => {
    // A link of the menu names a section and nothing else: what was chosen stays.
    if ([...readPlace().values].length) restore();
    else changed();
  });
  markScrollBoxes();
  restore();
});

/** Boxes that scroll can be reached, and scrolled, by the keyboard. */
function markScrollBoxes() {
  document.querySelectorAll(".scroll").forEach((box) => {
    const mark = () => {
      const wide = box.scrollWidth > box.clientWidth || box.scrollHeight > box.clientHeight;
      box.classList.toggle("wide", wide);
      if (wide) box.setAttribute("tabindex", "0");
      else box.removeAttribute("tabindex");
    };
    new ResizeObserver(mark).observe(box);
    mark();
  });
}

/** Light, dark, or as the system says. @returns {Part} */
function themePart() {
  const choice = /** @type {HTMLSelectElement} */ (document.getElementById("theme"));
  const show = () => {
    if (choice.value) document.documentElement.dataset.theme = choice.value;
    else delete document.documentElement.dataset.theme;
  };
  choice.addEventListener("change", () => {
    show();
    announce();
  });
  return {
    name: "theme",
    read: (values) => {
      const wanted = values.get("theme") ?? "";
      choice.value = ["light", "dark"].includes(wanted) ? wanted : "";
      show();
    },
    write: (values) => {
      if (choice.value) values.set("theme", choice.value);
    },
  };
}
