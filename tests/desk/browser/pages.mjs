// Every page opens in both languages, dark and light, on a desk and on a phone, without a serious accessibility fault.
import { base, check, clean, faultless, launch, reader, shot } from "./common.mjs";

const paths = ["/", "/agenda", "/departments", "/departments/fire", "/since", "/since?hours=24", "/search", "/search?q=x", "/rules", "/feeds", "/audit", "/silences?hazard=fire", "/report", "/?status=exercise"];

const browser = await launch();
try {
  let audited = 0;
  for (const [locale, lang, scheme] of [["en-GB", "en", "light"], ["zh-CN", "zh-CN", "dark"]]) {
    const page = await reader(browser, "analyst", { locale, colorScheme: scheme });
    await page.goto(base + "/");
    const incident = await page.locator(".row a.open").first().getAttribute("href");
    for (const path of [...paths, incident]) {
      const answer = await page.goto(base + path);
      check(answer.status() === 200, `${path} answers 200, not ${answer.status()}`);
      check(await page.locator("html").getAttribute("lang") === lang, `${path} is in ${lang}`);
      check(await page.locator("h1").count() >= 1, `${path} has a title`);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      check(wide <= 0, `${path} is not wider than the window, but by ${wide}`);
      await faultless(page, `${path} (${lang}, ${scheme})`);
      audited++;
      clean(page);
      const name = path === "/" ? "board" : path === incident ? "incident" : path.replace(/[/?=]+/g, "-").replace(/^-/, "");
      await shot(page, `${name}-${lang === "en" ? "en" : "zh"}`);
    }
    // The menu leads to pages that are there.
    for (const href of await page.locator("nav a").evaluateAll((links) => links.map((link) => link.getAttribute("href")))) {
      check((await page.goto(base + href)).status() === 200, `menu entry ${href}`);
    }
    await page.context().close();
  }
  for (const as of ["officer.fire", "coordinator", "read_only", "operator"]) {
    const page = await reader(browser, as, { colorScheme: "dark" });
    for (const path of ["/", "/agenda", "/departments/fire"]) check((await page.goto(base + path)).status() === 200, `${path} as ${as}`);
    await page.goto(base + "/");
    await page.locator(".row a.open").first().click();
    await page.waitForSelector("#incident");
    await faultless(page, `incident as ${as}`);
    clean(page);
    await shot(page, `incident-${as.replace(".", "-")}`);
    await page.context().close();
  }
  const phone = await reader(browser, "officer.fire", { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true, deviceScaleFactor: 2 });
  for (const path of ["/", "/agenda", "/departments/fire", "/report", "/rules"]) {
    await phone.goto(base + path);
    const wide = await phone.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    check(wide <= 0, `${path} fits a phone, but is wider by ${wide}`);
    if (path === "/") { await faultless(phone, "board on a phone"); await shot(phone, "board-phone"); }
  }
  await phone.goto(base + "/");
  await phone.locator(".row a.open").first().click();
  await phone.waitForSelector("#incident");
  await shot(phone, "incident-phone");
  // The switches keep what they were set to.
  const page = await reader(browser);
  await page.goto(base + "/agenda");
  await page.locator("button[name=lang]").click();
  await page.waitForSelector("html[lang=zh-CN]");
  check(page.url() === base + "/agenda", "the switch comes back to its page: " + page.url());
  await page.locator("button[name=theme]").click();
  await page.waitForSelector("html[data-theme=dark]");
  console.log(`${audited} pages without serious accessibility faults`);
} finally {
  await browser.close();
}
