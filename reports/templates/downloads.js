// Downloads of a table as it is shown: its visible rows and columns, in their order.
/** @typedef {{caption: string, heads: string[], numeric: boolean[], rows: string[][]}} Grid */

/** @param {HTMLTableElement} table @param {string} format */
function download(table, format) {
  const grid = gridOf(table);
  const [type, write] = {
    csv: ["text/csv", asCsv],
    json: ["application/json", asJson],
    md: ["text/markdown", asMarkdown],
    tex: ["application/x-tex", asLatex],
  }[format];
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([write(grid)], { type: `${type};charset=utf-8` }));
  link.download = `${grid.caption.replace(/[^A-Za-z0-9._-]+/g, "-").replace(/^[-.]+|-+$/g, "")}.${format}`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

/** @param {HTMLTableElement} table @returns {Grid} */
function gridOf(table) {
  const heads = [...table.tHead.rows[0].cells].filter((cell) => !cell.hidden);
  const shown = [...table.tBodies[0].rows].filter((row) => !row.hidden);
  return {
    caption: table.dataset.caption ?? table.id,
    heads: heads.map(flat),
    numeric: heads.map((head) => head.classList.contains("num")),
    rows: shown.map((row) => [...row.cells].filter((cell) => !cell.hidden).map(flat)),
  };
}

/** The text of a cell on one line: what stands small in it follows in brackets. */
function flat(cell) {
  const copy = cell.cloneNode(true);
  copy.querySelectorAll("[data-aside]").forEach((aside) => aside.remove());
  const inHead = cell.closest("thead") !== null;
  copy.querySelectorAll("small").forEach((small) => {
    const text = small.textContent.trim();
    small.replaceWith(text ? (inHead ? ` ${text}` : ` (${text})`) : "");
  });
  copy.querySelectorAll("br, li").forEach((end) => end.append("; "));
  return copy.textContent.replace(/\s+/g, " ").replace(/^[; ]+|[; ]+$/g, "");
}

/** "−21.2" as "-21.2"; other text as it is. */
function plainNumber(text) {
  return /^[−+]?[\d,.]+$/.test(text) ? text.replace("−", "-").replaceAll(",", "") : text;
}

/** @param {Grid} grid */
function asCsv({ heads, rows }) {
  const cell = (text) => {
    const plain = plainNumber(text);
    // A spreadsheet would run what begins so; a number may.
    const safe = /^[=+\-@\t\r]/.test(plain) && Number.isNaN(Number(plain)) ? `'${plain}` : plain;
    return /[",\n\r;]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  };
  return [heads, ...rows].map((row) => row.map(cell).join(",")).join("\r\n") + "\r\n";
}

/** @param {Grid} grid */
function asJson({ caption, heads, rows }) {
  const value = (text) => {
    const plain = plainNumber(text);
    if (plain === "" || plain === "–") return null;
    return Number.isNaN(Number(plain)) ? text : Number(plain);
  };
  const lines = rows.map((row) => Object.fromEntries(row.map((text, i) => [heads[i], value(text)])));
  return JSON.stringify({ title: caption, columns: heads, rows: lines }, null, 1) + "\n";
}

/** @param {Grid} grid */
function asMarkdown({ heads, numeric, rows }) {
  const cell = (text) => text.replace(/[\\`*_[\]<>|&~#$]/g, "\\$&");
  const line = (row) => `| ${row.join(" | ")} |`;
  const rule = numeric.map((right) => (right ? "---:" : "---"));
  return [line(heads.map(cell)), line(rule), ...rows.map((row) => line(row.map(cell)))].join("\n") + "\n";
}

const LATEX = {
  "\\": "\\textbackslash{}", "{": "\\{", "}": "\\}", "$": "\\$", "&": "\\&", "#": "\\#", "%": "\\%", "_": "\\_",
  "~": "\\textasciitilde{}", "^": "\\textasciicircum{}", "<": "\\textless{}", ">": "\\textgreater{}", "|": "\\textbar{}",
  "−": "$-$", "–": "--", "±": "$\\pm$", "×": "$\\times$", "≥": "$\\geq$", "≤": "$\\leq$", '"': "\\char34{}",
  "δ": "$\\delta$", "°": "$^\\circ$", "→": "$\\to$", "↑": "$\\uparrow$", "↓": "$\\downarrow$", "…": "\\dots{}",
};

/** @param {Grid} grid */
function asLatex({ heads, numeric, rows }) {
  const cell = (text) => [...text].map((letter) => LATEX[letter] ?? letter).join("");
  // "[" or "*" after the end of a row would be taken for its arguments.
  const line = (row) => `${row.map(cell).join(" & ").replace(/^(?=[[*])/, "{}")} \\\\`;
  const columns = numeric.map((right) => (right ? "r" : "l")).join("");
  const body = [line(heads), "\\hline", ...rows.map(line)];
  return ["\\begin{tabular}{" + columns + "}", "\\hline", ...body, "\\hline", "\\end{tabular}", ""].join("\n");
}
