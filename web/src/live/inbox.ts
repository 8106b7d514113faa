/** The stream behind a field unit's page, and its answers, which wait for a network when there is none. */
import { batch, signal } from "@preact/signals";
import { ApiError, get, post } from "../api";
import { errorText, t } from "../i18n";
import { add, isRefused, queueAnswer, withAnswer, type Inbox, type Pending } from "../lib/inbox";
import { forget, remember, remembered } from "../lib/remember";
import type { Answer, Dispatch, InboxItem } from "../types";
import { toast } from "../ui/toast";
import { LiveStream } from "./stream";

const LOADED = 100;
const KEY = "answers";

export const inbox = signal<Inbox>([]);
export const isLoaded = signal(false);
/** Answers that the gateway has not taken yet; they outlive the page, the violations' data does not. */
export const pending = signal<readonly Pending[]>(kept());

function kept(): Pending[] {
  try {
    const list = JSON.parse(remembered(KEY) ?? "[]");
    return Array.isArray(list) ? list : [];
  } catch {
    return [];
  }
}

function keep(list: readonly Pending[]): void {
  pending.value = list;
  if (list.length) remember(KEY, JSON.stringify(list));
  else forget(KEY);
}

/** @param onNew called for what the unit has not seen before */
export function openInbox(onNew: (item: InboxItem) => void): LiveStream {
  return new LiveStream({
    async load(signal) {
      const list = await get<{ cursor: number; items: InboxItem[] }>("/field/inbox", { limit: LOADED }, signal);
      batch(() => {
        inbox.value = list.items.reduce<Inbox>(add, []);
        isLoaded.value = true;
      });
      void sendPending();
      return list.cursor;
    },
    apply(event, data) {
      if (event !== "nearby" && event !== "assigned") return;
      const item = data as InboxItem;
      const before = inbox.value.find((i) => i.violation.id === item.violation.id);
      inbox.value = add(inbox.value, item);
      if (!before || (before.why === "nearby" && item.why === "assigned" && item.violation.dispatch?.state === "sent")) onNew(item);
    },
  });
}

export function answer(violation: string, what: Answer, note = ""): void {
  keep(queueAnswer(pending.value, { violation, answer: what, note }));
  void sendPending();
}

let isSending = false;

/** One after the other, in their order; until one cannot be sent now. */
export async function sendPending(): Promise<void> {
  if (isSending) return;
  isSending = true;
  try {
    while (pending.value.length) {
      const p = pending.value[0];
      try {
        const dispatch = await post<Dispatch>("/field/answers", { violation: p.violation, answer: p.answer, ...(p.note ? { note: p.note } : {}) });
        inbox.value = withAnswer(inbox.value, dispatch);
      } catch (e) {
        if (!(e instanceof ApiError) || !isRefused(e.status)) return; // later
        toast(e.status === 409 ? t().field.refused : errorText(e), true);
      }
      keep(pending.value.slice(1));
    }
  } finally {
    isSending = false;
  }
}
