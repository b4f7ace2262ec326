"use strict";
for (const box of document.querySelectorAll(".pg-list")) {
  const table = box.querySelector("table"), body = table.tBodies[0], heads = [...table.tHead.rows[0].cells];
  const form = box.querySelector("form"), said = box.querySelector("output"), none = box.querySelector(".pg-none");
  const rows = [...body.rows], texts = rows.map((row) => row.textContent.toLocaleLowerCase());
  const collator = new Intl.Collator(document.documentElement.lang, { numeric: true });
  const key = (row, place) => row.cells[place].dataset.sort ?? row.cells[place].textContent.trim();

  const compare = (one, other, sign) => {
    if (one === "" || other === "") return (one === "") - (other === "");
    const [a, b] = [Number(one), Number(other)];
    return sign * (Number.isNaN(a - b) ? collator.compare(one, other) : a - b);
  };

  const sort = (place) => {
    const up = heads[place].getAttribute("aria-sort") !== "ascending";
    for (const head of heads) head.removeAttribute("aria-sort");
    heads[place].setAttribute("aria-sort", up ? "ascending" : "descending");
    const keys = new Map(rows.map((row) => [row, key(row, place)]));
    const sorted = [...rows].sort((a, b) => compare(keys.get(a), keys.get(b), up ? 1 : -1));
    body.append(...sorted);
  };

  const filter = () => {
    const words = form.elements.text.value.toLocaleLowerCase().split(/\s+/).filter(Boolean);
    const chosen = [...form.querySelectorAll("select")].filter((one) => one.value);
    let count = 0;
    rows.forEach((row, place) => {
      row.hidden = !(chosen.every((one) => row.dataset[one.name] === one.value)
        && words.every((word) => texts[place].includes(word)));
      count += !row.hidden;
    });
    said.value = form.dataset.count.replace("{shown}", count).replace("{all}", rows.length);
    none.hidden = count > 0;
  };

  heads.forEach((head, place) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    button.addEventListener("click", () => sort(place));
    head.append(button);
  });
  form.addEventListener("input", filter);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(filter));
  window.addEventListener("pageshow", filter);
  form.hidden = false;
  box.classList.add("pg-live");
  filter();
}
