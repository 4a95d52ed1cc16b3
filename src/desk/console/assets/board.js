// The board's live changes: rows are put in, changed and taken out in place. Scroll position, focus and selection stay.
// The server sends what a second brought in one message; it is one pass over the page, with one layout.
"use strict";

(() => {
  const board = document.getElementById("board");
  if (!board) return;
  const words = document.currentScript.dataset;
  const fresh = document.getElementById("fresh");
  const MOST = 600; // rows kept of one level; the rest is behind "more"
  const FLASH = 2500; // milliseconds in which a row is seen to be new or other
  const RUNG = 5000; // incidents of which it is remembered that they rang
  const rung = new Map();
  const made = Number(document.querySelector("meta[name=now]").content); // when the page was
  let above = 0;

  const key = (row) => [-Number(row.dataset.score), Number(row.dataset.first)];
  function before(a, b) {
    const [x, y] = [key(a), key(b)];
    return x[0] - y[0] || x[1] - y[1] || (a.dataset.id < b.dataset.id ? -1 : 1);
  }

  // Of thousands of incidents a page shows some hundred: what belongs behind "more" is not even parsed.
  function wanted(it) {
    if (document.getElementById("i-" + it.id)) return true;
    const group = document.getElementById("g-" + it.level);
    if (!group || !group.querySelector(".more")) return group;
    const rows = group.getElementsByClassName("row");
    return rows.length && before(rows[rows.length - 1], { dataset: it }) > 0;
  }

  function place(row, group) {
    const rows = group.getElementsByClassName("row");
    let low = 0, high = rows.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (before(rows[middle], row) < 0) low = middle + 1; else high = middle;
    }
    const more = group.querySelector(".more");
    if (low === rows.length && more) return false; // it belongs to what "more" would show
    group.insertBefore(row, rows[low] || more);
    const surplus = rows.length - MOST;
    for (let i = 0; i < surplus; i++) if (!rows[rows.length - 1].classList.contains("selected")) rows[rows.length - 1].remove();
    return true;
  }

  // What the reader looks at: the selected row when it can be seen, else the first row on the screen.
  function anchor() {
    if (scrollY < 8 && !board.querySelector(".row.selected")) return null;
    const visible = (row) => { const at = row.getBoundingClientRect(); return at.bottom > 46 && at.top < innerHeight; };
    const chosen = board.querySelector(".row.selected");
    const row = chosen && visible(chosen) ? chosen : [...board.querySelectorAll(".row")].find(visible);
    return row && { id: row.id, top: row.getBoundingClientRect().top };
  }

  // Only cells that differ are exchanged: the rest of the row, its place and what is marked in it stay.
  function morph(old, row) {
    for (const { name, value } of row.attributes) if (name !== "class" && old.getAttribute(name) !== value) old.setAttribute(name, value);
    const kept = ["selected", "arrived", "changed"].filter((name) => old.classList.contains(name));
    const named = [row.className, ...kept].join(" ");
    if (old.className !== named) old.className = named;
    [...row.cells].forEach((cell, i) => { if (!old.cells[i].isEqualNode(cell)) old.cells[i].replaceWith(cell); });
  }

  // The row as it stands on the page now; none when it belongs to what "more" would show.
  function put(row) {
    const group = document.getElementById("g-" + row.dataset.level);
    const old = document.getElementById(row.id);
    if (!group) { old?.remove(); return null; }
    window.tocsin.arrived(row);
    if (!old) {
      row.classList.add("arrived");
      return place(row, group) ? row : null;
    }
    const focused = old.contains(document.activeElement);
    const stays = old.dataset.level === row.dataset.level && before(old, row) === 0;
    morph(old, row);
    old.classList.add("changed");
    if (!stays) {
      old.remove();
      if (!place(old, group)) return null;
    }
    if (focused && !old.contains(document.activeElement)) old.querySelector("a.open")?.focus({ preventScroll: true });
    return old;
  }

  function set(element, text) {
    if (element && element.textContent !== text) element.textContent = text;
  }

  // An incident that is new, or has risen, since the page was made or since it last rang: wherever its row belongs.
  function ring(it, quiet) {
    const loud = it.actual && (it.level === "orange" || it.level === "red");
    if (!loud || it.raised <= (rung.get(it.id) ?? made)) return;
    rung.set(it.id, it.raised);
    if (rung.size > RUNG) rung.delete(rung.keys().next().value);
    if (quiet) return;
    const row = new DOMParser().parseFromString("<table><tbody>" + it.html + "</tbody></table>", "text/html");
    const name = row.querySelector(".open").textContent.trim();
    const level = row.querySelector(".lv").textContent.trim();
    window.tocsin.alarm(words.alarm.replace("{}", level), name, it.id, it.level);
    window.tocsin.announce(level + ": " + name);
  }

  function counts(totals) {
    let sum = 0;
    for (const [level, total] of Object.entries(totals)) {
      sum += total;
      const group = document.getElementById("g-" + level);
      for (const id of ["n-", "c-"]) set(document.getElementById(id + level), String(total));
      if (group) group.querySelector(".group").hidden = total === 0;
    }
    document.getElementById("board-empty").hidden = sum > 0;
  }

  function patch(data) {
    const change = JSON.parse(data);
    if (change.anew) { location.reload(); return; }
    // Asked before anything is changed, while the layout is still known.
    const kept = anchor();
    for (const id of change.gone || []) document.getElementById("i-" + id)?.remove();
    for (const it of change.rows || []) ring(it, change.quiet);
    const news = (change.rows || []).filter(wanted).map((it) => it.html);
    if (news.length) {
      const parsed = new DOMParser().parseFromString("<table><tbody>" + news.join("") + "</tbody></table>", "text/html");
      const rows = [...parsed.querySelectorAll("tr.row")];
      // No layout is asked for in between: fifty rows cost one.
      const known = new Set(rows.filter((row) => document.getElementById(row.id)).map((row) => row.id));
      const shown = rows.map((row) => put(document.adoptNode(row))).filter((row) => row);
      const read = kept && document.getElementById(kept.id);
      if (read) for (const row of shown) {
        const precedes = row.isConnected && read.compareDocumentPosition(row) & Node.DOCUMENT_POSITION_PRECEDING;
        if (precedes && !known.has(row.id)) above++;
      }
      setTimeout(() => { for (const row of shown) row.classList.remove("arrived", "changed"); }, FLASH);
    }
    if (change.counts) counts(change.counts);
    if (kept) {
      const row = document.getElementById(kept.id);
      const moved = row ? row.getBoundingClientRect().top - kept.top : 0;
      if (moved) scrollBy(0, moved);
    }
    if (above) { fresh.textContent = words.new.replace("{}", above); fresh.hidden = false; }
  }

  document.body.addEventListener("htmx:sseBeforeMessage", (event) => {
    if (event.detail.type !== "rows") return;
    event.preventDefault();
    patch(event.detail.data);
  });
  fresh.addEventListener("click", () => scrollTo({ top: 0, behavior: "smooth" }));
  addEventListener("scroll", () => { if (above && scrollY < 200) { above = 0; fresh.hidden = true; } }, { passive: true });
})();
