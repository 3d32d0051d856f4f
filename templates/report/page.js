(function () {
  const rows = Array.from(document.querySelectorAll("[data-v]"));
  const buttons = Array.from(document.querySelectorAll("button[data-filter]"));
  const text = document.getElementById("f-text");
  const selects = Array.from(document.querySelectorAll("select[data-key]"));
  const told = document.getElementById("f-told");
  if (!told) { return; }
  const words = rows.map(function (row) { return row.textContent.toLowerCase(); });
  function apply() {
    const pressed = pressedOf(buttons);
    const wanted = text.value.trim().toLowerCase();
    showRows(rows, told, function (row, number) {
      return (pressed.length === 0 || pressed.includes(row.dataset.v)) &&
        (wanted === "" || words[number].includes(wanted)) &&
        selects.every(function (one) {
          return !one.value || (" " + row.dataset[one.dataset.key] + " ").includes(" " + one.value + " ");
        });
    });
  }
  function reveal() {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (target && target.tagName === "DETAILS") { target.hidden = false; target.open = true; target.scrollIntoView(); }
  }
  wireFilters(buttons, selects, text, apply);
  unfoldForPrint();
  window.addEventListener("hashchange", reveal);
  apply();
  reveal();
})();
