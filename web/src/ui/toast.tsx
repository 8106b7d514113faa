/** A short word at the foot of the page that goes away by itself. */
import { signal } from "@preact/signals";

const message = signal<{ text: string; isBad: boolean } | null>(null);
let timer = 0;

export function toast(text: string, isBad = false): void {
  clearTimeout(timer);
  message.value = { text, isBad };
  timer = window.setTimeout(() => (message.value = null), isBad ? 8000 : 3500);
}

export function Toast() {
  const m = message.value;
  return (
    <div class="toast-place" role="status" aria-live="polite">
      {m && <p class={`toast ${m.isBad ? "bad" : ""}`}>{m.text}</p>}
    </div>
  );
}
