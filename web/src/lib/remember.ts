/** Small choices kept on this machine; without storage (a private window) they last as long as the page. */
const here = new Map<string, string>();

export function remembered(key: string): string | null {
  try {
    return localStorage.getItem("citybrain." + key);
  } catch {
    return here.get(key) ?? null;
  }
}

export function remember(key: string, value: string): void {
  here.set(key, value);
  try {
    localStorage.setItem("citybrain." + key, value);
  } catch {
    // it lasts as long as the page
  }
}

export function forget(key: string): void {
  here.delete(key);
  try {
    localStorage.removeItem("citybrain." + key);
  } catch {
    // nothing was kept
  }
}
