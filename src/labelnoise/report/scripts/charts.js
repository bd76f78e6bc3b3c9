// Interactive charts, with the colours, shapes and dashes of the static figures. `view` is what the explorer shows.
const triangleDown = {
  draw(context, size) {
    const y = Math.sqrt(size / (Math.sqrt(3) * 3));
    context.moveTo(0, y * 2);
    context.lineTo(-Math.sqrt(3) * y, -y);
    context.lineTo(Math.sqrt(3) * y, -y);
    context.closePath();
  },
};
const symbols = { o: "circle", s: "square", D: "diamond", "^": "triangle", v: triangleDown, P: "cross", h: "hexagon", "*": "star" };
const REST = "var(--rest)";
const dashOf = (loss) => data.losses[loss].dash.map((length) => 1.6 * length).join(" ") || null;

// The losses that stand out: the best by average rank of those shown.
function prominentOf(view) {
  if (data.figureLosses.length) return view.losses.filter((loss) => data.figureLosses.includes(loss));
  const ranked = [...view.losses].sort((a, b) => (view.averageRank.get(a) ?? 1e9) - (view.averageRank.get(b) ?? 1e9));
  const best = new Set(ranked.slice(0, data.mostLosses));
  return view.losses.filter((loss) => best.has(loss));
}

// A line per loss through its points {x, y, low, high, title}; those that stand out have a band or bars, and marks.
function lineMarks(lines, prominent, { bars }) {
  const marks = [];
  for (const { loss, points } of lines.filter(({ loss }) => !prominent.includes(loss)))
    marks.push(Plot.line(points, { x: "x", y: "y", stroke: REST, strokeWidth: 0.8 }));
  for (const { loss, points } of lines.filter(({ loss }) => prominent.includes(loss))) {
    const { colour, marker } = data.losses[loss];
    const spread = points.filter((point) => point.low !== null);
    marks.push(
      bars
        ? Plot.ruleX(spread, { x: "x", y1: "low", y2: "high", stroke: colour })
        : Plot.areaY(spread, { x: "x", y1: "low", y2: "high", fill: colour, fillOpacity: 0.1 }),
      Plot.line(points, { x: "x", y: "y", stroke: colour, strokeWidth: 1.6, strokeDasharray: dashOf(loss) }),
      Plot.dot(bars ? points : points.filter((_, i) => i % Math.ceil(points.length / 4) === 0), { x: "x", y: "y", fill: colour, symbol: symbols[marker], r: 3.2 }),
    );
  }
  marks.push(Plot.tip(lines.flatMap(({ points }) => points), Plot.pointer({ x: "x", y: "y", title: "title", fill: "var(--paper)" })));
  return marks;
}

function panel(title, description, options) {
  const drawing = Plot.plot({ width: 320, height: 220, marginLeft: 42, style: { background: "none", fontSize: "11px" }, ariaLabel: description, ...options });
  // One picture with one description: names of its parts would be read instead of it.
  drawing.setAttribute("role", "img");
  for (const part of drawing.querySelectorAll("[aria-label]")) {
    part.dataset.mark = part.getAttribute("aria-label");
    part.removeAttribute("aria-label");
  }
  return make("figure", {}, title ? make("h4", {}, title) : null, drawing);
}

// The legend: how each loss that stands out is drawn.
function keys(view, prominent) {
  const entries = prominent.map((loss) => {
    const { label, colour, marker } = data.losses[loss];
    const sample = Plot.plot({
      width: 34, height: 14, margin: 0, axis: null, x: { domain: [0, 2] }, y: { domain: [0, 2] }, style: { background: "none" },
      marks: [Plot.line([[0, 1], [2, 1]], { stroke: colour, strokeWidth: 1.6, strokeDasharray: dashOf(loss) }), Plot.dot([[1, 1]], { fill: colour, symbol: symbols[marker], r: 3.2 })],
    });
    sample.setAttribute("aria-hidden", "true");
    return make("span", {}, sample, label);
  });
  const others = view.losses.length - prominent.length;
  return make("p", { class: "keys" }, ...entries, others ? make("span", {}, `grey: ${others} other losses`) : null);
}

// An axis logarithmic in the error, so that losses close to 100 % can be told apart.
const onErrorScale = (accuracy) => -Math.log10(101 - accuracy);
const errorScale = (label) => ({
  label, domain: [0, 100].map(onErrorScale), ticks: [0, 20, 40, 60, 70, 80, 90, 95, 98, 100].map(onErrorScale), tickFormat: (place) => `${Math.round(101 - 10 ** -place)}`,
});

function accuracyByRate(view, prominent) {
  const metric = data.metrics[view.metric];
  const isAccuracy = metric.ofTestSet;
  const place = isAccuracy ? onErrorScale : (value) => value;
  const withRate = view.noises.filter((noise) => data.noises[noise].rate !== null);
  const groups = [...new Set(withRate.map((noise) => data.noises[noise].group))].filter((group) => group !== "clean");
  const panels = groups.map((group) => {
    const noises = withRate.filter((noise) => [group, "clean"].includes(data.noises[noise].group)).sort((a, b) => data.noises[a].rate - data.noises[b].rate);
    const lines = view.losses.map((loss) => ({
      loss,
      points: noises.flatMap((noise) => {
        const cell = cellOf(view.dataset, view.testSet, view.metric, noise, loss);
        if (cell === null || cell.mean === null) return [];
        const spread = cell.std ?? 0;
        return [{
          x: data.noises[noise].rate, y: place(cell.mean), low: place(Math.max(0, cell.mean - spread)), high: place(Math.min(100, cell.mean + spread)),
          title: `${data.losses[loss].label}, ${data.noises[noise].title}\n${percent(cell.mean)} ± ${percent(cell.std)}, n = ${cell.n}`,
        }];
      }),
    }));
    const chance = place(data.datasets[view.dataset].chance);
    return panel(group, `${metric.title} against the rate of ${group} noise`, {
      x: { label: "noise rate", ticks: noises.map((noise) => data.noises[noise].rate), tickFormat: String, inset: 8 },
      y: isAccuracy ? errorScale("accuracy (%)") : { label: "%", domain: [0, 100] },
      marks: [isAccuracy ? Plot.ruleY([chance], { stroke: "currentColor", strokeDasharray: "1 3" }) : null, ...lineMarks(lines, prominent, { bars: true })],
    });
  });
  return { title: `${metric.menu[0].toUpperCase()}${metric.menu.slice(1)} against the noise rate`, hint: isAccuracy ? "The axis is logarithmic in the error; dotted: chance." : "", panels };
}

// Means over seeds of the curves of a cell, `read(curve)` in tenths of a percent, or no points.
function meanCurve(view, noise, loss, read) {
  const trials = trialsOf(view.dataset, noise, loss);
  if (trials.some((trial) => data.trials.status[trial] !== "ok")) return []; // no mean over the survivors
  const found = trials.map((trial) => data.curves[trial]).filter((curve) => curve && read(curve)?.length);
  if (!found.length) return [];
  return found[0].epoch.map((epoch, i) => {
    const values = found.map((curve) => read(curve)[i]).filter((value) => value !== null && value !== undefined).map((value) => value / 10);
    const mean = d3.mean(values), spread = d3.deviation(values) ?? null;
    return { x: epoch, y: mean, low: spread === null ? null : mean - spread, high: spread === null ? null : mean + spread, title: `${data.losses[loss].label}, epoch ${epoch}\n${percent(mean, 1)}${spread === null ? "" : ` ± ${percent(spread, 1)}`}` };
  }).filter((point) => point.y !== undefined);
}

function curvesChart(view, prominent, title, read) {
  const panels = view.noises.flatMap((noise) => {
    const lines = view.losses.map((loss) => ({ loss, points: meanCurve(view, noise, loss, read) })).filter(({ points }) => points.length);
    return lines.length
      ? [panel(data.noises[noise].title, `${title} under ${data.noises[noise].title}`, { x: { label: "epoch" }, y: { label: "%", domain: [0, 100] }, marks: lineMarks(lines, prominent, { bars: false }) })]
      : [];
  });
  return { title, hint: "Mean ± one sample standard deviation over seeds.", panels };
}

// How often each loss beats each other over the noises shown (of every data set) and seeds, by the measure shown.
function winRates(view) {
  const sign = data.metrics[view.metric].higherIsBetter ? 1 : -1;
  const blocks = data.datasets.flatMap((_, dataset) => view.noises.flatMap((noise) => data.seeds.map((seed) => [dataset, noise, seed])));
  const valueIn = new Map();
  for (const loss of view.losses)
    for (const [dataset, noise] of d3.union(blocks.map(([d, n]) => `${d},${n}`).values()).values().map((key) => key.split(",").map(Number)))
      for (const trial of trialsOf(dataset, noise, loss)) valueIn.set([dataset, noise, data.trials.seed[trial], loss].join(), valueOf(trial, view.metric, dataset === view.dataset ? view.testSet : 0));
  const rates = [];
  for (const row of view.losses)
    for (const column of view.losses) {
      if (row === column) continue;
      let wins = 0, count = 0;
      for (const block of blocks) {
        const a = valueIn.get([...block, row].join()) ?? null, b = valueIn.get([...block, column].join()) ?? null;
        if (a === null || b === null) continue;
        count++;
        wins += sign * (a - b) > 0 ? 1 : a === b ? 0.5 : 0;
      }
      if (count) rates.push({ row: data.losses[row].label, column: data.losses[column].label, rate: (100 * wins) / count, count });
    }
  return rates;
}

function winRateChart(view) {
  const rates = winRates(view);
  if (!rates.length) return null;
  const order = d3.groupSort(rates, (group) => -d3.mean(group, ({ rate }) => rate), ({ row }) => row);
  const size = 26 * order.length;
  const width = d3.max(order, (label) => label.length) * 7.4 + 16;
  const drawing = panel("", "How often the loss of the row beats the loss of the column", {
    width: size + width + 10, height: size + width + 10, marginLeft: width, marginTop: width, marginRight: 10, marginBottom: 10, padding: 0.04,
    x: { domain: order, axis: "top", tickRotate: -90, label: null }, y: { domain: order, label: null }, color: { type: "diverging", scheme: "RdBu", pivot: 50, domain: [0, 100] },
    marks: [
      Plot.cell(rates, { x: "column", y: "row", fill: "rate" }),
      Plot.text(rates, { x: "column", y: "row", text: ({ rate }) => rate.toFixed(0), fill: ({ rate }) => (Math.abs(rate - 50) > 35 ? "white" : "black"), fontSize: 9 }),
      Plot.tip(rates, Plot.pointer({ x: "column", y: "row", fill: "var(--paper)", title: ({ row, column, rate, count }) => `${row} beats ${column}\nin ${rate.toFixed(1)} % of ${count} blocks` })),
    ],
  });
  return { title: "Win rates (%)", hint: "How often the loss of a row beats that of a column, over every data set (on the chosen test set, elsewhere the first), the noises shown and seeds; ties count half. Best on top.", panels: [drawing], wide: true };
}

function criticalDifferenceChart() {
  const found = data.criticalDifference;
  if (found === null) return null;
  const rows = found.losses.map((loss, i) => ({ label: data.losses[loss].label, colour: data.losses[loss].colour, rank: found.ranks[i] }));
  const bands = found.cliques.map(([first, last]) => ({ x1: rows[first].rank - 0.08, x2: rows[last].rank + 0.08, y1: first - 0.4, y2: last + 0.4 }));
  const drawing = panel("", "Average ranks, with bands around losses that are not separated", {
    width: 640, height: 22 * rows.length + 60, marginLeft: 110, x: { label: "average rank", domain: [1, rows.length], inset: 10 },
    y: { domain: [rows.length - 0.5, -0.5], ticks: d3.range(rows.length), tickFormat: (place) => rows[place].label, label: null },
    marks: [
      Plot.rect(bands, { x1: "x1", x2: "x2", y1: "y1", y2: "y2", fill: "currentColor", fillOpacity: 0.1, stroke: "currentColor", strokeOpacity: 0.5 }),
      Plot.dot(rows, { x: "rank", y: (_, i) => i, fill: "colour", r: 4 }),
      Plot.tip(rows, Plot.pointer({ x: "rank", y: (_, i) => i, fill: "var(--paper)", title: ({ label, rank }) => `${label}: ${rank.toFixed(2)}` })),
    ],
  });
  return { title: `Critical difference over ${found.blocks} blocks`, hint: `Average ranks over data set × kind of noise, of which clean labels are one (all losses, Friedman p = ${found.p.toPrecision(2)}). Losses in one band are not separated (Wilcoxon, Holm, 5 %).`, panels: [drawing], wide: true };
}

// Each chart of the view, drawn when it comes into sight.
function drawCharts(view, root) {
  const prominent = prominentOf(view);
  const kinds = [
    ["rate", () => accuracyByRate(view, prominent)],
    ["curves", () => curvesChart(view, prominent, `${capital(data.datasets[view.dataset].accuracy)} over epochs`, (curve) => curve.accuracy[view.testSet])],
    ["memorisation", () => curvesChart(view, prominent, "Wrong labels memorised over epochs", (curve) => curve.memorised)],
    ["wins", () => winRateChart(view)],
    ["cd", () => criticalDifferenceChart()],
  ];
  root.replaceChildren();
  const seen = new IntersectionObserver((entries) => {
    for (const { isIntersecting, target } of entries) {
      if (!isIntersecting) continue;
      seen.unobserve(target);
      target.draw();
    }
  }, { rootMargin: "300px" });
  for (const [name, draw] of kinds) {
    const holder = make("section", { class: "chart", id: `chart-${name}`, style: "min-height: 12rem" });
    holder.draw = () => {
      holder.style.minHeight = "";
      const chart = draw();
      if (chart === null || !chart.panels.length) return holder.remove();
      const isLines = !chart.wide;
      holder.replaceChildren(make("h3", {}, chart.title), make("p", { class: "hint" }, chart.hint), ...(isLines ? [keys(view, prominent)] : []), make("div", { class: isLines ? "panels" : "panels wide", ...(isLines ? {} : { tabindex: 0, role: "region", "aria-label": chart.title }) }, ...chart.panels));
    };
    root.append(holder);
    seen.observe(holder);
  }
}
