// Charts: one that can be pointed at where scripts run, a picture where they do not, the numbers in a table beside both.
import { base, check, clean, faultless, launch, post, reader, shot, until } from "./common.mjs";

// Colours that stand in a canvas: an empty one has none.
const painted = (page) => page.evaluate(() => {
  const canvas = document.querySelector(".chart canvas");
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  const found = new Set();
  for (let at = 0; at < data.length; at += 4) if (data[at + 3] === 255) found.add(`${data[at]},${data[at + 1]},${data[at + 2]}`);
  return [...found];
});

const browser = await launch();
try {
  const id = (await post("/for-tests/growth")).trim();
  const address = `${base}/incidents/${id}`;
  for (const [locale, scheme, legend, accent] of [["en-GB", "light", "alarm from", "31,95,196"], ["zh-CN", "dark", "异常线", "125,176,255"]]) {
    const page = await reader(browser, "analyst", { locale, colorScheme: scheme });
    await page.goto(address);
    await page.waitForSelector(".chart .uplot canvas");
    check(await page.locator(".chart > svg").isHidden(), "the chart takes the picture's place");
    const colours = await painted(page);
    check(colours.includes(accent), `bars have the accent's colour in ${scheme}: ${colours.slice(0, 9)}`);
    check((await page.locator(".chart .u-legend").textContent()).includes(legend), "the lines are named: " + legend);
    const told = async () => (await page.locator(".chart .u-series .u-value").allTextContents()).map((it) => it.trim());
    const judged = await told();
    check(judged.slice(1).join(" ") === "– 23 6.2 14.5", "before anything is pointed at, the judged period is told: " + judged);
    await page.locator(".chart .u-over").hover({ position: { x: 15, y: 60 } });
    await until(async () => (await told()).slice(1).join(" ") === "3 – 6.2 14.5" && (await told())[0] !== judged[0], "what is pointed at is told: " + await told());
    await page.locator(".grown").scrollIntoViewIfNeeded();
    await shot(page, `growth-${scheme}`);
    await page.locator(".grown summary").click();
    check(await page.locator(".grown details tbody tr").count() === 28, "every period is in the table");
    await faultless(page, `incident with a chart (${locale}, ${scheme})`);
    clean(page);
    if (scheme === "light") {
      await page.emulateMedia({ colorScheme: "dark" });
      await until(async () => (await painted(page)).includes("125,176,255"), "it turns dark with the page");
      await page.evaluate(() => { document.querySelector(".chart").old = true; });
      await post("/for-tests/act/" + id, "note");
      await page.waitForFunction(() => { const chart = document.querySelector(".chart"); return !chart.old && chart.querySelector("canvas"); });
      check(await page.locator(".chart canvas").count() === 1, "what changes live has its one chart again");
      clean(page);
    }
    await page.context().close();
  }
  const phone = await reader(browser, "officer.fire", { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true, deviceScaleFactor: 2 });
  await phone.goto(address);
  await phone.waitForSelector(".chart canvas");
  const wide = await phone.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  check(wide <= 0, `the chart fits a phone, but the page is wider by ${wide}`);
  await phone.locator(".grown").scrollIntoViewIfNeeded();
  await shot(phone, "growth-phone");
  await phone.setViewportSize({ width: 700, height: 390 });
  await until(() => phone.evaluate(() => { const [figure, chart] = [".chart", ".chart .uplot"].map((it) => document.querySelector(it)); return Math.abs(figure.clientWidth - chart.clientWidth) < 2 && figure.clientWidth > 400; }), "it is as wide as the phone that was turned");
  clean(phone);

  const plain = await reader(browser, "analyst", { javaScriptEnabled: false });
  await plain.goto(address);
  check(await plain.locator(".chart > svg").isVisible() && await plain.locator(".chart canvas").count() === 0, "without scripts there is the picture");
  await plain.locator(".grown").scrollIntoViewIfNeeded();
  await shot(plain, "growth-plain");
} finally {
  await browser.close();
}
