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
    const pressed = pressedOf(buttons).map(function (verdict) { return letters[verdict]; });
    const wanted = text.value.trim().toLowerCase();
    const among = columns();
    const narrowed = pressed.length || check.value || family.value;
    showRows(rows, told, function (row, number) {
      const asked = Object.values(data.nodes[row.dataset.node]);
      return (wanted === "" || texts[number].includes(wanted)) && (!narrowed || asked.some(function (line) {
        return among.some(function (column) {
          return pressed.length ? pressed.includes(line[column]) : line[column] !== " ";
        });
      }));
    });
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
  wireFilters(buttons, [check, family], text, apply);
  unfoldForPrint();
  apply();
})();
