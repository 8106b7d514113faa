/* Keeps the shell (index.html and what it loads) so that the pages open without a network. Nothing of
   the API is ever kept here: evidence is read from the gateway alone, where it is noted. */
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
