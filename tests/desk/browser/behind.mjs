// More incidents than a board shows: one that is new or has risen rings wherever its row belongs, once, and one that only changes does not.
import { base, check, clean, launch, post, reader, until } from "./common.mjs";

const browser = await launch();
try {
  const page = await reader(browser, "analyst");
  // A headless browser shows no notices: what it would show is noted.
  await page.addInitScript(() => {
    globalThis.notices = [];
    globalThis.Notification = class {
      static permission = "default";
      static async requestPermission() { return (this.permission = "granted"); }
      constructor(title, { body, tag }) { globalThis.notices.push({ title, body, tag }); }
    };
  });
  await page.goto(base + "/");
  await page.waitForSelector("#live[data-state=open]");
  await page.locator("#sound").click();
  const notices = () => page.evaluate(() => globalThis.notices);
  const rung = () => page.evaluate(() => Number(document.body.dataset.rung || 0));
  const total = (level) => page.locator("#n-" + level).textContent().then(Number);
  check(await page.locator("#g-orange .more").count() === 1, "there are more orange ones than are shown");

  const before = await total("orange");
  const id = (await post("/for-tests/alert/orange/1")).trim();
  await until(async () => await total("orange") === before + 1, "it is counted");
  check(await page.locator("#i-" + id).count() === 0, "its row belongs behind more");
  check(await rung() === 1, "and it rings: " + await rung());
  const [notice, ...others] = await notices();
  check(notice && notice.tag === id && notice.title !== "" && others.length === 0, "and a notice is shown, which leads to it");
  await page.waitForFunction(() => document.getElementById("announce").textContent !== "");

  // Somebody works on it, and on one that was there before: nothing rings.
  await post("/for-tests/act/" + id, "note");
  const shown = await page.locator("#g-orange .row").first().getAttribute("data-id");
  await post("/for-tests/act/" + shown, "note");
  const yellow = await total("yellow");
  await post("/for-tests/alert/yellow/2");
  await until(async () => await total("yellow") === yellow + 1, "what came after them is there");
  check(await rung() === 1, "a change is no alarm: " + await rung());

  // It rises: that is one. It falls: that is none.
  await post("/for-tests/level/red/" + id);
  await until(async () => await rung() === 2, "a rise rings");
  await post("/for-tests/level/orange/" + id);
  await post("/for-tests/alert/yellow/3");
  await until(async () => await total("yellow") === yellow + 2, "what came after them is there");
  check(await rung() === 2, "a fall is no alarm: " + await rung());
  check((await notices()).length === 2, "as many notices as alarms");
  clean(page);
} finally {
  await browser.close();
}
