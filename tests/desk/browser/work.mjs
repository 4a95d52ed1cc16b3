// The work of a shift: an alert appears, is acknowledged, worked on, disposed of and closes by quorum; two people collide;
// keys work; hostile text does nothing; the agenda is exported.
import { base, check, clean, launch, post, reader, shot, until } from "./common.mjs";

const browser = await launch();
try {
  // --- An alert slides in; the selected row, the focus and the place on the page stay.
  const board = await reader(browser, "analyst");
  await board.goto(base + "/");
  await board.waitForSelector("#live[data-state=open]");
  await board.locator("#sound").click();
  check(await board.locator("#sound").getAttribute("aria-pressed") === "true", "sound is on after a click");
  for (let i = 0; i < 14; i++) await board.keyboard.press("j");
  const chosen = await board.evaluate(() => document.activeElement.closest(".row")?.dataset.id);
  check(chosen, "j moves the focus onto a row");
  const placed = () => board.evaluate((id) => document.getElementById("i-" + id).getBoundingClientRect().top, chosen);
  await board.evaluate((id) => document.getElementById("i-" + id).scrollIntoView({ block: "center" }), chosen);
  const top = await placed();
  const total = Number(await board.locator("#n-red").textContent());
  const id = (await post("/for-tests/alert/red/1")).trim();
  await board.waitForSelector(`#i-${id}`, { state: "attached" });
  check(Number(await board.locator("#n-red").textContent()) === total + 1, "the count rises by one");
  check(Math.abs(await placed() - top) < 2, `the selected row stays where it was: ${top} → ${await placed()}`);
  check(await board.evaluate(() => document.activeElement.closest(".row")?.dataset.id) === chosen, "the focus stays");
  check(await board.evaluate(() => document.body.dataset.rung) === "1", "a red incident rings once");

  // What changes does so in the row that is there: a cell that says the same is the same one, and so is the link under the focus.
  const version = await board.evaluate((id) => {
    const row = document.getElementById("i-" + id);
    window.held = [row, row.querySelector(".c-what"), row.querySelector("a.open")];
    return row.dataset.version;
  }, chosen);
  await post("/for-tests/act/" + chosen, "note");
  await board.waitForFunction(([id, version]) => document.getElementById("i-" + id).dataset.version !== version, [chosen, version]);
  check(await board.evaluate(() => window.held.every((it) => it.isConnected) && window.held[0].matches(".selected.changed")), "the row changes in place");
  check(await board.evaluate(() => document.activeElement === window.held[2]), "with the focus where it was");
  await board.waitForFunction(() => !document.querySelector(".row.changed, .row.arrived"));
  await board.keyboard.press("k");
  check(await board.evaluate(() => document.activeElement.closest(".row")?.dataset.id) !== chosen, "k goes back");
  await board.keyboard.press("/");
  check(await board.evaluate(() => document.activeElement.id) === "search", "/ goes to the filter");
  await board.keyboard.press("Escape");
  await board.keyboard.press("?");
  await board.waitForSelector("#help[open]");
  await shot(board, "help");
  await board.keyboard.press("Escape");
  clean(board);

  // --- The lead's officer acknowledges from the board, by key, and disposes on the incident's page.
  const lead = (await board.locator(`#i-${id} .holders .lead`).getAttribute("data-dept"));
  const officer = await reader(browser, "officer." + lead);
  await officer.goto(base + "/?level=red");
  await officer.waitForSelector("#live[data-state=open]");
  await officer.locator(`#i-${id} a.open`).focus();
  await officer.keyboard.press("a");
  await officer.waitForSelector(`#i-${id} .lead.h-acknowledged`);
  await until(() => board.locator(`#i-${id} .lead.h-acknowledged`).count(), "the other board sees it");
  await officer.locator(`#i-${id} a.open`).focus();
  await officer.keyboard.press("d");
  await officer.waitForURL(/incidents/);
  await officer.waitForSelector(".mine details.dispose[open]");
  check(await officer.evaluate(() => document.activeElement.closest("details.dispose") !== null), "the form has the focus");

  // --- Somebody else changes the incident meanwhile: nothing is recorded, what was written stays.
  await officer.locator(".mine .dispose input[value=confirmed]").check();
  await officer.locator(".mine .dispose textarea").fill("Crew on site, fire out.");
  await post(`/for-tests/act/${id}`, "note");
  await officer.waitForSelector("#stale:not([hidden])");
  check(await officer.locator(".mine .dispose textarea").inputValue() === "Crew on site, fire out.", "what is being written is not replaced");
  await officer.locator(".mine .dispose button.primary").click();
  await officer.waitForSelector(".banner.conflict");
  await shot(officer, "conflict-en");
  check(await officer.locator(".mine .dispose textarea").inputValue() === "Crew on site, fire out.", "a conflict keeps the text");
  check(await officer.locator(".mine.h-acknowledged").count() === 1, "a conflict changes nothing");
  check((await officer.locator(".banner.conflict").textContent()).includes("kato"), "it says who was first");
  await officer.locator(".mine .dispose input[value=confirmed]").check();
  await officer.locator(".mine .dispose button.primary").click();
  await officer.waitForSelector(".banner.done");
  await officer.waitForSelector(".obligation.h-disposed");
  check(await officer.locator("#incident.closed").count() === 0, "it stays open until every required department is done");
  clean(officer);

  // --- Quorum closes it; it leaves the board.
  await post(`/for-tests/act/${id}`, "dispose");
  await until(() => officer.locator("#incident.closed").count(), "the page shows that it is closed");
  await until(async () => (await board.locator(`#i-${id}`).count()) === 0, "it leaves the board");
  await officer.goto(base + "/search");
  check(await officer.locator(`tr[data-id="${id}"]`).count() === 1, "it is found among the closed ones");

  // --- An analyst corrects a level; the machine's value stays beside it. Notes, watching, a duplicate.
  const analyst = await reader(browser, "analyst");
  await analyst.goto(base + "/");
  const first = analyst.locator('.row[data-level="yellow"] a.open').first();
  await first.focus();
  await analyst.keyboard.press("e");
  await analyst.waitForSelector("#correct[open]");
  await analyst.locator("#correct select[name=level]").selectOption("orange");
  await analyst.locator("#correct textarea").fill("A school stands next to it.");
  await analyst.locator("#correct button").click();
  await analyst.waitForSelector(".overlay s");
  check((await analyst.locator(".overlay").first().textContent()).includes("school"), "the reason is shown");
  await analyst.locator("#note-text").fill("<b>Called the operator</b>");
  await analyst.locator(".notes button").click();
  await until(async () => (await analyst.locator(".note .body").allTextContents()).includes("<b>Called the operator</b>"), "the note is there, as text");
  await analyst.locator(".watch button").click();
  await until(async () => (await analyst.locator(".watch .watching").textContent()).includes("analyst-1"), "watching is shown");
  clean(analyst);
  await shot(analyst, "corrected-en");

  // --- Hostile text does nothing.
  const hostile = (await post("/for-tests/hostile")).trim();
  const victim = await reader(browser, "analyst");
  for (const path of ["/", "/incidents/" + hostile, "/agenda", "/since?hours=100"]) {
    await victim.goto(base + path);
    await victim.waitForTimeout(300);
    clean(victim);
    const alien = await victim.evaluate(() => document.querySelectorAll('#main img, #main script, [onerror], [onload], a[href^="javascript"]').length);
    check(alien === 0, `${path}: no element came from feed text`);
  }
  await victim.goto(base + "/incidents/" + hostile);
  check((await victim.locator(".evidence").textContent()).includes("<script>alert(1)</script>"), "it is shown as text");

  // --- A report from a telephone call; a place is offered while one types.
  await analyst.goto(base + "/report");
  await analyst.locator("[name=title]").fill("Smoke over the harbour");
  await analyst.locator("[name=hazard]").selectOption("fire");
  await analyst.locator("[name=place]").pressSequentially("雁塔");
  await until(() => analyst.locator("#places option[value='cn-610113']").count(), "the place is offered");
  await analyst.locator("form.entry button.primary").click();
  await analyst.waitForSelector(".banner.done");

  // --- A silence: the rows say so and stay; red takes a second word; ended, the marks go.
  const red = await reader(browser, "coordinator");
  await red.goto(base + "/silences?level=orange");
  await red.waitForSelector("#new-silence[open]");
  await red.locator("[name=hours]").fill("3");
  await red.locator("#new-silence [name=reason]").fill("<i>Drill of the sirens</i>");
  await red.locator("#new-silence button.primary").click();
  await red.waitForSelector(".silence.s-live");
  check((await red.locator(".silence.s-live").textContent()).includes("<i>Drill of the sirens</i>"), "the reason is shown as text");
  await red.goto(base + "/");
  const rows = await red.locator(".row:not([data-level=red])").count();
  check(rows > 0 && await red.locator(".row:not([data-level=red]) a.tag.mute").count() === rows, "every row up to orange says that it is muted");
  check(await red.locator(".row[data-level=red]").count() > 0 && await red.locator(".row[data-level=red] a.tag.mute").count() === 0, "no red one does");
  await shot(red, "board-muted-en");
  await red.locator('.row[data-level="orange"] a.open').first().click();
  await red.waitForSelector("#incident .overlay.mute");
  await red.locator(".overlay.mute a").first().click();
  await red.waitForURL(/silences#s-/);
  await red.locator(".silence.s-live details.inline summary").click();
  await red.locator(".silence.s-live [action$='/end'] input[name=reason]").fill("over");
  await red.locator(".silence.s-live [action$='/end'] button").click();
  await red.waitForSelector(".silence.s-over");
  await red.goto(base + "/");
  check(await red.locator("a.tag.mute[href^='/silences']").count() === 0, "no silence mutes any more");
  await red.goto(base + "/silences?hazard=fire");
  await red.locator("#new-silence [name=reason]").fill("announced blasting");
  await red.locator("#new-silence [name=covers_red]").check();
  await red.locator("#new-silence button.primary").click();
  await red.waitForSelector(".silence.s-live");
  check(await red.locator(".silence.s-live .confirm button").count() === 0, "who asked does not confirm");
  const other = await reader(browser, "analyst");
  await other.goto(base + "/silences");
  check(await other.locator(".silence.s-live [name=understood]").isChecked() === false, "the second word is not given in advance");
  await shot(other, "silences-en");
  await other.locator(".silence.s-live [name=understood]").check();
  await other.locator(".silence.s-live .confirm button").click();
  await other.waitForSelector(".silence.s-live");
  clean(other);
  await red.goto(base + "/silences");
  await until(async () => (await red.locator(".silence.s-live").textContent()).includes("RED IS SILENCED"), "red is silenced");
  clean(red);

  // --- The agenda can be printed and taken along.
  await analyst.goto(base + "/agenda");
  check(await analyst.locator(".agenda .item").count() > 0, "the agenda has items");
  const exports = await analyst.locator("a[download]").evaluateAll((links) => links.map((link) => link.getAttribute("href")));
  check(exports.length === 2 && exports[0].includes("agenda.md") && exports[1].includes("agenda.csv"), "both exports are linked: " + exports);
  await analyst.emulateMedia({ media: "print" });
  check(!(await analyst.locator(".bar").isVisible()), "the frame is not printed");
  console.log("the work of a shift is done");
} finally {
  await browser.close();
}
