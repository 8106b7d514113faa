/** Small drawings; each stands beside a word or has a label, so they are hidden from readers. */
import type { JSX } from "preact";
import type { Kind } from "../types";

function Icon({ children, size = 16 }: { children: JSX.Element | JSX.Element[]; size?: number }) {
  return (
    <svg class="icon" width={size} height={size} viewBox="0 0 16 16" fill="none" stroke="currentColor"
         stroke-width="1.5" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true" focusable="false">
      {children}
    </svg>
  );
}

export function KindIcon({ kind, size }: { kind: Kind; size?: number }) {
  if (kind === "speeding") {
    return <Icon size={size}><path d="M2.2 12a6.3 6.3 0 1 1 11.6 0" /><path d="M8 9.5 11 5.6" /><circle cx="8" cy="9.8" r=".8" fill="currentColor" /></Icon>;
  }
  if (kind === "modified_exhaust") {
    return <Icon size={size}><path d="M2 6.3v3.4h2.4L7.6 12.6V3.4L4.4 6.3z" /><path d="M10 6a3 3 0 0 1 0 4" /><path d="M12 4a5.6 5.6 0 0 1 0 8" /></Icon>;
  }
  return <Icon size={size}><path d="M3 14V2.5" /><path d="M3 3h9.5l-2 2.7 2 2.8H3" /></Icon>;
}

export const SunMoon = () => <Icon><path d="M8 2a6 6 0 1 0 0 12z" fill="currentColor" /><circle cx="8" cy="8" r="6" /></Icon>;
export const Check = () => <Icon><path d="m3 8.5 3.3 3.3L13 4.8" /></Icon>;
export const Cross = () => <Icon><path d="M4 4l8 8M12 4l-8 8" /></Icon>;
export const Question = () => <Icon><path d="M5.8 6a2.2 2.2 0 1 1 3 2.1c-.6.3-.8.7-.8 1.4" /><circle cx="8" cy="12" r=".4" fill="currentColor" /></Icon>;
export const Send = () => <Icon><path d="M2.5 7.7 13.5 2.5 10.6 13.5 7.6 9z" /></Icon>;
export const Open = () => <Icon><path d="M6.5 3H3v10h10V9.5" /><path d="M9 3h4v4M13 3 7.5 8.5" /></Icon>;
export const Fit = () => <Icon><path d="M2.5 6V2.5H6M10 2.5h3.5V6M13.5 10v3.5H10M6 13.5H2.5V10" /></Icon>;
export const Keyboard = () => <Icon><rect x="1.5" y="4" width="13" height="8" rx="1.2" /><path d="M4 6.7h.1M6.7 6.7h.1M9.3 6.7h.1M12 6.7h.1M5 9.5h6" /></Icon>;
export const Shield = () => <Icon><path d="M8 1.8 13 3.6v4c0 3.2-2 5.4-5 6.6-3-1.2-5-3.4-5-6.6v-4z" /><path d="m5.8 8 1.6 1.6L10.4 6.6" /></Icon>;
export const Pin = () => <Icon><path d="M8 14s4.5-4 4.5-7.5a4.5 4.5 0 0 0-9 0C3.5 10 8 14 8 14z" /><circle cx="8" cy="6.5" r="1.5" /></Icon>;
export const Bell = () => <Icon><path d="M3 11.5h10c-1-1-1.5-2-1.5-5a3.5 3.5 0 0 0-7 0c0 3-.5 4-1.5 5z" /><path d="M6.7 13.8h2.6" /></Icon>;
export const Print = () => <Icon><path d="M4.5 6V2.5h7V6M4.5 11.5h-2V6h11v5.5h-2" /><path d="M4.5 9.5h7v4h-7z" /></Icon>;
export const Arrow = ({ deg }: { deg: number }) => (
  <svg class="icon" width="14" height="14" viewBox="0 0 16 16" aria-hidden="true" focusable="false">
    <path d="M8 1.5 12.5 13 8 10.4 3.5 13z" fill="currentColor" transform={`rotate(${Math.round(deg)} 8 8)`} />
  </svg>
);
