// A coordinator checks a scenario, starts a drill, watches it, stops it, and reads the report of another one beside it. Nobody else sees any of it.
import { base, check, clean, faultless, launch, reader, shot, until, post } from "./common.mjs";

const browser = await launch();
try {
  const officer = await reader(browser, "officer.fire");
  check((await officer.goto(base + "/drills")).status() === 403, "an officer sees no drills");
  await officer.goto(base + "/");
  check(await officer.locator('nav a[href="/drills"]').count() === 0, "and no entry of the menu");
  check((await officer.goto(base + "/drills/any")).status() === 403, "nor a run");
  check((await officer.goto(base + "/scenarios?id=x")).status() === 403, "nor a scenario");

  const fits = async (page, name) => {
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    check(wide <= 0, `${name} is not wider than the window, but by ${wide}`);
    await faultless(page, name);
    clean(page);
  };
  const start = async (page, id) => {
    await page.goto(base + "/drills");
    await page.locator("input[name=scenario][value=gas-leak-school]").check();
    await page.locator("input[name=exercise]").fill(id);
    await page.locator("button.primary").click();
  };

  // --- A rehearsal says what would come of it, and sends nothing.
  const page = await reader(browser, "coordinator", { colorScheme: "light" });
  await page.goto(base + "/");
  await page.locator('nav a[href="/drills"]').click();
  check(await page.locator("input[name=scenario]").count() === 6, "six scenarios");
  await fits(page, "drills (en, light)");
  await page.locator("input[name=scenario][value=gas-leak-school]").check();
  await page.locator("button[formaction]").click();
  await page.waitForSelector("#checked[data-ok=true]", { timeout: 60000 });
  await page.locator("#checked summary").last().click();
  check(await page.locator("#checked .drill-report svg").isVisible(), "the rehearsal has its chart");
  check(await page.locator("tr[data-standing]").count() === 0, "and is no run");
  await fits(page, "rehearsal (en, light)");
  await shot(page, "drill-rehearsal-en");

  // --- A scenario of one's own: written from another one, refused while it is wrong, then kept and offered.
  await page.goto(base + "/drills");
  await page.locator("form.newscenario input[name=id]").fill("our-school");
  await page.locator("form.newscenario select[name=from]").selectOption("gas-leak-school");
  await page.locator("form.newscenario button").click();
  await page.waitForURL(/\/scenarios\?/);
  const area = page.locator("textarea[name=text]");
  const written = await area.inputValue();
  check(/^id: our-school$/m.test(written), "it has its id: " + written.slice(0, 200));
  check(await page.locator("#findings").count() === 0, "and nothing is wrong with it");
  await fits(page, "a new scenario (en, light)");
  await area.fill(written.replaceAll("hotline-zh", "nowhere"));
  await page.locator("form.draft button.primary").click();
  await page.waitForSelector(".banner.refused");
  check((await page.locator("#findings").textContent()).includes("T0308"), "what is wrong is said");
  check((await area.inputValue()).includes("nowhere"), "what was written stays");
  await fits(page, "a wrong scenario (en, light)");
  await shot(page, "drill-scenario-wrong-en");
  await area.fill(written);
  await page.locator("form.draft button[formaction$=check]").click();
  await page.waitForSelector("#checked[data-ok=true]", { timeout: 60000 });
  check(await area.inputValue() === written, "its rehearsal changes nothing");
  const [file] = await Promise.all([page.waitForEvent("download"), page.locator("form.draft button[formaction$=download]").click()]);
  check(file.suggestedFilename() === "our-school.yml", "it can be taken along as " + file.suggestedFilename());
  await page.locator("form.draft button.primary").click();
  await page.waitForSelector(".banner.done");
  check(await page.locator("input[name=scenario]").count() === 7, "it is offered");
  check(await page.locator("input[name=scenario][value=our-school]").isChecked(), "and chosen");
  await fits(page, "a kept scenario (en, light)");
  await page.locator("form.newscenario input[name=id]").fill("our-school");
  await page.locator("form.newscenario button").click();
  await page.locator("form.draft button.primary").click();
  await page.waitForSelector(".banner.refused");
  check((await page.locator(".banner.refused").textContent()).includes("our-school"), "an id is taken once");

  // --- A drill runs, is watched, and is stopped: nothing of it stays.
  await post("/for-tests/drills/true");
  await start(page, "stopped-1");
  await page.waitForURL(base + "/drills/stopped-1");
  await page.waitForSelector("#progress progress");
  await until(async () => (await page.locator("#progress").textContent()).includes("alerts 2"), "the progress comes by itself");
  await fits(page, "progress (en, light)");
  await shot(page, "drill-progress-en");
  const second = await reader(browser, "coordinator");
  await second.goto(base + "/drills");
  check(await second.locator("button.primary").isDisabled(), "one at a time");
  check((await second.locator("#progress").textContent()).includes("stopped-1"), "and it says which");
  await second.locator("input[name=exercise]").fill("second");
  await second.locator("form.drill").evaluate((form) => form.submit());
  await second.waitForSelector(".banner.refused");
  check((await second.locator(".banner.refused").textContent()).includes("stopped-1"), "whoever tries is told");
  check(await second.locator("input[name=exercise]").inputValue() === "second", "what was entered stays");
  clean(second);
  await page.locator("button.danger").first().click();
  await until(async () => { await page.goto(base + "/drills"); return page.locator("tr[data-standing=stopped]").count(); }, "it is stopped");

  // Whoever was refused, and sees the drill end on that page, has not asked again.
  await until(async () => (await second.locator("#progress").textContent()).includes("ended"), "the other page is told that it is over");
  check(await second.locator("input[name=exercise]").inputValue() === "second", "and keeps what was entered");
  await page.goto(base + "/drills");
  check(await page.locator("tr[data-standing]").count() === 1, "nothing was sent again");

  // --- Another one comes to its end by itself: the page that watches it shows its report.
  await start(page, "whole-1");
  await page.waitForSelector("#progress progress");
  await post("/for-tests/drills/false");
  await page.waitForSelector("#report .drill-report svg", { timeout: 60000 });
  await start(page, "whole-2");
  await until(async () => { await page.goto(base + "/drills/whole-2"); return page.locator("#report").count(); }, "the second one ends");
  const text = await page.locator("#report").textContent();
  for (const said of ["acknowledged by", "disposed of by", "30s", "10m30s", "Compared with whole-1"]) check(text.includes(said), `the report says ${said}: ${text}`);
  check((await page.locator(".banner.exercise").textContent()).includes("EXERCISE"), "the page says what it is");
  check(await page.locator("#report svg circle").count() > 0, "the chart shows deeds");
  await fits(page, "report (en, light)");
  await shot(page, "drill-report-en");

  // --- In Chinese, dark; and on a telephone.
  const zh = await reader(browser, "coordinator", { locale: "zh-CN", colorScheme: "dark" });
  for (const [path, name] of [["/drills", "drills-zh"], ["/drills/whole-2", "drill-report-zh"], ["/audit", "audit-drills-zh"]]) {
    await zh.goto(base + path);
    await fits(zh, `${path} (zh, dark)`);
    await shot(zh, name);
  }
  check((await zh.locator("main").textContent()).includes("演练开始: whole-2"), "the audit page tells of it");
  const phone = await reader(browser, "coordinator", { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true, deviceScaleFactor: 2 });
  for (const path of ["/drills", "/drills/whole-2", "/scenarios?id=other"]) {
    await phone.goto(base + path);
    await fits(phone, `${path} on a phone`);
    await shot(phone, `phone${path.replace(/\W/g, "-")}`);
  }
  check((await page.goto(base + "/drills/none")).status() === 404, "there is no such run");
} finally {
  await browser.close();
}
