/** Times as people read them, in the city's time zone (settings.timezone), whatever the machine's own is. */
const formats = new Map<string, Intl.DateTimeFormat>();

function format(zone: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = zone + JSON.stringify(options);
  let made = formats.get(key);
  if (!made) {
    try {
      made = new Intl.DateTimeFormat("en-GB", { ...options, timeZone: zone, hourCycle: "h23" });
    } catch {
      made = new Intl.DateTimeFormat("en-GB", { ...options, timeZone: "Asia/Shanghai", hourCycle: "h23" });
    }
    formats.set(key, made);
  }
  return made;
}

function parts(at: string | number, zone: string): Record<string, string> {
  const all = format(zone, {
    year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit",
  }).formatToParts(new Date(at));
  return Object.fromEntries(all.map((p) => [p.type, p.value]));
}

export function clockTime(at: string | number, zone: string): string {
  const p = parts(at, zone);
  return `${p.hour}:${p.minute}:${p.second}`;
}

export function dayTime(at: string | number, zone: string): string {
  const p = parts(at, zone);
  return `${p.month}-${p.day} ${p.hour}:${p.minute}:${p.second}`;
}

/** With year and milliseconds, as evidence is read. */
export function fullTime(at: string, zone: string): string {
  const p = parts(at, zone);
  const ms = at.match(/\.(\d{3})/)?.[1];
  return `${p.year}-${p.month}-${p.day} ${p.hour}:${p.minute}:${p.second}${ms ? "." + ms : ""}`;
}

export function hourOf(at: string | number, zone: string): number {
  return Number(parts(at, zone).hour);
}

export function dayOf(at: string | number, zone: string): string {
  const p = parts(at, zone);
  return `${p.year}-${p.month}-${p.day}`;
}

/** How far the zone's clock is from UTC at that time, ms. */
function offsetMs(at: number, zone: string): number {
  const p = parts(at, zone);
  const wall = Date.UTC(Number(p.year), Number(p.month) - 1, Number(p.day), Number(p.hour), Number(p.minute), Number(p.second));
  return wall - Math.floor(at / 1000) * 1000;
}

/** "2026-11-26T09:30" on the zone's clock, as an input gives it, to RFC 3339 UTC; "" when it is none. */
export function zonedToUtc(local: string, zone: string): string {
  const m = local.match(/^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2})/);
  if (!m) return "";
  const wall = Date.UTC(+m[1], +m[2] - 1, +m[3], +m[4], +m[5]);
  if (Number.isNaN(wall)) return "";
  // once more with the offset at that time itself: it may differ on the day clocks are changed
  const near = wall - offsetMs(wall, zone);
  return new Date(wall - offsetMs(near, zone)).toISOString();
}

/** The reverse, for an input's value. */
export function utcToZoned(at: string, zone: string): string {
  const ms = Date.parse(at);
  if (Number.isNaN(ms)) return "";
  const p = parts(ms, zone);
  return `${p.year}-${p.month}-${p.day}T${p.hour}:${p.minute}`;
}

/** 9:05, 1:02:03, 2d 03h: a length of time in the least room. */
export function span(ms: number): string {
  const s = Math.floor(Math.abs(ms) / 1000);
  const two = (n: number) => String(n).padStart(2, "0");
  if (s < 3600) return `${Math.floor(s / 60)}:${two(s % 60)}`;
  if (s < 86_400) return `${Math.floor(s / 3600)}:${two(Math.floor((s % 3600) / 60))}:${two(s % 60)}`;
  return `${Math.floor(s / 86_400)}d ${two(Math.floor((s % 86_400) / 3600))}h`;
}
