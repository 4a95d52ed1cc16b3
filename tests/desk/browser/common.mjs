// What the scripts share: a browser, readers of different roles, and assertions that say what they saw.
import { chromium } from "playwright-core";

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
