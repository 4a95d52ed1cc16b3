// What every page does: ticking times, keys, menus, messages of failed requests, sound and notices.
// Nothing here writes markup: text goes in as text, rows are parsed as a document and never run.
"use strict";

(() => {
  const script = document.currentScript;
  const words = script.dataset;
  const chinese = words.lang === "zh-CN";
  document.documentElement.classList.add("js");
  const serverNow = Number(document.querySelector("meta[name=now]")?.content || Date.now());
  const skew = serverNow - Date.now();
  const MINUTE = 60000, HOUR = 60 * MINUTE, DAY = 24 * HOUR;

  // --- Times. The same words as the server's.
  const [day, hour, minute, second] = chinese ? ["天", "时", "分", "秒"] : [" d", " h", " min", " s"];
  function length(ms) {
    ms = Math.max(0, ms);
    if (ms < MINUTE) return Math.floor(ms / 1000) + second;
    if (ms < HOUR) return Math.floor(ms / MINUTE) + minute;
    if (ms < DAY) return Math.floor(ms / HOUR) + hour + " " + String(Math.floor(ms % HOUR / MINUTE)).padStart(2, "0");
    return Math.floor(ms / DAY) + day + " " + Math.floor(ms % DAY / HOUR) + hour;
  }
  const clock = new Intl.DateTimeFormat(words.lang, { hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false });
  const dated = new Intl.DateTimeFormat(words.lang, { month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", hour12: false });
  function set(element, text) {
    if (element.textContent !== text) element.textContent = text;
  }
  function tick(root) {
    const now = Date.now() + skew;
    for (const element of root.querySelectorAll("time[data-ago]")) set(element, length(now - Number(element.dataset.ago)));
    for (const element of root.querySelectorAll("[data-due]")) {
      const left = Number(element.dataset.due) - now;
      element.classList.toggle("late", left < 0);
      element.classList.toggle("soon", left >= 0 && left < 5 * MINUTE);
      const text = (left < 0 ? words.late : words.left).replace("{}", length(Math.abs(left)));
      set(element.querySelector("time") || element, text);
    }
    for (const element of root.querySelectorAll("time[data-at]:not([data-told])")) {
      const at = new Date(Number(element.dataset.at));
      const today = new Date(now).toDateString() === at.toDateString();
      element.textContent = (today ? clock : dated).format(at);
      element.dataset.told = "";
    }
  }
  function own(root) {
    const dept = document.body.dataset.dept;
    if (!dept) return;
    for (const element of root.querySelectorAll(".holders [data-dept]")) element.classList.toggle("own", element.dataset.dept === dept);
  }
  function arrived(root) { tick(root); own(root); }
  setInterval(() => { if (!document.hidden) tick(document); }, 1000);
  document.addEventListener("visibilitychange", () => { if (!document.hidden) tick(document); });
  document.addEventListener("htmx:load", (event) => arrived(event.target.parentNode || event.target));

  // --- Messages
  const announce = (text) => set(document.getElementById("announce"), text);
  function failed() {
    let banner = document.getElementById("failed");
    if (!banner) {
      banner = document.createElement("p");
      banner.id = "failed";
      banner.className = "banner refused";
      banner.setAttribute("role", "alert");
      document.getElementById("main").prepend(banner);
    }
    banner.textContent = words.failed;
  }
  document.addEventListener("htmx:sendError", failed);
  document.addEventListener("htmx:timeout", failed);
  document.addEventListener("htmx:afterRequest", (event) => { if (event.detail.successful) document.getElementById("failed")?.remove(); });
  // What is no fragment of a page is not put into one: the session has ended, or something went wrong.
  document.addEventListener("htmx:beforeSwap", (event) => {
    const answer = event.detail.xhr;
    const fragment = (answer.getResponseHeader("content-type") || "").startsWith("text/html") && !/^\s*<!doctype/i.test(answer.responseText);
    if (fragment) return;
    event.detail.shouldSwap = false;
    if (answer.status === 401) location.assign("/login?next=" + encodeURIComponent(location.pathname + location.search));
    else failed();
  });

  // --- The connection
  const live = document.getElementById("live");
  const liveWord = live?.querySelector(".word").textContent;
  function connection(state) {
    if (!live) return;
    live.dataset.state = state;
    live.querySelector(".word").textContent = state === "lost" ? words.lost : liveWord;
  }
  document.addEventListener("htmx:sseOpen", () => connection("open"));
  document.addEventListener("htmx:sseError", () => connection("lost"));

  // --- An incident that changes while somebody writes is not replaced under the hand.
  document.addEventListener("htmx:beforeRequest", (event) => {
    const stale = document.getElementById("stale");
    if (event.target !== stale) return;
    const shown = document.getElementById("incident");
    const version = event.detail.requestConfig?.triggeringEvent?.detail?.data;
    // One's own change comes back as news: what it was answered with stays to be read.
    if (version === shown.dataset.version && shown.querySelector(".banner")) { event.preventDefault(); return; }
    const entered = [...shown.querySelectorAll("textarea, input:not([type=hidden])")]
      .some((field) => (field.type === "radio" || field.type === "checkbox") ? field.checked !== field.defaultChecked : field.value !== field.defaultValue);
    if (entered || shown.querySelector("form:focus-within, .side details[open]")) {
      event.preventDefault();
      if (version !== shown.dataset.version) stale.hidden = false;
    }
  });
  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target.id !== "incident") return;
    const stale = document.getElementById("stale");
    if (stale) stale.hidden = true;
    const notice = document.querySelector("#incident [role=alert], #incident [role=status]");
    if (notice) { announce(notice.textContent); notice.scrollIntoView({ block: "nearest" }); }
  });

  // --- Keys
  const help = document.getElementById("help");
  const openHelp = () => help.showModal();
  document.getElementById("help-button")?.addEventListener("click", openHelp);
  // The row is asked, not what is in it: what is off the screen has no layout, and would get one.
  const rows = () => [...document.querySelectorAll(".row")].filter((row) => row.offsetParent && row.querySelector("a.open"));
  let last = null;
  document.addEventListener("focusin", (event) => {
    const row = event.target.closest?.(".row");
    if (row) { last = row.dataset.id; select(row); }
  });
  function select(row) {
    for (const other of document.querySelectorAll(".row.selected")) if (other !== row) other.classList.remove("selected");
    row.classList.add("selected");
  }
  function selected() { return document.querySelector(".row.selected") || document.activeElement?.closest?.(".row"); }
  function step(by) {
    const all = rows();
    if (!all.length) return;
    const at = all.findIndex((row) => row.dataset.id === last);
    const next = all[at < 0 ? (by > 0 ? 0 : all.length - 1) : Math.min(all.length - 1, Math.max(0, at + by))];
    next.querySelector("a.open").focus({ preventScroll: true });
    next.scrollIntoView({ block: "nearest" });
  }
  function unfold(details) {
    if (!details) return false;
    details.open = true;
    (details.querySelector("textarea, select, input:not([type=hidden])") || details).focus();
    details.scrollIntoView({ block: "nearest" });
    return true;
  }
  function visit(row, what) {
    if (row) location.assign("/incidents/" + row.dataset.id + (what ? "#" + what : ""));
  }
  const keys = {
    j: () => step(1),
    k: () => step(-1),
    a: () => {
      const button = document.querySelector("#incident [data-key=a]");
      if (button) button.click(); else if (!document.getElementById("incident")) acknowledge(selected());
    },
    e: () => unfold(document.getElementById("correct")) || visit(selected(), "correct"),
    d: () => unfold(document.querySelector("#incident .mine details[data-key=d], #incident #assess")) || visit(selected(), "dispose"),
    b: () => location.assign("/"),
    "?": openHelp,
    "/": () => { const search = document.getElementById("search"); if (search) { search.focus(); search.select(); } else location.assign("/search"); },
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || help.open) return;
    const field = event.target.closest?.("input, textarea, select");
    if (event.key === "Escape") {
      if (field) field.blur();
      const details = event.target.closest?.("details[open]");
      if (details) { details.open = false; details.querySelector("summary")?.focus(); }
      return;
    }
    if (field || !keys[event.key]) return;
    event.preventDefault();
    keys[event.key]();
  });
  function acknowledge(row) {
    if (!row || !document.body.dataset.dept) return visit(row, "");
    htmx.ajax("POST", "/board/acknowledge", {
      target: row, swap: "outerHTML", source: row,
      values: { csrf: document.querySelector("meta[name=csrf]").content, version: row.dataset.version, incident: row.dataset.id },
    });
  }
  // The whole row is the link's; text can still be marked.
  document.addEventListener("click", (event) => {
    const row = event.target.closest?.(".row");
    if (!row || event.target.closest("a, button, summary, label, input") || String(getSelection())) return;
    const link = row.querySelector("a.open");
    if (link) { link.focus(); link.click(); }
  });
  document.addEventListener("click", (event) => {
    const who = document.querySelector(".who[open]");
    if (who && !who.contains(event.target)) who.open = false;
  });
  document.getElementById("print")?.addEventListener("click", () => print());
  // Coming from the board with a wish: /incidents/…#dispose
  const wish = location.hash.slice(1);
  if (wish === "correct") unfold(document.getElementById("correct"));
  if (wish === "dispose") unfold(document.querySelector("#incident .mine details[data-key=d], #incident #assess"));

  // --- Since I left: the last time that a page of this console was looked at, before a pause of ten minutes.
  const store = { get: (key) => { try { return localStorage.getItem(key); } catch { return null; } }, set: (key, value) => { try { localStorage.setItem(key, value); } catch { /* private mode */ } } };
  const seen = Number(store.get("tocsin-seen") || 0);
  if (seen && Date.now() - seen > 10 * MINUTE) store.set("tocsin-left", String(seen));
  const stamp = () => { if (!document.hidden) store.set("tocsin-seen", String(Date.now())); };
  stamp();
  setInterval(stamp, MINUTE / 2);
  const sinceLeft = document.getElementById("since-left");
  const left = Number(store.get("tocsin-left") || 0);
  if (sinceLeft && left) { sinceLeft.href = "/since?from=" + Math.round(left + skew); sinceLeft.hidden = false; }

  // --- Filters apply at once.
  const filters = document.getElementById("filters");
  filters?.addEventListener("change", (event) => {
    if (event.target.type === "checkbox") for (const box of filters.querySelectorAll("[name=level]")) if (box !== event.target) box.checked = false;
    if (event.target.type !== "search") filters.requestSubmit();
  });
  filters?.addEventListener("submit", () => {
    for (const field of filters.querySelectorAll("input, select")) if (!field.value || (field.name === "status" && field.value === "actual")) field.disabled = true;
  });
  addEventListener("pageshow", () => { for (const field of filters?.querySelectorAll(":disabled") || []) field.disabled = false; });

  // --- Sound and notices, once somebody has asked for them by a click.
  const sound = document.getElementById("sound");
  let audio = null;
  function armed(on) {
    sound?.setAttribute("aria-pressed", String(on));
    store.set("tocsin-sound", on ? "on" : "off");
  }
  sound?.addEventListener("click", async () => {
    const on = sound.getAttribute("aria-pressed") !== "true";
    armed(on);
    announce(on ? words.soundOn : words.soundOff);
    if (!on) return;
    audio = audio || new AudioContext();
    await audio.resume();
    ring(1);
    if ("Notification" in window && Notification.permission === "default") await Notification.requestPermission();
  });
  if (store.get("tocsin-sound") === "on") {
    armed(true);
    // Browsers let a page sound only after a gesture on it: the next one will do.
    addEventListener("pointerdown", () => { audio = audio || new AudioContext(); }, { once: true });
    addEventListener("keydown", () => { audio = audio || new AudioContext(); }, { once: true });
  }
  function ring(times) {
    if (!audio || audio.state !== "running") return;
    for (let i = 0; i < times; i++) {
      const [tone, volume] = [audio.createOscillator(), audio.createGain()];
      const at = audio.currentTime + i * 0.35;
      tone.frequency.value = 880;
      volume.gain.setValueAtTime(0.0001, at);
      volume.gain.exponentialRampToValueAtTime(0.25, at + 0.02);
      volume.gain.exponentialRampToValueAtTime(0.0001, at + 0.3);
      tone.connect(volume).connect(audio.destination);
      tone.start(at);
      tone.stop(at + 0.32);
    }
  }
  function alarm(title, body, id, level) {
    if (sound?.getAttribute("aria-pressed") !== "true") return;
    document.body.dataset.rung = String(Number(document.body.dataset.rung || 0) + 1);
    ring(level === "red" ? 3 : 1);
    if ("Notification" in window && Notification.permission === "granted") {
      const notice = new Notification(title, { body, tag: id });
      notice.onclick = () => { focus(); location.assign("/incidents/" + id); };
    }
  }

  // A menu that is wider than the window shows where one is.
  const here = document.querySelector(".bar nav [aria-current]");
  if (here) {
    const menu = here.parentElement;
    if (menu.scrollWidth > menu.clientWidth) menu.scrollLeft = here.offsetLeft - menu.offsetLeft - (menu.clientWidth - here.offsetWidth) / 2;
  }

  window.tocsin = { announce, alarm, arrived, own, select, last: () => last };
  arrived(document);
})();
