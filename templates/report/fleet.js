"use strict";
(function () {
  const data = JSON.parse(document.getElementById("data").textContent);
  const words = { p: "pass", f: "fail", w: "waived", n: "not applicable", u: "not evaluated", m: "manual" };
  const letters = { pass: "p", fail: "f", waived: "w", "not-applicable": "n", "not-evaluated": "u", manual: "m" };
  const rows = Array.from(document.querySelectorAll("details[data-node]"));
  const buttons = Array.from(document.querySelectorAll("button[data-filter]"));
  const text = document.getElementById("f-text");
  const check = document.getElementById("f-check");
  const family = document.getElementById("f-family");
  const told = document.getElementById("f-told");
  const texts = rows.map(function (row) { return row.textContent.toLowerCase(); });
  document.querySelectorAll(".needs-script").forEach(function (one) { one.hidden = false; });
  function columns() {
    const wanted = [];
    data.checks.forEach(function (one, number) {
      if ((!check.value || one[0] === check.value) && (!family.value || one[2].split(" ").includes(family.value))) {
        wanted.push(number);
      }
    });
    return wanted;
  }
  function apply() {
    const pressed = buttons.filter(function (one) { return one.getAttribute("aria-pressed") === "true"; })
      .map(function (one) { return letters[one.dataset.filter]; });
    const wanted = text.value.trim().toLowerCase();
    const among = columns();
    const narrowed = pressed.length || check.value || family.value;
    let shown = 0;
    rows.forEach(function (row, number) {
      const asked = Object.values(data.nodes[row.dataset.node]);
      const fits = (wanted === "" || texts[number].includes(wanted)) && (!narrowed || asked.some(function (line) {
        return among.some(function (column) {
          return pressed.length ? pressed.includes(line[column]) : line[column] !== " ";
        });
      }));
      if (row.hidden === fits) { row.hidden = !fits; }
      if (fits) { shown += 1; }
    });
    told.textContent = "Shown: " + shown + " of " + rows.length;
  }
  function cell(row, what) { const made = document.createElement("td"); made.textContent = what; row.appendChild(made); }
  function fill(row) {
    const place = row.querySelector(".all");
    if (!place || place.firstChild) { return; }
    const table = document.createElement("table");
    const caption = table.createCaption();
    caption.textContent = "Every verdict";
    Object.entries(data.nodes[row.dataset.node]).forEach(function (pair) {
      data.checks.forEach(function (one, number) {
        const letter = pair[1][number];
        if (letter === " ") { return; }
        const line = table.insertRow();
        cell(line, words[letter]); cell(line, one[0]); cell(line, one[1]); cell(line, pair[0]);
      });
    });
    place.appendChild(table);
  }
  rows.forEach(function (row) { row.addEventListener("toggle", function () { if (row.open) { fill(row); } }); });
  buttons.forEach(function (one) {
    one.addEventListener("click", function () {
      one.setAttribute("aria-pressed", one.getAttribute("aria-pressed") === "true" ? "false" : "true");
      apply();
    });
  });
  check.addEventListener("change", apply);
  family.addEventListener("change", apply);
  text.addEventListener("input", apply);
  document.getElementById("f-none").addEventListener("click", function () {
    buttons.forEach(function (one) { one.setAttribute("aria-pressed", "false"); });
    check.value = ""; family.value = ""; text.value = "";
    apply();
    text.focus();
  });
  let opened = [];
  window.addEventListener("beforeprint", function () {
    opened = Array.from(document.querySelectorAll("details[data-print]:not([open])"));
    opened.forEach(function (one) { one.open = true; });
  });
  window.addEventListener("afterprint", function () { opened.forEach(function (one) { one.open = false; }); });
  apply();
})();
