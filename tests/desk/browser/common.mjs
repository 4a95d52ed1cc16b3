// What the scripts share: a browser, readers of different roles, and assertions that say what they saw.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

export const base = process.argv[2];
export const shots = process.env.TOCSIN_SCREENSHOTS;

export async function launch() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM || "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage"],
  });
}

// A reader: `as` is role or role.department. Errors of the page and breaches of the content policy are collected.
export async function reader(browser, as = "analyst", options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 720 }, locale: "en-GB", timezoneId: "Asia/Shanghai", ...options });
  const { hostname } = new URL(base);
  await context.addCookies([{ name: "as", value: as, domain: hostname, path: "/" }]);
  const page = await context.newPage();
  page.faults = [];
  page.on("pageerror", (error) => page.faults.push("error: " + error.message));
  // Two lines are no faults: a refusal that the test asked for, and a live stream that ends because its page is left.
  const expected = /status of (4|5)\d\d|^Response Status Error Code (4|5)\d\d|^\[object Event\]$/;
  page.on("console", (message) => { if (message.type() === "error" && !expected.test(message.text())) page.faults.push("console: " + message.text()); });
  page.on("dialog", (dialog) => { page.faults.push("dialog: " + dialog.message()); dialog.dismiss(); });
  page.on("request", (request) => { if (!request.url().startsWith(base) && !request.url().startsWith("data:")) page.faults.push("foreign request: " + request.url()); });
  return page;
}

export function check(holds, what) {
  if (!holds) throw new Error("not so: " + what);
}

export async function until(test, what, ms = 10000) {
  const end = Date.now() + ms;
  let last;
  while (Date.now() < end) {
    try { last = await test(); if (last) return last; } catch (error) { last = error; }
    await new Promise((wake) => setTimeout(wake, 50));
  }
  throw new Error("did not happen: " + what + " (last: " + last + ")");
}

export async function post(path, body = "") {
  const answer = await fetch(base + path, { method: "POST", body });
  check(answer.ok, path + " answered " + answer.status);
  return answer.text();
}

export function clean(page) {
  check(page.faults.length === 0, page.url() + " is without faults: " + JSON.stringify(page.faults));
}

export async function shot(page, name) {
  if (shots) await page.screenshot({ path: `${shots}/${name}.png`, caret: "initial" }); // otherwise a style is put into the page
}

export async function faultless(page, name) {
  // In a world of its own: the page's policy forbids foreign scripts, as it should.
  const session = await page.context().newCDPSession(page);
  const { executionContextId } = await session.send("Page.createIsolatedWorld", { frameId: (await session.send("Page.getFrameTree")).frameTree.frame.id, worldName: "axe" })
    .then((world) => ({ executionContextId: world.executionContextId }));
  await session.send("Runtime.evaluate", { expression: axe, contextId: executionContextId });
  const { result } = await session.send("Runtime.evaluate", {
    expression: "axe.run(document, { resultTypes: ['violations'] }).then((found) => JSON.stringify(found.violations.filter((it) => it.impact === 'serious' || it.impact === 'critical').map((it) => ({ id: it.id, nodes: it.nodes.slice(0, 3).map((node) => node.html.slice(0, 200) + ' ' + (node.any[0]?.message || '')) }))))",
    contextId: executionContextId, awaitPromise: true, returnByValue: true,
  });
  check(result.value === "[]", `${name} has serious accessibility faults: ${result.value}`);
  await session.detach();
}
