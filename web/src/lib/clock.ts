/** The response clock of a violation, as the gateway counts it (schema/openapi.yaml, Stage). */
import type { ClockEntry, Dispatch, Review, Stage, Violation } from "../types";

export interface Due {
  stage: Stage;
  /** Until the deadline; below 0: late. */
  leftMs: number;
  dueAt: string;
}

const DECISIONS = ["confirmed", "rejected", "issued"];

/** The first deadline that is not met; null: all are. */
export function nextDue(clock: ClockEntry[], now: number): Due | null {
  const open = clock.filter((c) => c.met_at === null)
    .sort((a, b) => Date.parse(a.due_at) - Date.parse(b.due_at));
  if (!open.length) return null;
  return { stage: open[0].stage, leftMs: Date.parse(open[0].due_at) - now, dueAt: open[0].due_at };
}

export function isLate(clock: ClockEntry[], now: number): boolean {
  const due = nextDue(clock, now);
  return due !== null && due.leftMs < 0;
}

function meet(clock: ClockEntry[], stages: Stage[], at: string): ClockEntry[] {
  return clock.map((c) => (c.met_at === null && stages.includes(c.stage) ? { ...c, met_at: at } : c));
}

/** What a decision changes of a violation. */
export function withReview(v: Violation, r: Review): Violation {
  // "unclear" is a decision that leaves the answer to the citizen open
  const stages: Stage[] = DECISIONS.includes(r.verdict) ? ["signed", "responded", "feedback"] : ["signed", "responded"];
  return {
    ...v, review: r.verdict, reviewed_at: r.reviewed_at, plate: r.plate ?? v.plate,
    clock: meet(v.clock, stages, r.reviewed_at),
  };
}

/** What a dispatch, or a unit's answer to it, changes of a violation. */
export function withDispatch(v: Violation, d: Dispatch): Violation {
  let clock = meet(v.clock, ["signed"], d.sent_at);
  for (const a of d.answers) {
    if (a.answer === "accepted") clock = meet(clock, ["responded"], a.at);
    if (a.answer === "done") clock = meet(clock, ["feedback"], a.at);
  }
  const isNewest = !v.dispatch || d.id >= v.dispatch.id;
  return { ...v, clock, dispatch: isNewest ? d : v.dispatch };
}
