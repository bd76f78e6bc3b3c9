// Sort a table by the column whose header is clicked: numbers by data-value, empty cells last.
for (const table of document.querySelectorAll("table.results")) {
  const body = table.tBodies[0];
  // Headers may span rows and columns, so each header's column is found on a grid.
  const taken = [];
  const columnOf = new Map();
  [...(table.tHead?.rows ?? [])].forEach((row, r) => {
    let column = 0;
    for (const head of row.cells) {
      while (taken[r]?.[column]) column++;
      columnOf.set(head, column);
      for (let i = 0; i < head.rowSpan; i++)
        for (let j = 0; j < head.colSpan; j++) (taken[r + i] ??= [])[column + j] = true;
      column += head.colSpan;
    }
  });
  for (const head of table.querySelectorAll("thead th[data-sort]")) {
    const numeric = head.dataset.sort === "number";
    const key = (row) => {
      const cell = row.cells[columnOf.get(head)];
      const text = cell.dataset.value ?? cell.textContent.trim();
      return numeric ? (text === "" || isNaN(text) ? null : Number(text)) : text.toLowerCase();
    };
    head.tabIndex = 0;
    const sort = () => {
      // The first click on a number sorts in descending order, so the best accuracy comes first.
      const first = head.dataset.first ?? (numeric ? "descending" : "ascending");
      const again = head.getAttribute("aria-sort") === first;
      const ascending = again !== (first === "ascending");
      for (const other of table.querySelectorAll("th[aria-sort]")) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", ascending ? "ascending" : "descending");
      const rows = [...body.rows].map((row) => [key(row), row]);
      rows.sort(([a], [b]) => {
        if (a === null || b === null) return (a === null) - (b === null);
        const order = a < b ? -1 : a > b ? 1 : 0;
        return ascending ? order : -order;
      });
      for (const [, row] of rows) body.append(row);
    };
    head.addEventListener("click", sort);
    head.addEventListener("keydown", (event) => ["Enter", " "].includes(event.key) && (event.preventDefault(), sort()));
  }
}
