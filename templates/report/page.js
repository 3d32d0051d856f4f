"use strict";
(function () {
  const rows = Array.from(document.querySelectorAll("[data-v]"));
  const buttons = Array.from(document.querySelectorAll("button[data-filter]"));
  const text = document.getElementById("f-text");
  const selects = Array.from(document.querySelectorAll("select[data-key]"));
  const told = document.getElementById("f-told");
  if (!told) { return; }
  document.querySelectorAll(".needs-script").forEach(function (one) { one.hidden = false; });
  const words = rows.map(function (row) { return row.textContent.toLowerCase(); });
  function apply() {
    const pressed = buttons.filter(function (one) { return one.getAttribute("aria-pressed") === "true"; })
      .map(function (one) { return one.dataset.filter; });
    const wanted = text.value.trim().toLowerCase();
    let shown = 0;
    rows.forEach(function (row, number) {
      let fits = (pressed.length === 0 || pressed.includes(row.dataset.v)) &&
        (wanted === "" || words[number].includes(wanted));
      selects.forEach(function (one) {
        if (one.value && !(" " + row.dataset[one.dataset.key] + " ").includes(" " + one.value + " ")) { fits = false; }
      });
      if (row.hidden === fits) { row.hidden = !fits; }
      if (fits) { shown += 1; }
    });
    told.textContent = "Shown: " + shown + " of " + rows.length;
  }
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
  let opened = [];
  window.addEventListener("beforeprint", function () {
    opened = Array.from(document.querySelectorAll("details[data-print]:not([open])"));
    opened.forEach(function (one) { one.open = true; });
  });
  window.addEventListener("afterprint", function () { opened.forEach(function (one) { one.open = false; }); });
  window.addEventListener("hashchange", reveal);
  function reveal() {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (target && target.tagName === "DETAILS") { target.hidden = false; target.open = true; target.scrollIntoView(); }
  }
  apply();
  reveal();
})();
