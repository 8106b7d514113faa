// What people do with the pages, each from its login to its end.
import { api, control, isAccessible, must, open, same, shot, world } from "./browser.mjs";

const ids = (page) => page.$$eval(".alerts [data-id]", (rows) => rows.map((r) => r.dataset.id));
const row = (id) => `.alerts [data-id="${id}"]`;

/** Notes when each alert came to be seen, by the page's own clock. */
const watchRows = (page) => page.evaluate(() => {
  globalThis.seenAt = {};
  const look = () => {
    for (const r of document.querySelectorAll(".alerts [data-id]")) globalThis.seenAt[r.dataset.id] ??= Date.now();
  };
  look();
  new MutationObserver(look).observe(document.body, { childList: true, subtree: true });
});

async function alertToWall() {
  const wall = await open("chief", { width: 1920, height: 1080 });
  await wall.waitForSelector(".live-live");
  await wall.waitForSelector(".alerts [data-id]");
  await watchRows(wall);
  const before = await ids(wall);
  await wall.waitForFunction((known) => [...document.querySelectorAll(".alerts [data-id]")].some((r) => !known.includes(r.dataset.id)), before);
  const { json } = await api(wall, "/alerts?limit=200");
  const seenAt = await wall.evaluate(() => globalThis.seenAt);
  const delays = json.violations.filter((v) => !before.includes(v.id) && seenAt[v.id]).map((v) => seenAt[v.id] - Date.parse(v.stored_at));
  must(delays.length > 0, "no new alert was seen");
  console.log(`figure: from stored to seen on the wall ${Math.max(...delays)} ms (${delays.length})`);
  must(Math.max(...delays) < 10_000, `an alert took ${delays} ms`);
  return wall;
}

/** By key from the wall to the evidence: pictures, clip by single frames, plot, signature, the printed sheet. */
async function evidence() {
  const wall = await open("chief", { width: 1920, height: 1080 });
  await wall.waitForSelector(".alerts [data-id]");
  await wall.keyboard.press("Home");
  await wall.waitForSelector(".alert.selected [data-id]:focus");
  const first = await wall.$eval(".alert.selected [data-id]", (r) => r.dataset.id);
  await shot(wall, "wall-1920");
  await wall.keyboard.press("Enter");
  await wall.waitForSelector(".signature.good");
  await wall.waitForFunction(() => document.querySelector(".picture img")?.naturalWidth > 100);
  await wall.waitForFunction(() => document.querySelectorAll(".plot .sample").length >= 3);
  await wall.waitForFunction(() => document.querySelector("video")?.readyState >= 1);
  const time = () => wall.$eval("video", (v) => v.currentTime);
  await wall.focus(".clip-frame");
  await wall.keyboard.press("ArrowRight");
  await wall.waitForFunction(() => document.querySelector("video").currentTime > 0 && !document.querySelector("video").seeking);
  const t1 = await time();
  await wall.keyboard.press("ArrowRight");
  await wall.waitForFunction((t) => document.querySelector("video").currentTime > t, t1);
  const step = (await time()) - t1;
  must(Math.abs(step - 0.04) < 0.005, `one frame is ${step} s`);
  await wall.keyboard.press(" ");
  await wall.waitForFunction((t) => document.querySelector("video").currentTime > t + 0.3, t1);
  await shot(wall, "evidence-1920", true);
  await wall.emulateMedia({ media: "print" });
  must(await wall.isVisible(".sheet-foot") && !(await wall.isVisible(".top")), "the sheet is not what is printed");
  await wall.pdf({ path: `${world.out}/sheet.pdf`, preferCSSPageSize: true });
  await wall.emulateMedia({ media: "screen" });
}

/** An alert comes, is decided, dispatched; the unit answers; an analyst finds it. */
async function shift() {
  const wall = await alertToWall();

  const first = await wall.$eval(".alerts [data-id]", (r) => r.dataset.id);
  await wall.click(row(first));
  await wall.keyboard.press("c");
  await wall.waitForSelector(`${row(first)} .review-confirmed`);

  // dispatch by key: the unit's page has it, answers, and the wall shows the answer
  const unit = await open("unit1", { width: 390, height: 844 });
  await unit.waitForSelector(".live-live");
  await wall.keyboard.press("d");
  await wall.waitForSelector(".unit");
  await wall.click('.unit:has-text("unit1")');
  await wall.fill("#note", "看一下");
  await wall.click("dialog .button.primary");
  await wall.waitForSelector(`${row(first)} .dispatch-sent`);
  const card = unit.locator(".card.assigned");
  await card.waitFor();
  must((await card.textContent()).includes("看一下"), "the note is not on the card");
  await unit.waitForFunction(() => document.querySelector(".card .still")?.naturalWidth > 10);
  await shot(unit, "field-390", true);
  for (const state of ["accepted", "on_site"]) {
    await card.locator(".card-actions .primary").click();
    await wall.waitForSelector(`${row(first)} .dispatch-${state}`);
  }
  await unit.click(".card-actions .good");
  await unit.fill("#answer-note", "已处置");
  await unit.click("dialog .button.primary");
  await wall.waitForSelector(`${row(first)} .dispatch-done`);
  await unit.waitForSelector(".over");

  // another one is rejected with a reason, chosen by a digit
  await wall.waitForFunction((id) => [...document.querySelectorAll(".alert.open [data-id]")].some((r) => r.dataset.id !== id), first);
  const second = await wall.$$eval(".alert.open [data-id]", (rows, id) => rows.map((r) => r.dataset.id).find((i) => i !== id), first);
  await wall.click(row(second));
  await wall.keyboard.press("r");
  await wall.waitForSelector("#reason");
  await wall.keyboard.press("1");
  await wall.keyboard.press("Enter");
  await wall.click("dialog .button.danger").catch(() => undefined); // Enter on the preset has sent nothing
  await wall.waitForSelector(`${row(second)} .review-rejected`);

  // the analyst finds the first, without its pictures, and exports it
  const analyst = await open("analyst", { width: 1280, height: 900 });
  await analyst.waitForSelector(`a[href="/violations/${second}"]`);
  await analyst.selectOption('select[name="review"]', "confirmed");
  await analyst.click('.filter-form button[type="submit"]');
  await analyst.waitForSelector(`a[href="/violations/${second}"]`, { state: "detached" }); // what was there stays until the answer
  await analyst.waitForSelector(`a[href="/violations/${first}"]`);
  must(!(await analyst.$(`a[href="/violations/${second}"]`)), "the filter let a rejected one through");
  const csv = await analyst.evaluate(async () => (await fetch(document.querySelector(".page-head a.button").href)).text());
  must(csv.includes(first) && !csv.includes(second), "the export is not what was asked for");
  await analyst.fill(".saved input", "已确认");
  await analyst.click(".saved form button");
  await analyst.waitForSelector('.saved li a:has-text("已确认")');
  await analyst.goto(`${world.base}/violations/${first}`);
  await analyst.waitForSelector(".signature.unchecked");
  must(!(await analyst.$(".picture, video, .files")), "an analyst sees pictures");

  // who has no right to the district sees nothing, and by its address neither
  const other = await open("nanshan");
  await other.waitForSelector(".wall-alerts .empty");
  same((await api(other, "/alerts")).json.violations, [], "of another district");
  await other.goto(`${world.base}/violations/${first}`);
  await other.waitForSelector(".empty a.button");
  same((await api(other, `/violations/${first}`)).status, 404, "of another district, over the API");
}

/** The connection is cut; alerts go on; nothing is missed or doubled when it is back. */
async function cut() {
  const wall = await open("chief");
  const unit = await open("unit1", { width: 390, height: 844 });
  for (const p of [wall, unit]) await p.waitForSelector(".live-live");
  await unit.evaluate(async (road) => {
    const { csrf } = await (await fetch("/api/v1/me")).json();
    await fetch("/api/v1/field/beat", {
      method: "PUT", headers: { "Content-Type": "application/json", "X-CSRF-Token": csrf },
      body: JSON.stringify({ roads: [road], cameras: [], radius_m: 1500 }),
    });
  }, world.road);
  await unit.waitForSelector(".card.nearby");
  const before = (await ids(wall)).length;
  await control("cut");
  for (const p of [wall, unit]) await p.waitForSelector(".live-waiting");
  // an answer given meanwhile waits
  const asked = unit.locator(".card.nearby").last();
  const id = (await asked.locator('a[href^="/violations/"]').getAttribute("href")).split("/")[2];
  await asked.locator(".card-actions .primary").click();
  await unit.waitForSelector(".field-pending");
  await shot(unit, "field-offline");
  await control("wait"); // half a minute, and until three more have been stored
  await control("join");
  for (const p of [wall, unit]) await p.waitForSelector(".live-live");
  await unit.waitForFunction(() => !document.querySelector(".field-pending"));
  await wall.waitForSelector(`${row(id)} .dispatch-accepted`);

  // both now have what the gateway has, each once; more may come between the two looks
  const hasAll = async (shown, told) => {
    for (const until = Date.now() + 60_000; ;) {
      const a = await told(), s = await shown(), b = await told();
      same(new Set(s).size, s.length, "doubled");
      if (JSON.stringify(a) === JSON.stringify(b) && JSON.stringify([...s].sort()) === JSON.stringify([...a].sort())) return s.length;
      must(Date.now() < until, `shown ${s}, told ${b}`);
      await new Promise((r) => setTimeout(r, 200));
    }
  };
  const n = await hasAll(() => ids(wall), async () => (await api(wall, "/alerts?limit=200")).json.violations.map((v) => v.id));
  must(n >= before + 3, `${n} alerts after ${before}`);
  await unit.evaluate(() => document.querySelector(".over")?.setAttribute("open", "")); // those of an earlier shift
  await hasAll(() => unit.$$eval('.card a.button[href^="/violations/"]', (l) => l.map((a) => a.getAttribute("href").split("/")[2])),
    async () => [...new Set((await api(unit, "/field/inbox?limit=200")).json.items.map((i) => i.violation.id))]);
}

/** Each page at both ends of the sizes, in both languages: axe, no side scrolling, and how it looks. */
async function looks() {
  const nobody = await open(null);
  await isAccessible(nobody, "login");
  await shot(nobody, "login");
  const wait = { wall: ".alerts [data-id]", trends: ".bars", history: ".results .row", cameras: ".page .panel", access: "table tbody tr", field: ".sharing" };
  for (const [width, height, language] of [[1920, 1080, "zh"], [360, 740, "en"]]) {
    for (const [login, pages] of [["boss", ["wall", "trends", "history", "cameras", "access"]], ["tech", ["cameras"]], ["unit1", ["field"]]]) {
      const page = await open(login, { width, height, language });
      for (const name of pages) {
        await page.goto(`${world.base}/${name}`);
        await page.waitForSelector(wait[name]);
        same(await page.getAttribute("html", "lang"), language === "zh" ? "zh-CN" : "en", "the language, remembered");
        await isAccessible(page, `${name} at ${width}`);
        await shot(page, `${name}-${width}`, width < 500);
      }
      await page.context().close();
    }
  }
  const chief = await open("chief", { width: 360, height: 740 });
  await chief.waitForSelector(".alerts [data-id]");
  await chief.click(".alerts [data-id] >> nth=0");
  await isAccessible(chief, "wall with one selected");
  await chief.click(".selected-alert a.button");
  await chief.waitForSelector(".signature");
  await isAccessible(chief, "evidence");
  await shot(chief, "evidence-360", true);
  await chief.evaluate(() => (document.documentElement.dataset.theme = "light"));
  await isAccessible(chief, "evidence in the light theme");
  await chief.goto(`${world.base}/history?min_speed=900`);
  await chief.waitForSelector(".results .empty-title");
  await isAccessible(chief, "history without a result");
}

/** The shell opens without a network once it was seen, says so, and goes on when it is back. */
async function offline() {
  const page = await open("unit1", { width: 390, height: 844 });
  await page.waitForSelector(".live-live");
  await page.evaluate(() => navigator.serviceWorker.ready);
  await page.waitForFunction(async () => (await caches.keys()).length === 1);
  must(!(await page.evaluate(async () => {
    const kept = await caches.open((await caches.keys())[0]);
    return (await kept.keys()).some((r) => r.url.includes("/api/"));
  })), "something of the API is kept");
  await control("cut");
  await page.reload();
  await page.waitForSelector('[role="alert"] .button');
  await control("join");
  await page.click('[role="alert"] .button');
  await page.waitForSelector(".sharing");
  await page.waitForSelector(".live-live");
}

/** The browser's push service is the test's own: Debian's Chromium has none. All else is the browser's. */
async function withPushService(context) {
  const phone = await control("phone");
  await context.grantPermissions(["notifications"], { origin: world.base });
  await context.addInitScript(({ endpoint, ...keys }) => {
    if (!("PushManager" in globalThis)) return;
    const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0)).buffer;
    let mine = null;
    PushManager.prototype.getSubscription = async () => mine;
    PushManager.prototype.subscribe = async (options) => (mine = {
      endpoint, options: { applicationServerKey: bytes(options.applicationServerKey) }, getKey: (name) => bytes(keys[name]),
      unsubscribe: async () => Boolean((mine = null) ?? true),
    });
  }, phone);
}

/** What the push service would do with a message: it wakes the service worker. */
async function deliverTo(page) {
  const cdp = await page.context().newCDPSession(page);
  const registered = new Promise((found) => cdp.on("ServiceWorker.workerRegistrationUpdated", ({ registrations }) => {
    const one = registrations.find((r) => r.scopeURL.startsWith(world.base) && !r.isDeleted);
    if (one) found(one.registrationId);
  }));
  await cdp.send("ServiceWorker.enable");
  const registrationId = await registered;
  return (message) => cdp.send("ServiceWorker.deliverPushMessage", { origin: world.base, registrationId, data: JSON.stringify(message) });
}

/** A unit turns notifications on and closes its page; what it is sent to is pushed, and shown once. */
async function pushed() {
  const unit = await open("unit1", { width: 390, height: 844, prepare: withPushService });
  await unit.waitForSelector(".live-live");
  await unit.evaluate(() => navigator.serviceWorker.ready);
  await unit.click(".pushing .button");
  await unit.waitForSelector(".pushing .share-on");
  await shot(unit, "field-pushing");
  await isAccessible(unit, "field with notifications on");
  const deliver = await deliverTo(unit);
  const worker = unit.context().serviceWorkers().find((w) => w.url().endsWith("/sw.js"));
  await worker.evaluate(() => {
    const show = self.registration.showNotification.bind(self.registration);
    self.shown = [];
    self.registration.showNotification = (title, more) => (self.shown.push({ title, ...more }), show(title, more));
  });
  const shown = () => worker.evaluate(() => self.shown);
  const until = async (n) => {
    for (const end = Date.now() + 60_000; (await shown()).length < n;) must(Date.now() < end, `${(await shown()).length} notifications, not ${n}`);
    return shown();
  };

  // who looks at the page has it there: the page says so when it is asked
  await unit.evaluate(() => {
    globalThis.nAsked = 0;
    navigator.serviceWorker.addEventListener("message", () => globalThis.nAsked++);
  });
  const chief = await open("chief");
  await chief.waitForSelector(".alerts [data-id]");
  const { json } = await api(chief, "/alerts?limit=200");
  const v = json.violations.find((x) => !x.dispatch);
  await chief.evaluate(async (id) => {
    const { csrf } = await (await fetch("/api/v1/me")).json();
    await fetch(`/api/v1/violations/${id}/dispatches`, {
      method: "POST", headers: { "Content-Type": "application/json", "X-CSRF-Token": csrf }, body: JSON.stringify({ unit: "unit1" }),
    });
  }, v.id);
  let message;
  for (const end = Date.now() + 60_000; !message;) {
    message = (await control("pushed")).find((m) => m.violation === v.id && m.why === "assigned");
    must(message || Date.now() < end, "what it was sent to was not pushed");
  }
  await unit.waitForSelector(`.card.assigned a[href="/violations/${v.id}"]`);
  await deliver(message);
  await unit.waitForFunction(() => globalThis.nAsked > 0);

  // who does not is notified, in the place of what was said of the same violation
  await unit.goto(`${world.base}/violations/${v.id}`);
  await unit.waitForSelector(".signature");
  same(await shown(), [], "shown beside the page");
  await deliver(message);
  const [first] = await until(1);
  must(first.tag === v.id && first.title.includes("指派") && first.title.includes("超速") && first.body.includes("km/h"), `it says ${JSON.stringify(first)}`);
  must((await unit.evaluate(async (url) => (await fetch(url)).headers.get("Content-Type"), first.image)) === "image/jpeg", "its picture is none");
  await deliver({ ...message, language: "en" });
  const [, second] = await until(2);
  must(second.tag === first.tag && second.title.startsWith("Assigned"), `not in English: ${JSON.stringify(second)}`);

  // and no more when it wants no more
  await unit.goto(`${world.base}/field`);
  await unit.waitForSelector(".pushing .share-on");
  await unit.click(".pushing .button");
  await unit.waitForSelector(".pushing .share-off");
}

/** The wall's map with a style of another host: drawn by MapLibre, and an alert is chosen on it. */
async function tiles() {
  world.base = world.tiled;
  const wall = await open("chief", { width: 1920, height: 1080 });
  await wall.waitForSelector(".map canvas");
  await wall.waitForSelector(".alerts [data-id]");
  for (const end = Date.now() + 60_000; !(await control("tiles")).some((p) => /^\/tile\/1[45]\//.test(p));) {
    must(Date.now() < end, "no tile of the camera's place was asked for");
  }
  must(!(await wall.$(".plain-map")), "the plain map is there");
  const box = await wall.locator(".map").boundingBox();
  for (const end = Date.now() + 60_000; !(await wall.$(".alert.selected"));) {
    must(Date.now() < end, "a spot on the map chooses nothing");
    await wall.mouse.click(box.x + box.width / 2, box.y + box.height / 2); // the one camera's place is its middle
  }
  await isAccessible(wall, "wall with MapLibre");
  await shot(wall, "wall-tiles");

  // a browser may take WebGL away, and give it back
  const lose = await wall.evaluateHandle(() => document.querySelector(".map canvas").getContext("webgl2").getExtension("WEBGL_lose_context"));
  await lose.evaluate((l) => l.loseContext());
  const before = await ids(wall);
  await wall.waitForFunction((n) => document.querySelectorAll(".alerts [data-id]").length > n, before.length); // the wall goes on
  await lose.evaluate((l) => l.restoreContext());
  await wall.waitForFunction(() => !document.querySelector(".map canvas").getContext("webgl2").isContextLost());
  await wall.waitForFunction((n) => document.querySelectorAll(".alerts [data-id]").length > n, before.length + 1);
  await wall.keyboard.press("Home");
  await shot(wall, "wall-tiles-again");
}

export const scenarios = { shift, evidence, cut, looks, offline, pushed, tiles };
