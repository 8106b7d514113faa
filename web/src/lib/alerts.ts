/** The alerts of the wall: a list, the newest stored first, kept equal to the gateway's by its events. */
import type { Dispatch, Review, Severity, Violation } from "../types";
import { SEVERITIES } from "../types";
import { isLate, withDispatch, withReview } from "./clock";

export const MOST_ALERTS = 500;

export type Alerts = readonly Violation[];

/** Whether it is a level in dB that it was measured by, and not a speed. */
export function isByLevel(v: Pick<Violation, "kind" | "speed_kmh" | "lafmax_db">): boolean {
  return v.lafmax_db !== null && (v.kind === "modified_exhaust" || v.speed_kmh === null);
}

function isNewer(a: Violation, b: Violation): boolean {
  return a.stored_at > b.stored_at || (a.stored_at === b.stored_at && a.id > b.id);
}

/** Puts one in its place; one that is there already is replaced. */
export function add(alerts: Alerts, v: Violation): Alerts {
  const others = alerts.filter((a) => a.id !== v.id);
  const at = others.findIndex((a) => isNewer(v, a));
  if (at < 0) others.push(v);
  else others.splice(at, 0, v);
  return others.slice(0, MOST_ALERTS);
}

function change(alerts: Alerts, id: string, by: (v: Violation) => Violation): Alerts {
  const at = alerts.findIndex((a) => a.id === id);
  if (at < 0) return alerts;
  const copy = alerts.slice();
  copy[at] = by(copy[at]);
  return copy;
}

/** One event of the stream; others than these three change nothing. */
export function apply(alerts: Alerts, event: string, data: unknown): Alerts {
  if (event === "alert") return add(alerts, data as Violation);
  if (event === "review") {
    const { violation, review } = data as { violation: string; review: Review };
    return change(alerts, violation, (v) => withReview(v, review));
  }
  if (event === "dispatch") {
    const d = data as Dispatch;
    return change(alerts, d.violation, (v) => withDispatch(v, d));
  }
  return alerts;
}

export interface WallFilter {
  kind: string;
  severity: string; // this one and above
  state: "" | "open" | "late" | "dispatched";
  district: string;
  text: string;
}

export const NO_FILTER: WallFilter = { kind: "", severity: "", state: "", district: "", text: "" };

export function isOpen(v: Violation): boolean {
  return v.review === "new" || v.review === "unclear";
}

export function select(alerts: Alerts, f: WallFilter, now: number): Alerts {
  const least = f.severity ? SEVERITIES.indexOf(f.severity as Severity) : -1;
  const words = f.text.trim().toLowerCase();
  return alerts.filter((v) =>
    (!f.kind || v.kind === f.kind) &&
    SEVERITIES.indexOf(v.severity) >= least &&
    (!f.district || v.district === f.district) &&
    (f.state !== "open" || isOpen(v)) &&
    (f.state !== "late" || isLate(v.clock, now)) &&
    (f.state !== "dispatched" || (v.dispatch !== null && !["done", "declined"].includes(v.dispatch.state))) &&
    (!words || [v.camera, v.camera_name, v.road, v.district, v.plate, v.id]
      .some((w) => w?.toLowerCase().includes(words))));
}
