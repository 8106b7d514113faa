/** What a field unit was told, one entry a violation, the newest first; and its answers on their way. */
import type { Answer, Dispatch, InboxItem } from "../types";
import { withDispatch } from "./clock";

export const MOST_ITEMS = 200;

export type Inbox = readonly InboxItem[];

/** Puts an item in its place. A violation that came near by and was then assigned is one entry. */
export function add(inbox: Inbox, item: InboxItem): Inbox {
  const before = inbox.find((i) => i.violation.id === item.violation.id);
  if (before && before.position >= item.position) return inbox;
  const why = before?.why === "assigned" ? "assigned" : item.why;
  // A change of one that is there leaves it where it is: nothing jumps away under a thumb.
  const kept = { ...item, why, at: before?.at ?? item.at } as InboxItem;
  if (before && before.why === why) return inbox.map((i) => (i === before ? kept : i));
  return [{ ...kept, at: item.at }, ...inbox.filter((i) => i !== before)].slice(0, MOST_ITEMS);
}

export function withAnswer(inbox: Inbox, d: Dispatch): Inbox {
  return inbox.map((i) => (i.violation.id === d.violation ? { ...i, violation: withDispatch(i.violation, d) } : i));
}

/** What the unit may answer now. */
export function nextAnswers(item: InboxItem): Answer[] {
  switch (item.violation.dispatch?.state) {
    case undefined: return ["accepted"];
    case "sent": return ["accepted", "declined"];
    case "accepted": return ["on_site", "declined"];
    case "on_site": return ["done", "declined"];
    default: return [];
  }
}

export function isOver(item: InboxItem): boolean {
  const state = item.violation.dispatch?.state;
  return state === "done" || state === "declined";
}

/** An answer that the gateway has not taken yet. */
export interface Pending {
  violation: string;
  answer: Answer;
  note: string;
}

/**
 * Answers that were given without a network, oldest first. The gateway takes the same answer again as
 * no change, so one is sent until it was answered; one that it refuses (it came too late) is dropped.
 */
export function queueAnswer(pending: readonly Pending[], p: Pending): readonly Pending[] {
  if (pending.some((q) => q.violation === p.violation && q.answer === p.answer)) return pending;
  return [...pending, p];
}

/** Whether an answer of this status will never be taken: sending it again serves nothing. */
export function isRefused(status: number): boolean {
  return status >= 400 && status < 500 && status !== 401 && status !== 408 && status !== 429;
}
