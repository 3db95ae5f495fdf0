// The row of tools above a table: search, filters, columns, downloads.

/** @param {Element} tools */
function wireTools(tools, { table, heads, first, view, changed }) {
  tools.hidden = false;
  tools.querySelector("[data-find]")?.addEventListener("input", (event) => {
    view.find = event.target.value;
    changed();
  });
  tools.querySelectorAll("[data-only]").forEach((choice) => {
    choice.addEventListener("change", () => {
      if (choice.value) view.only[choice.dataset.only] = choice.value;
      else delete view.only[choice.dataset.only];
      changed();
    });
  });
  const sheet = tools.querySelector("[data-columns]");
  if (sheet) columnChoices(sheet, { heads, first, view, changed });
  tools.querySelectorAll("[data-format]").forEach((button) => {
    button.addEventListener("click", () => download(table, button.dataset.format));
  });
}

/** A tick box for every column but the one that names the rows. */
function columnChoices(sheet, { heads, first, view, changed }) {
  heads.forEach((head) => {
    const box = document.createElement("input");
    box.type = "checkbox";
    box.value = keyOf(head);
    box.disabled = head.dataset.fixed !== undefined;
    box.addEventListener("change", () => {
      const chosen = [...sheet.querySelectorAll("input")].filter((b) => b.checked).map((b) => b.value);
      view.columns = String(chosen) === String(first) ? null : chosen;
      changed();
    });
    const label = document.createElement("label");
    label.append(box, ` ${flat(head)}`);
    sheet.append(label);
  });
}

/** Sets the tools to what the address says. */
function fillTools(tools, view, first) {
  const find = tools.querySelector("[data-find]");
  if (find) find.value = view.find;
  tools.querySelectorAll("[data-only]").forEach((choice) => {
    choice.value = view.only[choice.dataset.only] ?? "";
  });
  tools.querySelectorAll("[data-columns] input").forEach((box) => {
    box.checked = (view.columns ?? first).includes(box.value);
  });
}
