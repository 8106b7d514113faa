// What the scenarios drive a browser with.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

const require = createRequire(import.meta.url);
export const world = JSON.parse(readFileSync(process.argv[3], "utf8"));
const PATIENCE_MS = 120_000; // a busy machine is slow; nothing here waits for a time, only for what comes
const AXE = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

export function must(is, what) {
  if (!is) throw new Error(what);
}

export function same(a, b, what) {
  must(JSON.stringify(a) === JSON.stringify(b), `${what}: ${JSON.stringify(a)} is not ${JSON.stringify(b)}`);
}

/** Something in the console that a page must not say. */
export const said = [];
const MAY_BE_SAID = /status of (401|404)|ERR_(CONNECTION|INCOMPLETE|EMPTY|INTERNET|NETWORK|FAILED|SOCKET)/;

const browser = await chromium.launch({
  executablePath: world.chromium,
  // WebGL by software for the scenario that draws with it
  args: ["--no-sandbox", ...(process.argv[2] === "tiles" ? ["--use-angle=swiftshader", "--enable-unsafe-swiftshader"] : ["--disable-gpu"]), "--autoplay-policy=no-user-gesture-required"],
});

/** @param failed its name: how each page looks then is kept */
export async function end(failed) {
  let i = 0;
  const pages = failed ? browser.contexts().flatMap((c) => c.pages()) : [];
  for (const page of pages) await page.screenshot({ path: `${world.out}/failed-${failed}-${i++}.png`, timeout: 20_000 }).catch(() => undefined);
  await browser.close();
}

/** A page of a browser of its own. @param login null: nobody logs in; prepare: called with its context */
export async function open(login, { width = 1280, height = 800, language = "zh", prepare, ...more } = {}) {
  const context = await browser.newContext({ viewport: { width, height }, reducedMotion: "reduce", ...more });
  await prepare?.(context);
  context.setDefaultTimeout(PATIENCE_MS);
  const page = await context.newPage();
  page.on("console", (m) => {
    if (m.type() === "error" && !MAY_BE_SAID.test(m.text())) said.push(`${login} at ${page.url()}: ${m.text()}`);
  });
  page.on("pageerror", (e) => said.push(`${login}: ${e.stack}`));
  await page.goto(world.base + "/");
  if (!login) {
    await page.waitForSelector("#login"); // as fill() waits: whoever is asked first, it is there late
    return page;
  }
  await page.fill("#login", login);
  await page.fill("#password", world.password);
  await page.keyboard.press("Enter");
  await page.waitForSelector(".top");
  if (language === "en") await page.click('.top-right button[lang="en"]');
  return page;
}

/** As the page itself would ask. */
export const api = (page, path) => page.evaluate(async (p) => {
  const answer = await fetch("/api/v1" + p);
  return { status: answer.status, json: await answer.json().catch(() => null) };
}, path);

export const shot = (page, name, fullPage = false) =>
  page.screenshot({ path: `${world.out}/${name}.png`, fullPage, timeout: PATIENCE_MS });

/** Axe finds nothing, and nothing is wider than the screen. */
export async function isAccessible(page, name) {
  await page.evaluate(AXE); // by the debugger: a script from elsewhere is what the CSP refuses
  const found = await page.evaluate(async () => (await globalThis.axe.run(document, {
    runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"],
  })).violations.map((v) => `${v.id}: ${v.help}: ${v.nodes.slice(0, 3).map((n) => n.html.slice(0, 160)).join(" | ")}`));
  same(found, [], `axe on ${name}`);
  const [wide, screen] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
  must(wide <= screen, `${name} is ${wide} px wide on a screen of ${screen}`);
}

/** The test's own side of the world. @return what it answers */
export async function control(what) {
  const answer = await fetch(`${world.control}/${what}`);
  must(answer.ok, `control ${what}`);
  return answer.json();
}
