"use strict";
// Sorts and filters the table, and draws a server's page when it is asked for. Every
// text is set as text, never as markup. Without this script the table stands as it is.
(() => {
  const STEP = 250;  // rows that are shown at once, so that ten thousand stay quick
  const PRINTED = 500;  // server pages that a printed report ends with, at most
  const byId = (id) => document.getElementById(id);
  const details = JSON.parse(byId("details").textContent);
  const table = byId("table");
  const body = table.tBodies[0];
  const headings = [...table.tHead.rows[0].cells];
  const names = headings.map((cell) => cell.textContent);
  const title = document.title;
  const compare = new Intl.Collator("en", { numeric: true }).compare;
  const key = (row, column) => {
    const cell = row.cells[column];
    return cell.dataset.s === undefined ? cell.textContent : Number(cell.dataset.s);
  };
  let rows = [...body.rows];
  const original = rows.slice();
  const texts = new Map(rows.map((row) => [row, row.textContent.toLowerCase()]));
  let shown = STEP;
  let matching = rows;

  const make = (tag, text, attributes = {}) => {
    const element = document.createElement(tag);
    if (text !== null) element.textContent = text;
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    return element;
  };

  const page = () => {
    matching.forEach((row, number) => row.classList.toggle("later", number >= shown));
    const left = matching.length - shown;
    byId("more").hidden = left <= 0;
    byId("more").textContent = `Show ${Math.min(left, STEP)} more of ${left}`;
  };

  const filter = () => {
    const words = byId("words").value.toLowerCase().split(/\s+/).filter(Boolean);
    const verdict = byId("verdict").value;
    matching = rows.filter((row) => {
      const text = texts.get(row);
      const fits = words.every((word) => text.includes(word))
        && (!verdict || row.cells[1].textContent === verdict);
      row.classList.toggle("out", !fits);
      return fits;
    });
    shown = STEP;
    page();
    byId("found").textContent = `${matching.length} of ${rows.length} servers`;
  };

  const sort = (column) => {
    const heading = headings[column];
    const down = heading.getAttribute("aria-sort") === "ascending";
    for (const cell of headings) cell.setAttribute("aria-sort", "none");
    heading.setAttribute("aria-sort", down ? "descending" : "ascending");
    const keyed = original.map((row) => [key(row, column), row]);
    keyed.sort(([a], [b]) => (typeof a === "number" ? a - b : compare(a, b)));
    if (down) keyed.reverse();
    rows = keyed.map(([, row]) => row);
    body.append(...rows);
    filter();
  };

  const ago = (seconds) => {
    for (const [unit, length] of [["d", 86400], ["h", 3600], ["min", 60]]) {
      if (seconds >= 2 * length) return `${Math.floor(seconds / length)} ${unit}`;
    }
    return `${Math.max(seconds, 0)} s`;
  };

  const proof = (name, flat) => {
    if (!flat.length) return make("p", "Nothing was read of this server.");
    const found = make("table", null, { class: "proof" });
    found.append(make("caption", `The proof of ${name}, found against expected`));
    const head = make("tr", null);
    for (const word of ["Fact", "Holds", "Found", "Expected", "Age", "Source"]) {
      head.append(make("th", word, { scope: "col" }));
    }
    const cell = (label, text) => make("td", text, { "data-label": label });
    found.createTHead().append(head);
    const lines = found.createTBody();
    for (let at = 0; at < flat.length; at += 6) {
      const [fact, was, wanted, holds, source, seconds] = flat.slice(at, at + 6);
      const line = make("tr", null);
      line.append(
        make("th", details.texts[fact], { scope: "row" }),
        make("td", holds ? "yes" : "no", { "data-label": "Holds", class: holds ? "yes" : "no" }),
        cell("Found", details.texts[was]),
        cell("Expected", details.texts[wanted]),
        cell("Age", seconds < 0 ? "" : ago(seconds)),
        cell("Source", details.texts[source]),
      );
      lines.append(line);
    }
    const scroll = make("div", null, {
      class: "scroll", tabindex: "0", role: "group", "aria-label": `Proof of ${name}`,
    });
    scroll.append(found);
    return scroll;
  };

  const server = (number) => {
    const cells = original[number].cells;
    const [hours, contact, reason, flat] = details.servers[number];
    const name = cells[0].textContent;
    const section = make("section", null, { class: "page", "aria-label": name });
    section.append(make("h2", name, { tabindex: "-1" }));
    const list = make("dl", null);
    const say = (word, text) => {
      if (text) list.append(make("dt", word), make("dd", text));
    };
    for (let column = 1; column < cells.length; column += 1) {
      say(names[column], cells[column].textContent);
    }
    say("Why waived", details.texts[reason]);
    say("Last contact failed", details.texts[contact]);
    say("Open for", hours === null ? "" : `${hours} hours, as far as recorded`);
    section.append(list, make("h3", "Proof"), proof(name, flat));
    return section;
  };

  // "#server-17" shows that server alone; anything else shows the report.
  const route = () => {
    const asked = /^#server-(\d+)$/.exec(location.hash);
    const number = asked && Number(asked[1]);
    const one = number !== null && number < original.length;
    const pages = byId("pages");
    pages.replaceChildren();
    byId("report").hidden = one;
    document.querySelector("nav").hidden = one;
    document.title = title;
    if (!one) {
      if (location.hash) byId(location.hash.slice(1))?.scrollIntoView();
      return;
    }
    const back = make("p", null, { class: "back" });
    back.append(make("a", "Back to all servers", { href: "#servers" }));
    const main = make("main", null);
    main.append(back, server(number));
    pages.append(main);
    const heading = main.querySelector("h2");
    document.title = `${heading.textContent}: ${title}`;
    scrollTo(0, 0);
    heading.focus();
  };

  headings.forEach((cell, column) => {
    const button = make("button", cell.textContent, { type: "button" });
    button.addEventListener("click", () => sort(column));
    cell.replaceChildren(button);
    cell.setAttribute("aria-sort", "none");
  });
  byId("filter").hidden = false;
  byId("filter").addEventListener("submit", (event) => event.preventDefault());
  byId("words").addEventListener("input", filter);
  byId("verdict").addEventListener("change", filter);
  byId("more").addEventListener("click", () => {
    const first = matching[shown];
    shown += STEP;
    page();
    first.querySelector("a").focus();
  });
  addEventListener("hashchange", route);
  // Paper unfolds nothing.
  const unfold = () => {
    for (const folded of document.querySelectorAll("details:not([open])")) {
      folded.open = true;
      folded.dataset.folded = "";
    }
  };
  const fold = () => {
    for (const folded of document.querySelectorAll("[data-folded]")) {
      folded.open = false;
      delete folded.dataset.folded;
    }
  };

  addEventListener("beforeprint", () => {
    unfold();
    if (byId("report").hidden) return;
    const numbers = matching.slice(0, PRINTED).map((row) => original.indexOf(row));
    byId("pages").replaceChildren(...numbers.map(server));
    const left = matching.length - numbers.length;
    if (left > 0) {
      byId("pages").append(make("p", `${left} more servers: filter the table, then print.`));
    }
  });
  addEventListener("afterprint", () => {
    fold();
    if (!byId("report").hidden) byId("pages").replaceChildren();
  });
  filter();
  route();
})();
