// The trials behind a cell: seeds, values, curves, parameters, recipe, label file and folder.
function showTrials(dataset, testSet, noise, loss) {
  const dialog = document.getElementById("trials-dialog");
  const { label, name } = data.losses[loss];
  const trials = trialsOf(dataset, noise, loss);
  document.getElementById("trials-title").textContent = `${label}, ${data.noises[noise].title}, ${data.datasets[dataset].name}${data.datasets[dataset].isNoisy || data.datasets[dataset].testSets.length > 1 ? ` (${data.datasets[dataset].testSets[testSet]})` : ""}`;
  const { status, seed, reason, seconds, realisedRate, folder, labels, labelFiles, params, paramSets, recipe, recipes } = data.trials;
  const names = data.metrics.map((metric, i) => [i, metric.menu]);
  const head = ["seed", "status", ...names.map(([, menu]) => menu), "actual noise rate", "seconds"];
  const rows = trials.map((trial) =>
    make("tr", {},
      make("th", { scope: "row" }, String(seed[trial])),
      make("td", {}, make("span", { class: `status ${status[trial]}` }, status[trial])),
      ...names.map(([metric]) => make("td", {}, percent(valueOf(trial, metric, testSet)))),
      make("td", {}, realisedRate[trial] === null ? "unknown" : realisedRate[trial].toFixed(4)),
      make("td", {}, seconds[trial] === null ? "–" : seconds[trial].toFixed(1))));
  const table = make("table", { class: "results", "aria-label": "Trials" },
    make("thead", {}, make("tr", {}, ...head.map((text) => make("th", { scope: "col" }, text)))), make("tbody", {}, ...rows));
  const facts = make("dl");
  const fact = (term, text) => text && facts.append(make("dt", {}, term), make("dd", {}, text));
  const listed = (values) => values && (Object.entries(values).map(([key, value]) => `${key} = ${value === null ? "none" : JSON.stringify(value)}`).join(", ") || "none");
  for (const trial of trials) if (reason[trial]) fact(`seed ${seed[trial]} ${status[trial]}`, reason[trial]);
  fact("loss", name);
  for (const i of new Set(trials.map((trial) => params[trial]))) fact("parameters", listed(paramSets[i]));
  for (const i of new Set(trials.map((trial) => recipe[trial]))) fact("recipe", listed(recipes[i]));
  for (const trial of trials) {
    const file = labelFiles[labels[trial]];
    fact(`seed ${seed[trial]}`, `${folder[trial]}; labels ${file.path}${file.sha256 ? `, sha256 ${file.sha256}` : ""}`);
  }
  document.getElementById("trials-body").replaceChildren(
    make("div", { class: "scroll", role: "region", tabindex: 0, "aria-label": "Trials" }, table), make("div", { class: "panels chart" }, ...curvesOfTrials(trials, dataset, testSet)), facts);
  dialog.showModal();
}

// Accuracy and memorised share of each trial over epochs.
function curvesOfTrials(trials, dataset, testSet) {
  const lines = (read) =>
    trials.flatMap((trial) => {
      const curve = data.curves[trial];
      const values = curve ? read(curve) ?? [] : [];
      return values.map((value, i) => ({ seed: `seed ${data.trials.seed[trial]}`, epoch: curve.epoch[i], value: value === null ? NaN : value / 10 }));
    });
  const drawn = [[`${data.datasets[dataset].accuracy} (%)`, lines((curve) => curve.accuracy[testSet])], ["wrong labels memorised (%)", lines((curve) => curve.memorised)]];
  return drawn.filter(([, points]) => points.length).map(([title, points]) =>
    panel(title, `${title} over epochs, by seed`, {
      x: { label: "epoch" }, y: { label: "%" }, color: { scheme: "Observable10" },
      marks: [Plot.line(points, { x: "epoch", y: "value", stroke: "seed" }), Plot.tip(points, Plot.pointer({ x: "epoch", y: "value", fill: "var(--paper)", title: ({ seed, epoch, value }) => `${seed}, epoch ${epoch}\n${value.toFixed(1)}` }))],
    }));
}
