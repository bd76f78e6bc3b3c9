// The report's numbers: what `report/data.py` wrote, with functions that look cells up.
const data = JSON.parse(document.getElementById("data").textContent);

const summaryIndex = new Map();
data.summary.dataset.forEach((dataset, i) => {
  const s = data.summary;
  summaryIndex.set([dataset, s.testSet[i], s.metric[i], s.noise[i], s.loss[i]].join(), i);
});

// The summary of a cell, or null: mean, std, n, seeds. Axes are positions.
function cellOf(dataset, testSet, metric, noise, loss) {
  const i = summaryIndex.get([dataset, testSet, metric, noise, loss].join());
  if (i === undefined) return null;
  const { mean, std, n, seeds } = data.summary;
  return { mean: mean[i], std: std[i], n: n[i], seeds: seeds[i] };
}

const trialIndex = new Map();
data.trials.dataset.forEach((dataset, i) => {
  const key = [dataset, data.trials.noise[i], data.trials.loss[i]].join();
  if (!trialIndex.has(key)) trialIndex.set(key, []);
  trialIndex.get(key).push(i);
});

// The trials of a cell, by position, in the order of seeds.
const trialsOf = (dataset, noise, loss) => trialIndex.get([dataset, noise, loss].join()) ?? [];

// The value of a trial that is ok, else null. A measure of the training set has the same value for every test set.
function valueOf(trial, metric, testSet) {
  if (data.trials.status[trial] !== "ok") return null;
  return data.trials.values[data.metrics[metric].name]?.[trial][testSet] ?? null;
}

// Whether `loss` cannot be separated from `best`: the 95 % t interval of the paired differences includes 0.
// Null with fewer than three common seeds, of which nearly every loss would be tied. The same as tied_with_best of summary.csv if all losses are shown.
function isTied(dataset, testSet, metric, noise, loss, best) {
  if (loss === best) return data.seeds.length > 2 ? true : null;
  const values = (one) => new Map(trialsOf(dataset, noise, one).map((t) => [data.trials.seed[t], valueOf(t, metric, testSet)]));
  const ours = values(loss);
  const differences = [...values(best)]
    .filter(([seed, value]) => value !== null && (ours.get(seed) ?? null) !== null)
    .map(([seed, value]) => ours.get(seed) - value);
  if (differences.length < 3) return null;
  const half = (data.tQuantiles[differences.length] * d3.deviation(differences)) / Math.sqrt(differences.length);
  return Math.abs(d3.mean(differences)) <= half + 1e-6; // values have four digits
}

// Ranks of the values, 1 is best, ties share the average; null stays null.
function ranksOf(values, higherIsBetter) {
  const sign = higherIsBetter ? 1 : -1;
  return values.map((value) => {
    if (value === null) return null;
    const better = values.filter((other) => other !== null && sign * other > sign * value).length;
    const equal = values.filter((other) => other === value).length;
    return better + (equal + 1) / 2;
  });
}

const percent = (value, digits = 2) => (value === null || value === undefined ? "–" : value.toFixed(digits));

// An element with attributes and children; text is never read as HTML.
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== null && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

const capital = (text) => text[0].toUpperCase() + text.slice(1);
