// With scripts: show the explorer, fold what it makes unnecessary, and give figures buttons.
for (const element of document.querySelectorAll(".scripted[hidden]")) element.hidden = false;
const folds = [...document.querySelectorAll("details.fold")];
for (const fold of folds) fold.open = fold.closest("#verdicts") !== null;
window.addEventListener("beforeprint", () => {
  folds.forEach((fold) => (fold.open = true));
  document.querySelectorAll("img").forEach((image) => (image.loading = "eager"));
});

for (const image of document.querySelectorAll("figure.picture img"))
  image.after(
    make("br"),
    make("button", { type: "button", onclick: () => save(`${image.dataset.name}.svg`, image.src) }, "Save SVG"),
    make("button", { type: "button", onclick: () => savePng(image) }, "Save PNG"));

for (const button of document.querySelectorAll("[data-copy]"))
  button.addEventListener("click", () => copyText(formats[button.dataset.copy](shownTable()), document.getElementById("copied")));
document.getElementById("copy-bibtex").addEventListener("click", () => copyText(document.getElementById("bibtex").textContent, document.getElementById("copied-bibtex")));

fillControls();
refresh();
