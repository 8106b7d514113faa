/** The small parts that all pages are made of. */
import type { ComponentChildren } from "preact";
import { Component } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { t, errorText } from "../i18n";
import { now } from "../city";
import { isByLevel } from "../lib/alerts";
import { nextDue } from "../lib/clock";
import { span } from "../lib/time";
import type { ClockEntry, DispatchState, Kind, ReviewState, Severity, Violation } from "../types";
import { KindIcon } from "./icons";

export function KindMark({ kind }: { kind: Kind }) {
  return <span class={`mark kind-${kind}`}><KindIcon kind={kind} size={14} />{t().kind[kind]}</span>;
}

export function SeverityMark({ severity }: { severity: Severity }) {
  return <span class={`mark severity severity-${severity}`}><i aria-hidden="true" />{t().severity[severity]}</span>;
}

export function ReviewMark({ state }: { state: ReviewState }) {
  return <span class={`mark review-${state}`}>{t().review[state]}</span>;
}

export function DispatchMark({ state, unit }: { state: DispatchState; unit?: string }) {
  return <span class={`mark dispatch-${state}`}>{unit ? `${unit} · ` : ""}{t().dispatch[state]}</span>;
}

/** The first open deadline, counting down; late ones stand out. */
export function DueMark({ clock }: { clock: ClockEntry[] }) {
  const due = nextDue(clock, now.value);
  if (!due) return null;
  const words = t();
  const isLate = due.leftMs < 0, isSoon = !isLate && due.leftMs < 120_000;
  return (
    <span class={`mark due ${isLate ? "late" : isSoon ? "soon" : ""}`}>
      {words.stage[due.stage]} {isLate ? words.clock.late(span(due.leftMs)) : words.clock.left(span(due.leftMs))}
    </span>
  );
}

/** What a violation was measured with: "88.6 km/h" or "97.3 dB(A)"; null: neither. */
export function measured(v: Violation): { value: number; limit: number | null; u: number | null; charged: number | null; unit: string } | null {
  if (isByLevel(v)) {
    return { value: v.lafmax_db!, limit: v.limit_db, u: v.lafmax_uncertainty_db, charged: v.charged_db, unit: t().common.db };
  }
  if (v.speed_kmh === null) return null;
  return { value: v.speed_kmh, limit: v.limit_kmh, u: v.speed_uncertainty_kmh, charged: v.charged_kmh, unit: t().common.kmh };
}

export const fixed = (n: number | null | undefined, digits = 1) => (n === null || n === undefined ? "–" : n.toFixed(digits));

export function place(v: { camera_name: string | null; road: string | null; camera: string }): string {
  return v.camera_name || v.road || v.camera;
}

/** A page or a list that has nothing to show, and why. */
export function Empty({ title, why, children }: { title: string; why: string; children?: ComponentChildren }) {
  return (
    <div class="empty">
      <p class="empty-title">{title}</p>
      <p>{why}</p>
      {children}
    </div>
  );
}

export function Loading() {
  return <div class="empty" role="status"><p>{t().common.loading}</p></div>;
}

export function Failed({ error, retry }: { error: unknown; retry?: () => void }) {
  return (
    <div class="empty" role="alert">
      <p class="empty-title">{errorText(error)}</p>
      {retry && <button type="button" class="button" onClick={retry}>{t().common.retry}</button>}
    </div>
  );
}

export function Panel({ title, children, tools, className = "", id }:
  { title: string; children: ComponentChildren; tools?: ComponentChildren; className?: string; id?: string }) {
  return (
    <section class={`panel ${className}`} aria-label={title} id={id}>
      <header class="panel-head"><h2>{title}</h2>{tools}</header>
      {children}
    </section>
  );
}

/** A question over the page: focus goes in, Escape closes, focus comes back (the browser's own dialog). */
export function Dialog({ title, children, close }: { title: string; children: ComponentChildren; close: () => void }) {
  const ref = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const dialog = ref.current!, before = document.activeElement as HTMLElement | null;
    dialog.showModal();
    return () => {
      dialog.close();
      before?.focus?.();
    };
  }, []);
  return (
    <dialog ref={ref} aria-label={title} onCancel={(e) => { e.preventDefault(); close(); }}
            onClick={(e) => { if (e.target === ref.current) close(); }}>
      <div class="dialog">
        <header><h2>{title}</h2></header>
        {children}
      </div>
    </dialog>
  );
}

export class Boundary extends Component<{ children: ComponentChildren }, { error: unknown }> {
  state = { error: null as unknown };

  componentDidCatch(error: unknown): void {
    console.error(error);
    this.setState({ error });
  }

  render() {
    if (!this.state.error) return this.props.children;
    return (
      <Empty title={t().common.error_page} why={String(this.state.error)}>
        <button type="button" class="button" onClick={() => location.reload()}>{t().common.reload}</button>
      </Empty>
    );
  }
}

/** A short word at the foot of the page that goes away by itself. */
export function metres(m: number): string {
  return m < 1000 ? `${Math.round(m / 10) * 10} m` : `${(m / 1000).toFixed(1)} km`;
}

export function percent(p: number | null): string {
  return p === null ? t().common.change_none : `${p > 0 ? "+" : ""}${Math.round(p)} %`;
}
