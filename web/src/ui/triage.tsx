/** Deciding on a violation and sending a unit: the questions, and what they send. */
import { useEffect, useState } from "preact/hooks";
import { ApiError, post } from "../api";
import { loadUnits, now, units } from "../city";
import { errorText, t } from "../i18n";
import { distanceM } from "../lib/geo";
import { span } from "../lib/time";
import type { Dispatch, Review, Unit, Verdict, Violation } from "../types";
import { Dialog, Empty, metres } from "./parts";
import { toast } from "./toast";

/** @return what was appended; null: it was refused, and the user has been told */
export async function decide(v: Violation, verdict: Verdict, reason = "", plate = ""): Promise<Review | null> {
  try {
    const body = { verdict, ...(reason ? { reason } : {}), ...(plate ? { plate } : {}) };
    const review = await post<Review>(`/violations/${v.id}/reviews`, body);
    toast(t().triage.done(t().verdict[verdict]));
    return review;
  } catch (e) {
    toast(errorText(e), true);
    return null;
  }
}

export async function sendUnit(v: Violation, unit: Unit, note: string): Promise<Dispatch | null> {
  try {
    const body = { unit: unit.unit, ...(note ? { note } : {}) };
    const dispatch = await post<Dispatch>(`/violations/${v.id}/dispatches`, body);
    toast(t().triage.sent(unit.name));
    return dispatch;
  } catch (e) {
    toast(errorText(e), true);
    return null;
  }
}

/** Rejecting and withdrawing want a reason: a digit chooses a common one. */
export function ReasonDialog({ v, verdict, close, done }:
  { v: Violation; verdict: "rejected" | "withdrawn"; close: () => void; done: (r: Review) => void }) {
  const words = t();
  const [reason, setReason] = useState("");
  const [isBad, setBad] = useState(false);
  const [isBusy, setBusy] = useState(false);
  const submit = async (e: Event) => {
    e.preventDefault();
    if (!reason.trim()) return setBad(true);
    setBusy(true);
    const review = await decide(v, verdict, reason.trim());
    setBusy(false);
    if (review) done(review);
    close();
  };
  const keys = (e: KeyboardEvent) => {
    const isTyping = (e.target as HTMLElement).tagName === "TEXTAREA";
    const n = Number(e.key);
    if (!isTyping && n >= 1 && n <= words.triage.presets.length) setReason(words.triage.presets[n - 1]);
  };
  return (
    <Dialog title={verdict === "rejected" ? words.triage.reject_title : words.triage.withdraw_title} close={close}>
      <form onSubmit={submit} onKeyDown={keys}>
        <div class="presets">
          {words.triage.presets.map((p, i) => (
            <button type="button" key={p} class={`button ${reason === p ? "chosen" : ""}`} aria-pressed={reason === p} onClick={() => setReason(p)}>
              <kbd>{i + 1}</kbd>{p}
            </button>
          ))}
        </div>
        <label for="reason">{words.triage.reason}</label>
        <textarea id="reason" rows={3} maxLength={2000} value={reason} onInput={(e) => setReason(e.currentTarget.value)}
                  aria-invalid={isBad && !reason.trim()} />
        {isBad && !reason.trim() && <p class="form-error" role="alert">{words.triage.reason_needed}</p>}
        <footer>
          <button type="button" class="button" onClick={close}>{words.common.cancel}</button>
          <button type="submit" class="button danger" disabled={isBusy}>{words.verdict[verdict]}</button>
        </footer>
      </form>
    </Dialog>
  );
}

interface Near { unit: Unit; m: number | null }

function nearest(all: readonly Unit[], v: Violation): Near[] {
  return all.map((unit) => ({
    unit,
    m: unit.lat !== null && unit.lon !== null && v.lat !== null && v.lon !== null
      ? distanceM(unit.lat, unit.lon, v.lat, v.lon) : null,
  })).sort((a, b) => (a.m ?? 1e9) - (b.m ?? 1e9) || a.unit.name.localeCompare(b.unit.name));
}

/** The nearest unit is chosen already: D and Enter send it. */
export function DispatchDialog({ v, close, done }: { v: Violation; close: () => void; done: (d: Dispatch) => void }) {
  const words = t();
  const [chosen, setChosen] = useState<string | null>(null);
  const [note, setNote] = useState("");
  const [isBusy, setBusy] = useState(false);
  useEffect(() => {
    loadUnits().catch((e) => { if (!(e instanceof ApiError)) throw e; });
  }, []);
  const near = nearest(units.value, v);
  const unit = near.find((n) => n.unit.unit === chosen)?.unit ?? near[0]?.unit;
  const submit = async (e: Event) => {
    e.preventDefault();
    if (!unit) return;
    setBusy(true);
    const dispatch = await sendUnit(v, unit, note.trim());
    setBusy(false);
    if (dispatch) done(dispatch);
    close();
  };
  return (
    <Dialog title={words.triage.dispatch_title} close={close}>
      <form onSubmit={submit}>
        {near.length ? (
          <fieldset class="units">
            <legend>{words.wall.unit}</legend>
            {near.map(({ unit: u, m }) => (
              <label key={u.unit} class="unit">
                <input type="radio" name="unit" value={u.unit} checked={u.unit === unit?.unit} onChange={() => setChosen(u.unit)} />
                <b>{u.name}</b>
                <span>{m === null ? words.triage.no_position : words.triage.distance(metres(m))}</span>
                <small>{u.position_at ? words.triage.position_age(span(now.value - Date.parse(u.position_at))) : ""}</small>
                <small>{words.triage.open(u.open_dispatches)}</small>
              </label>
            ))}
          </fieldset>
        ) : <Empty title={words.triage.no_units} why={words.triage.no_units_why} />}
        <label for="note">{words.triage.note}</label>
        <textarea id="note" rows={2} maxLength={2000} value={note} onInput={(e) => setNote(e.currentTarget.value)} />
        <footer>
          <button type="button" class="button" onClick={close}>{words.common.cancel}</button>
          <button type="submit" class="button primary" disabled={isBusy || !unit}>{words.wall.dispatch}</button>
        </footer>
      </form>
    </Dialog>
  );
}
