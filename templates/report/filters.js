"use strict";
/* What the pages of reports share: buttons that narrow what is shown, and paper that shows all. */
function pressedOf(buttons) {
  return buttons.filter(function (one) { return one.getAttribute("aria-pressed") === "true"; })
    .map(function (one) { return one.dataset.filter; });
}
function wireFilters(buttons, selects, text, apply) {
  buttons.forEach(function (one) {
    one.addEventListener("click", function () {
      one.setAttribute("aria-pressed", one.getAttribute("aria-pressed") === "true" ? "false" : "true");
      apply();
    });
  });
  selects.forEach(function (one) { one.addEventListener("change", apply); });
  text.addEventListener("input", apply);
  document.getElementById("f-none").addEventListener("click", function () {
    buttons.forEach(function (one) { one.setAttribute("aria-pressed", "false"); });
    selects.forEach(function (one) { one.value = ""; });
    text.value = "";
    apply();
    text.focus();
  });
  document.querySelectorAll(".needs-script").forEach(function (one) { one.hidden = false; });
}
function showRows(rows, told, fits) {
  let shown = 0;
  rows.forEach(function (row, number) {
    const wanted = fits(row, number);
    if (row.hidden === wanted) { row.hidden = !wanted; }
    if (wanted) { shown += 1; }
  });
  told.textContent = "Shown: " + shown + " of " + rows.length;
}
function unfoldForPrint() {
  let opened = [];
  window.addEventListener("beforeprint", function () {
    opened = Array.from(document.querySelectorAll("details[data-print]:not([open])"));
    opened.forEach(function (one) { one.open = true; });
  });
  window.addEventListener("afterprint", function () { opened.forEach(function (one) { one.open = false; }); });
}
