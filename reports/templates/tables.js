// Tables that sort, filter, search and choose their columns.
/**
 * @typedef {object} View
 * @property {string} sort key of a column, "-" before it for falling; empty for the first order
 * @property {string} find text that a row must hold
 * @property {Object<string, string>} only filter → wanted value
 * @property {string[] | null} columns keys of the columns shown; null for the first choice
 */

/** @returns {Part[]} */
function tableParts() {
  return [...document.querySelectorAll("table[data-table]")].map((table) =>
    tablePart(/** @type {HTMLTableElement} */ (table)),
  );
}

/** @param {HTMLTableElement} table @returns {Part} */
function tablePart(table) {
  const name = table.dataset.table ?? "";
  const heads = /** @type {HTMLTableCellElement[]} */ ([...table.tHead.rows[0].cells]);
  const rows = [...table.tBodies[0].rows];
  const first = heads.filter((head) => head.dataset.hidden === undefined).map(keyOf);
  const tools = document.querySelector(`[data-tools="${CSS.escape(table.id)}"]`);
  /** @type {View} */
  const view = { sort: "", find: "", only: {}, columns: null };
  const show = () => {
    showColumns(table, heads, view.columns ?? first);
    showRows(table, rows, heads, view, tools?.querySelector("[data-count]") ?? null);
  };
  const changed = () => {
    show();
    announce();
  };
  heads.forEach((head) => sortable(head, view, changed));
  if (tools) wireTools(tools, { table, heads, first, view, changed });
  return {
    name,
    read: (values) => {
      readView(view, name, values);
      if (tools) fillTools(tools, view, first);
      show();
    },
    write: (values) => writeView(view, name, values),
  };
}

/** @param {HTMLTableCellElement} head */
function keyOf(head) {
  return head.dataset.key ?? head.textContent.trim();
}

/** Puts a button into a column's head. */
function sortable(head, view, changed) {
  if (!keyOf(head) || head.dataset.sort === "no") return;
  const button = document.createElement("button");
  button.type = "button";
  button.append(...head.childNodes);
  head.append(button);
  const key = keyOf(head);
  button.addEventListener("click", () => {
    const order = [key, `-${key}`, ""];
    view.sort = order[(order.indexOf(view.sort) + 1) % order.length];
    changed();
  });
}

function showColumns(table, heads, columns) {
  heads.forEach((head, place) => {
    const hidden = !columns.includes(keyOf(head));
    for (const row of table.rows) if (row.cells[place]) row.cells[place].hidden = hidden;
  });
}

/** Order and choice of rows; what has no number stands last either way. */
function showRows(table, rows, heads, view, count) {
  const down = view.sort.startsWith("-");
  const key = down ? view.sort.slice(1) : view.sort;
  const column = heads.findIndex((head) => keyOf(head) === key);
  heads.forEach((head, place) => {
    if (place === column) head.setAttribute("aria-sort", down ? "descending" : "ascending");
    else head.removeAttribute("aria-sort");
  });
  const numeric = column >= 0 && heads[column].dataset.type === "number";
  const order = column < 0 ? rows : [...rows].sort((a, b) => {
    const [x, y] = [a, b].map((row) => sortValue(row.cells[column], numeric));
    if (x === null || y === null) return Number(x === null) - Number(y === null);
    return (x < y ? -1 : x > y ? 1 : 0) * (down ? -1 : 1);
  });
  const wanted = view.find.trim().toLowerCase();
  let seen = 0;
  order.forEach((row) => {
    const chosen = Object.entries(view.only).every(([name, value]) => (row.dataset[name] ?? "").split(" ").includes(value));
    row.hidden = !chosen || !row.textContent.toLowerCase().includes(wanted);
    if (!row.hidden) seen += 1;
    table.tBodies[0].append(row);
  });
  if (count) count.textContent = seen === rows.length ? `${seen} rows` : `${seen} of ${rows.length} rows`;
}

/** @returns {string | number | null} */
function sortValue(cell, numeric) {
  const text = cell.dataset.value ?? cell.textContent.trim();
  if (!numeric) return text.toLowerCase();
  const number = parseFloat(text.replace("−", "-"));
  return Number.isNaN(number) ? null : number;
}

function readView(view, name, values) {
  view.sort = values.get(`${name}.sort`) ?? "";
  view.find = values.get(`${name}.find`) ?? "";
  view.columns = values.get(`${name}.columns`)?.split(",") ?? null;
  view.only = {};
  for (const [key, value] of values) {
    if (key.startsWith(`${name}.only.`)) view.only[key.slice(name.length + 6)] = value;
  }
}

function writeView(view, name, values) {
  if (view.sort) values.set(`${name}.sort`, view.sort);
  if (view.find) values.set(`${name}.find`, view.find);
  if (view.columns) values.set(`${name}.columns`, view.columns.join(","));
  Object.entries(view.only).forEach(([key, value]) => values.set(`${name}.only.${key}`, value));
}
