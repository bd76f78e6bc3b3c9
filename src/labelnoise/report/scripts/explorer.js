// The explorer: a table of what the controls choose, as a heat map that sorts and re-ranks, and charts of the same.
const state = { dataset: 0, testSet: 0, metric: 0, noises: new Set(data.noises.keys()), losses: new Set(data.losses.keys()), hideIncomplete: false, sort: null };

// What is shown: cells by loss and noise, ranks over the complete columns of the losses shown, rows in order.
function computeView() {
  const { dataset, testSet, metric } = state;
  const higher = data.metrics[metric].higherIsBetter;
  const exists = (noise) => [...data.losses.keys()].some((loss) => cellOf(dataset, testSet, metric, noise, loss) !== null);
  const noises = [...data.noises.keys()].filter((noise) => state.noises.has(noise) && exists(noise));
  const cells = new Map();
  let losses = [...data.losses.keys()].filter((loss) => state.losses.has(loss));
  for (const loss of losses) cells.set(loss, noises.map((noise) => cellOf(dataset, testSet, metric, noise, loss)));
  if (state.hideIncomplete) losses = losses.filter((loss) => cells.get(loss).every((cell) => (cell?.mean ?? null) !== null));
  const best = [];
  const ranks = new Map(losses.map((loss) => [loss, []]));
  const complete = [];
  noises.forEach((noise, column) => {
    const means = losses.map((loss) => cells.get(loss)[column]?.mean ?? null);
    const known = means.filter((mean) => mean !== null);
    best.push(known.length ? (higher ? d3.max(known) : d3.min(known)) : null);
    if (known.length < losses.length || !losses.length) return;
    complete.push(noise);
    ranksOf(means, higher).forEach((rank, i) => ranks.get(losses[i]).push(rank));
  });
  const averageRank = new Map(losses.map((loss) => [loss, ranks.get(loss).length ? d3.mean(ranks.get(loss)) : null]));
  const view = { dataset, testSet, metric, noises, losses, cells, best, complete, averageRank };
  if (state.sort) {
    const key = (loss) => (state.sort.column === "loss" ? loss : state.sort.column === "rank" ? averageRank.get(loss) : cells.get(loss)[noises.indexOf(state.sort.column)]?.mean ?? null);
    const sign = state.sort.ascending ? 1 : -1;
    const text = state.sort.column === "loss";
    view.losses = [...losses].sort((a, b) => {
      const [x, y] = [key(a), key(b)];
      if (x === null || y === null) return (x === null) - (y === null);
      return sign * (text ? data.losses[a].label.localeCompare(data.losses[b].label) : x - y);
    });
  }
  return view;
}

const isWhole = (view) => view.losses.length === data.losses.length && view.noises.length === data.noises.filter((_, noise) => data.losses.some((__, loss) => cellOf(view.dataset, view.testSet, view.metric, noise, loss) !== null)).length;

function captionOf(view, copied = false) {
  const metric = data.metrics[view.metric];
  const dataset = data.datasets[view.dataset];
  const n = data.seeds.length;
  const where = (dataset.isNoisy || dataset.testSets.length > 1) && metric.ofTestSet ? `${dataset.name} (${dataset.testSets[view.testSet]})` : dataset.name;
  const title = metric.title.replace("test accuracy", dataset.accuracy);
  if (!view.noises.length) return `${capital(title)}: no noise shown has this measure on ${dataset.name}.`;
  const mark = copied ? "Bold" : "Framed";
  const ranks = view.complete.length === view.noises.length ? "all columns shown" : view.complete.length ? `${view.complete.length} of ${view.noises.length} columns, those with a mean for every loss shown` : "no column: none has a mean for every loss shown";
  return `${capital(title)} (%${metric.higherIsBetter ? "" : ", lower is better"}) on ${where}: mean${copied && n > 1 ? " ± sample standard deviation" : ""} over ${n} seed${n > 1 ? "s" : ""}. ` +
    (n > 2 ? `${mark}: best of those shown; † tied with it (95 % t interval of the paired differences by seed includes 0). ` : `${mark}: best of those shown; with fewer than three seeds no ties are marked. `) +
    `Average rank over ${ranks}${isWhole(view) ? "" : ", among the losses shown; its interval is for the whole table only"}.`;
}

// The marks and words of a cell.
function describeCell(view, column, loss) {
  const noise = view.noises[column];
  const cell = view.cells.get(loss)[column];
  if (!cell) return { text: "", words: "not part of the experiment", cell: null };
  if (cell.mean === null) return { text: `– ${cell.n}/${cell.seeds}`, words: `${cell.n} of ${cell.seeds} seeds have a value`, cell };
  const best = cell.mean === view.best[column];
  const leaders = view.losses.filter((other) => view.cells.get(other)[column]?.mean === view.best[column]);
  const tied = leaders.some((leader) => isTied(view.dataset, view.testSet, view.metric, noise, loss, leader));
  const seeds = trialsOf(view.dataset, noise, loss).map((trial) => `seed ${data.trials.seed[trial]}: ${percent(valueOf(trial, view.metric, view.testSet))}`);
  const words = `${percent(cell.mean)}${cell.std === null ? "" : ` ± ${percent(cell.std)}`}, n = ${cell.n}${best ? ", best" : tied ? ", tied with the best" : ""} (${seeds.join(", ")})`;
  return { text: percent(cell.mean), full: `${percent(cell.mean)}${cell.std === null ? "" : ` ± ${percent(cell.std)}`}`, best, tied: tied && !best, words, cell };
}

function heatOf(view, mean) {
  const colour = d3.interpolateCividis((data.metrics[view.metric].higherIsBetter ? mean : 100 - mean) / 100);
  return `background: ${colour}; color: ${d3.lab(colour).l > 49.5 ? "#000" : "#fff"}`;
}

function rankCell(view, loss) {
  const rank = view.averageRank.get(loss);
  if (rank === null) return "–";
  if (!isWhole(view)) return rank.toFixed(1);
  const r = data.ranks;
  const i = r.loss.findIndex((other, k) => other === loss && r.dataset[k] === view.dataset && r.testSet[k] === view.testSet && r.metric[k] === view.metric);
  return i < 0 ? rank.toFixed(1) : r.text[i];
}

function sortBy(column, first) {
  const again = state.sort?.column === column && state.sort.ascending === (first === "ascending");
  state.sort = { column, ascending: again !== (first === "ascending") };
  refresh({ charts: false });
  document.querySelector("#explorer-table th[aria-sort] button")?.focus();
}

function headCell(text, column, first, attributes = {}) {
  const sorted = state.sort?.column === column ? (state.sort.ascending ? "ascending" : "descending") : null;
  const button = make("button", { type: "button", onclick: () => sortBy(column, first) }, text);
  return make("th", { scope: "col", "aria-sort": sorted, ...attributes }, button);
}

function drawTable(view) {
  const first = data.metrics[view.metric].higherIsBetter ? "descending" : "ascending";
  const groups = d3.groups(view.noises, (noise) => data.noises[noise].group);
  const top = make("tr", {}, headCell("loss", "loss", "ascending", { rowspan: 2 }));
  const bottom = make("tr");
  for (const [group, noises] of groups) {
    if (noises.length === 1 && data.noises[noises[0]].rateText === "") top.append(headCell(group, noises[0], first, { rowspan: 2 }));
    else {
      top.append(make("th", { scope: "colgroup", colspan: noises.length, class: "group" }, make("span", {}, group)));
      bottom.append(...noises.map((noise) => headCell(data.noises[noise].rateText || group, noise, first)));
    }
  }
  top.append(headCell("average rank", "rank", "ascending", { rowspan: 2 }));
  const detail = document.getElementById("explorer-detail");
  const rows = view.losses.map((loss) => {
    const label = data.losses[loss].label;
    const cells = view.noises.map((noise, column) => {
      const { text, words, best, tied, cell } = describeCell(view, column, loss);
      if (cell === null) return make("td", {}, "");
      const say = `${label}, ${data.noises[noise].title}: ${words}`;
      const show = () => (detail.textContent = say);
      const button = make("button", { type: "button", title: words, "aria-label": `${say}; show trials`, style: cell.mean === null ? null : heatOf(view, cell.mean), onfocus: show, onpointerenter: show, onclick: () => showTrials(view.dataset, view.testSet, noise, loss) }, text + (tied ? " †" : ""));
      return make("td", { class: best ? "best" : null }, button);
    });
    return make("tr", {}, make("th", { scope: "row" }, label), ...cells, make("td", { class: "rank" }, rankCell(view, loss)));
  });
  document.getElementById("explorer-caption").textContent = captionOf(view);
  document.getElementById("explorer-table").replaceChildren(make("thead", {}, top, bottom), make("tbody", {}, ...rows));
}

// The shown table for copying.
function shownTable() {
  const view = computeView();
  const rows = view.losses.map((loss) => ({
    label: data.losses[loss].label,
    rank: rankCell(view, loss),
    averageRank: view.averageRank.get(loss),
    cells: view.noises.map((_, column) => {
      const { text, full, best, tied, cell } = describeCell(view, column, loss);
      return { text: full ?? text, best, tied, mean: cell?.mean, std: cell?.std, n: cell?.n };
    }),
  }));
  return { caption: captionOf(view, true), head: view.noises.map((noise) => data.noises[noise].title), rows };
}

const HINT = document.getElementById("explorer-detail").textContent;

function refresh({ charts = true } = {}) {
  const view = computeView();
  drawTable(view);
  document.getElementById("explorer-detail").textContent = HINT;
  document.getElementById("copied").replaceChildren();
  document.getElementById("count-losses").textContent = `${view.losses.length} of ${data.losses.length}`;
  if (charts) drawCharts(view, document.getElementById("charts"));
}

function checkbox(text, checked, onchange) {
  const box = make("input", { type: "checkbox", checked, onchange: () => onchange(box.checked) });
  return make("label", { class: "check" }, box, ` ${text}`);
}

function fillControls() {
  const option = (text, i) => make("option", { value: i }, text);
  const toggle = (set, value) => (checked) => (checked ? set.add(value) : set.delete(value), refresh());
  const testSets = document.getElementById("choose-testset");
  const fillTestSets = () => {
    const names = data.datasets[state.dataset].testSets;
    testSets.replaceChildren(...names.map(option));
    testSets.parentElement.hidden = names.length === 1 && !data.datasets[state.dataset].isNoisy;
  };
  const choose = (id, names, key, then = () => {}) => {
    const select = document.getElementById(id);
    select.replaceChildren(...names.map(option));
    select.addEventListener("change", () => ((state[key] = Number(select.value)), then(), refresh()));
    select.parentElement.hidden = names.length === 1;
  };
  choose("choose-dataset", data.datasets.map(({ name }) => name), "dataset", () => ((state.testSet = 0), fillTestSets()));
  choose("choose-metric", data.metrics.map(({ menu }) => menu), "metric");
  testSets.addEventListener("change", () => ((state.testSet = Number(testSets.value)), refresh()));
  fillTestSets();
  document.getElementById("hide-incomplete").addEventListener("change", (event) => ((state.hideIncomplete = event.target.checked), refresh()));
  for (const [group, noises] of d3.groups([...data.noises.keys()], (noise) => data.noises[noise].group)) {
    const boxes = noises.map((noise) => checkbox(data.noises[noise].title, true, toggle(state.noises, noise)));
    document.getElementById("choose-noises").append(make("div", { class: "boxes", role: "group", "aria-label": group }, ...boxes));
  }
  const holder = document.getElementById("boxes-losses");
  const fillLosses = () => holder.replaceChildren(...data.losses.map(({ label }, loss) => checkbox(label, state.losses.has(loss), toggle(state.losses, loss))));
  const select = (losses) => ((state.losses = new Set(losses)), fillLosses(), refresh());
  fillLosses();
  document.getElementById("find-losses").addEventListener("input", (event) => {
    const words = event.target.value.toLowerCase().split(",").map((word) => word.trim()).filter(Boolean);
    select([...data.losses.keys()].filter((loss) => !words.length || words.some((word) => data.losses[loss].label.toLowerCase().includes(word))));
  });
  document.getElementById("all-losses").addEventListener("click", () => select(data.losses.keys()));
  document.getElementById("no-losses").addEventListener("click", () => select([]));
  document.getElementById("controls").addEventListener("submit", (event) => event.preventDefault());
}
