// Sorting by a click or Enter on a column head, and downloads; nothing is fetched.
(() => {
  const value = (cell, numeric) => {
    const text = cell.dataset.value ?? cell.textContent.trim();
    if (!numeric) return text.toLowerCase();
    const number = parseFloat(text);
    return Number.isNaN(number) ? Infinity : number; // what has no number stands last
  };
  document.querySelectorAll("table.sortable").forEach((table) => {
    table.querySelectorAll("thead th").forEach((head, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => {
        const up = head.getAttribute("aria-sort") !== "ascending";
        const numeric = head.dataset.type === "number" || head.classList.contains("bar-head");
        table.querySelectorAll("thead th").forEach((other) => other.removeAttribute("aria-sort"));
        head.setAttribute("aria-sort", up ? "ascending" : "descending");
        const body = table.tBodies[0];
        [...body.rows]
          .sort((a, b) => {
            const [x, y] = [value(a.cells[column], numeric), value(b.cells[column], numeric)];
            return (x < y ? -1 : x > y ? 1 : 0) * (up ? 1 : -1);
          })
          .forEach((row) => body.append(row));
      });
    });
  });
  const save = (name, type, text) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type }));
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  };
  const csv = (table) =>
    [...table.rows]
      .map((row) =>
        [...row.cells]
          .map((cell) => {
            const plain = cell.cloneNode(true);
            plain.querySelectorAll("small, svg, .mark, .up, .down").forEach((extra) => extra.remove());
            const text = cell.classList.contains("bar") ? cell.textContent : plain.textContent;
            return `"${text.trim().replaceAll('"', '""')}"`;
          })
          .join(","),
      )
      .join("\n");
  document.querySelectorAll("[data-download]").forEach((button) => {
    button.addEventListener("click", () => {
      const source = document.getElementById(button.dataset.download);
      if (button.dataset.format === "json") save("standings.json", "application/json", source.textContent);
      else save(`${source.id}.csv`, "text/csv", csv(source));
    });
  });
})();
