// A shown table as text: `head` is a list of headings, `rows` of {label, cells: [{text, best, tied, mean, std, n}]}.
const formats = {
  csv({ head, rows }) {
    const quoted = (text) => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
    const columns = head.flatMap((name) => [`${name} mean`, `${name} std`, `${name} n`]);
    const lines = rows.map(({ label, cells, averageRank }) =>
      [label, ...cells.flatMap((cell) => [cell.mean ?? "", cell.std ?? "", cell.n ?? ""]), averageRank ?? ""].map(String).map(quoted).join());
    return [["loss", ...columns, "average rank"].map(quoted).join(), ...lines].join("\n") + "\n";
  },
  markdown({ caption, head, rows }) {
    const escaped = (text) => text.replace(/[\\`*_<>[\]|]/g, "\\$&");
    const shown = (cell) => (cell.best ? `**${cell.text}**` : cell.text) + (cell.tied ? " †" : "");
    const line = (cells) => `| ${cells.join(" | ")} |`;
    const all = ["loss", ...head.map(escaped), "average rank"];
    const body = rows.map(({ label, cells, rank }) => line([escaped(label), ...cells.map(shown), rank]));
    return [caption, "", line(all), line(all.map(() => "---")), ...body].join("\n") + "\n";
  },
  latex({ caption, head, rows }) {
    const escaped = (text) => [...text].map((char) => data.latex[char] ?? char).join("");
    const shown = (cell) => (cell.best ? `\\textbf{${escaped(cell.text)}}` : escaped(cell.text)) + (cell.tied ? "$^\\dagger$" : "");
    const line = (cells) => `${cells.join(" & ")} \\\\`;
    const body = rows.map(({ label, cells, rank }) => line([escaped(label), ...cells.map(shown), escaped(rank)]));
    return [
      "% \\usepackage{booktabs}", "\\begin{table}[t]", "\\centering", `\\caption{${escaped(caption)}}`,
      `\\begin{tabular}{l${"c".repeat(head.length + 1)}}`, "\\toprule",
      line(["loss", ...head, "average rank"].map((text, i) => (i ? escaped(text) : text))), "\\midrule", ...body,
      "\\bottomrule", "\\end{tabular}", "\\end{table}",
    ].join("\n") + "\n";
  },
};

// Copy text and say so in `status`; without a clipboard the text is shown selected, for copying by hand.
async function copyText(text, status) {
  try {
    await navigator.clipboard.writeText(text);
    status.replaceChildren("copied");
  } catch {
    const area = make("textarea", { rows: 8, cols: 60, "aria-label": "text to copy", readonly: true });
    area.value = text;
    status.replaceChildren("The browser does not allow copying; press Ctrl+C: ", area);
    area.select();
  }
}

function save(name, url) {
  make("a", { href: url, download: name }).click();
}

// The picture as PNG, three pixels a point.
async function savePng(image) {
  const canvas = make("canvas", { width: 3 * image.naturalWidth, height: 3 * image.naturalHeight });
  const context = canvas.getContext("2d");
  context.fillStyle = "white";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(image, 0, 0, canvas.width, canvas.height);
  save(`${image.dataset.name}.png`, canvas.toDataURL("image/png"));
}
