/* Keeps the shell (index.html and what it loads) so that the pages open without a network. Nothing of
   the API is ever kept here: evidence is read from the gateway alone, where it is noted. */
import { en } from "./i18n/en";
import { zh } from "./i18n/zh";
import { notice } from "./lib/notice";
import { addressOf } from "./lib/subscription";

const SHELL = ["/", "/icon.svg", "/manifest.webmanifest", ...__SHELL__];
// The files' names carry their hashes: another build is another name.
const CACHE = "shell-" + SHELL.join("").split("").reduce((h, c) => (h * 31 + c.charCodeAt(0)) >>> 0, 7).toString(36);

self.addEventListener("install", (e) => {
  e.waitUntil(caches.open(CACHE).then((c) => c.addAll(SHELL)).then(() => self.skipWaiting()));
});

self.addEventListener("activate", (e) => {
  e.waitUntil(caches.keys()
    .then((names) => Promise.all(names.filter((n) => n !== CACHE).map((n) => caches.delete(n))))
    .then(() => self.clients.claim()));
});

self.addEventListener("fetch", (e) => {
  const url = new URL(e.request.url);
  if (e.request.method !== "GET" || url.origin !== location.origin || url.pathname.startsWith("/api/")) return;
  if (e.request.mode === "navigate") {
    // the network first: a new build is seen at once
    e.respondWith(fetch(e.request).catch(() => caches.match("/")));
  } else {
    e.respondWith(caches.match(e.request).then((kept) => kept ?? fetch(e.request)));
  }
});

const windows = () => self.clients.matchAll({ type: "window", includeUncontrolled: true });

// Whether somebody looks at the field page there and it is live: a client's own URL is that of its
// first page. Who does not answer (an older build, a page that hangs) shows nothing.
function isSeen(page) {
  return new Promise((answer) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = (e) => answer(e.data === true);
    setTimeout(answer, 1000, false);
    page.postMessage("seen?", [port2]);
  });
}

// A push: what a unit was told while nobody looked at its page. Who looks at it has seen it there.
async function onPush(message) {
  const answers = await Promise.all((await windows()).map(isSeen));
  if (answers.includes(true)) return;
  const { title, ...more } = notice(message, message.language === "en" ? en : zh);
  await self.registration.showNotification(title, { ...more, icon: "/icon.svg", badge: "/icon.svg" });
}

async function openField() {
  const [page] = await windows();
  if (!page) return self.clients.openWindow("/field");
  await page.focus();
  page.postMessage("field");
}

// The browser's push service has given it another address.
async function renew(e) {
  const s = e.newSubscription ?? await self.registration.pushManager.subscribe(e.oldSubscription.options);
  const me = await fetch("/api/v1/me");
  if (!me.ok) return; // the session is over; its pushes are, too
  await fetch("/api/v1/field/push", {
    method: "PUT",
    headers: { "Content-Type": "application/json", "X-CSRF-Token": (await me.json()).csrf },
    body: JSON.stringify(addressOf(s)),
  });
}

self.addEventListener("push", (e) => e.waitUntil(onPush(e.data.json())));
self.addEventListener("notificationclick", (e) => {
  e.notification.close();
  e.waitUntil(openField());
});
self.addEventListener("pushsubscriptionchange", (e) => e.waitUntil(renew(e)));
