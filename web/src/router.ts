/** The address as a signal; links inside the pages change it without loading anything. */
import { signal } from "@preact/signals";

export const path = signal(location.pathname);
export const search = signal(location.search);

function read(): void {
  path.value = location.pathname;
  search.value = location.search;
}

export function go(to: string, isReplaced = false): void {
  if (isReplaced) history.replaceState(null, "", to);
  else history.pushState(null, "", to);
  const isOther = path.value !== location.pathname;
  read();
  if (isOther) {
    scrollTo(0, 0);
    document.getElementById("main")?.focus({ preventScroll: true });
  }
}

export function startRouter(): void {
  addEventListener("popstate", read);
  document.addEventListener("click", (e) => {
    if (e.defaultPrevented || e.button !== 0 || e.metaKey || e.ctrlKey || e.shiftKey || e.altKey) return;
    const link = (e.target as Element).closest?.("a");
    if (!link || link.target || link.hasAttribute("download") || link.origin !== location.origin) return;
    if (link.pathname.startsWith("/api/")) return;
    e.preventDefault();
    go(link.pathname + link.search);
  });
}
