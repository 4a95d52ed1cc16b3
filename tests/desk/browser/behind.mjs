// More incidents than a board shows: one that is new or has risen rings wherever its row belongs, once, and one that only changes does not.
import { base, check, clean, launch, post, reader, until } from "./common.mjs";

const browser = await launch();
try {
  const page = await reader(browser, "analyst");
  await page.goto(base + "/");
  await page.waitForSelector("#live[data-state=open]");
  await page.locator("#sound").click();
  const rung = () => page.evaluate(() => Number(document.body.dataset.rung || 0));
  const total = (level) => page.locator("#n-" + level).textContent().then(Number);
  check(await page.locator("#g-orange .more").count() === 1, "there are more orange ones than are shown");

  const before = await total("orange");
  const id = (await post("/for-tests/alert/orange/1")).trim();
  await until(async () => await total("orange") === before + 1, "it is counted");
  check(await page.locator("#i-" + id).count() === 0, "its row belongs behind more");
  check(await rung() === 1, "and it rings: " + await rung());
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
  clean(page);
} finally {
  await browser.close();
}
