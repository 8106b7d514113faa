/** What a notification says of a push. Used by the service worker, which has neither page nor choice of language. */
import type { Dictionary } from "../i18n/zh";
import type { PushMessage } from "../types";
import { isByLevel } from "./alerts";
import { compass, heading } from "./geo";

export interface Notice {
  title: string;
  body: string;
  image?: string;
  /** Of the violation: what is said of it again takes the place of what was. */
  tag: string;
  renotify: boolean;
  timestamp: number;
}

function value(m: PushMessage, words: Dictionary): string {
  const [n, limit, unit] = isByLevel(m) ? [m.lafmax_db, m.limit_db, words.common.db] : [m.speed_kmh, m.limit_kmh, words.common.kmh];
  if (n === null) return "";
  return `${n.toFixed(0)} ${unit}${limit === null ? "" : ` / ${words.common.limit} ${limit.toFixed(0)}`}`;
}

function going(m: PushMessage, words: Dictionary): string {
  const deg = heading(m.bearing_deg, m.direction);
  if (deg !== null) return words.heading(words.compass[compass(deg)]);
  return m.direction ? words.direction[m.direction] : "";
}

export function notice(m: PushMessage, words: Dictionary): Notice {
  const vehicle = m.class && m.class !== "unknown" ? words.class[m.class] ?? m.class : "";
  const where = [m.camera_name || m.road, going(m, words), vehicle].filter(Boolean).join(" · ");
  return {
    title: `${words.field[m.why]}: ${words.kind[m.kind]} · ${words.severity[m.severity]}`,
    body: [value(m, words), where].filter(Boolean).join("\n"),
    ...(m.still ? { image: `/api/v1/violations/${m.violation}/files/${encodeURIComponent(m.still)}` } : {}),
    tag: m.violation,
    renotify: m.why === "assigned",
    timestamp: Date.parse(m.occurred_at),
  };
}
