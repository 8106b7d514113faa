/** A field unit's page, for a phone: what happens near it or is given to it, and its answers. */
import { useEffect, useState } from "preact/hooks";
import { fileUrl, get, put } from "../api";
import { cameras, loadCameras, now, settings, zone } from "../city";
import { errorText, language, t } from "../i18n";
import { distanceM } from "../lib/geo";
import { isOver, nextAnswers } from "../lib/inbox";
import { clockTime, span } from "../lib/time";
import { answer, inbox, isLoaded, openInbox, pending, sendPending } from "../live/inbox";
import { pushing, resumePushing, startPushing, stopPushing } from "../live/push";
import { position, resumeSharing, sharing, startSharing, stopSharing } from "../live/position";
import type { Answer, Beat, InboxItem } from "../types";
import { Heading } from "../ui/heading";
import { Bell, Pin } from "../ui/icons";
import { Dialog, DispatchMark, DueMark, Empty, fixed, KindMark, Loading, measured, metres, place, SeverityMark } from "../ui/parts";
import { livePhase } from "../ui/shell";
import { Still } from "../ui/still";
import { toast } from "../ui/toast";

export function Field() {
  const words = t().field;
  const [noted, setNoted] = useState<{ item: InboxItem; answer: Answer } | null>(null);
  const [isBeatOpen, setBeatOpen] = useState(false);
  const [isOverShown, setOverShown] = useState(false);
  useEffect(() => {
    const stream = openInbox((item) => {
      navigator.vibrate?.([200, 80, 200]);
      toast(`${item.why === "assigned" ? t().field.assigned : t().field.nearby}: ${t().kind[item.violation.kind]} ${place(item.violation)}`);
    });
    const stop = stream.phase.subscribe((p) => {
      livePhase.value = p;
      if (p === "live") void sendPending();
    });
    stream.start();
    const stopWatching = resumeSharing();
    return () => {
      stream.stop();
      stop();
      stopWatching();
      livePhase.value = null;
    };
  }, []);
  useEffect(() => {
    if (settings.value.push_key) resumePushing();
  }, [settings.value.push_key, language.value]);
  const say = (item: InboxItem, what: Answer) => {
    if (what === "done" || what === "declined") setNoted({ item, answer: what });
    else answer(item.violation.id, what);
  };
  const open = inbox.value.filter((i) => !isOver(i)), over = inbox.value.filter(isOver);
  return (
    <div class="field">
      <h1 class="unseen">{words.title}</h1>
      {livePhase.value === "waiting" && <p class="field-offline" role="status">{words.offline}</p>}
      {pending.value.length > 0 && <p class="field-pending" role="status">{words.pending(pending.value.length)}</p>}
      <Sharing openBeat={() => setBeatOpen(true)} />
      {!isLoaded.value ? <Loading /> : (
        <>
          {!open.length && <Empty title={words.empty} why={words.empty_why}><p class="hint">{words.install}</p></Empty>}
          <ol class="cards" aria-label={words.inbox}>{open.map((i) => <Card key={i.violation.id} item={i} say={say} />)}</ol>
          {over.length > 0 && (
            <details class="over" open={isOverShown} onToggle={(e) => setOverShown(e.currentTarget.open)}>
              <summary>{words.over} ({over.length})</summary>
              {isOverShown && <ol class="cards">{over.map((i) => <Card key={i.violation.id} item={i} say={say} />)}</ol>}
            </details>
          )}
        </>
      )}
      {noted && <NoteDialog item={noted.item} what={noted.answer} close={() => setNoted(null)} />}
      {isBeatOpen && <BeatDialog close={() => setBeatOpen(false)} />}
    </div>
  );
}

function Sharing({ openBeat }: { openBeat: () => void }) {
  const words = t().field, state = sharing.value;
  return (
    <section class="sharing" aria-label={words.settings}>
      <div class="sharing-line">
        <span class={`share share-${state}`}><Pin />{state === "on" ? words.sharing : state === "asking" ? t().common.loading : words.share_why}
          {state === "on" && position.value && <small> {words.accuracy(metres(position.value.accuracy_m))}</small>}</span>
      </div>
      <div class="sharing-buttons">
        {state === "on" || state === "asking"
          ? <button type="button" class="button" onClick={stopSharing}>{words.share_off}</button>
          : <button type="button" class="button primary" onClick={startSharing}>{words.share}</button>}
        <button type="button" class="button" onClick={openBeat}>{words.beat}</button>
      </div>
      {settings.value.push_key && <Pushing />}
      {state === "denied" && <p class="form-error" role="alert">{words.share_denied}</p>}
      {state === "none" && <p class="form-error" role="alert">{words.share_none}</p>}
    </section>
  );
}

/** Only where the gateway has a push service: else there is nothing to choose. */
function Pushing() {
  const words = t().field, state = pushing.value;
  const why = { off: words.push_why, asking: t().common.loading, on: words.pushing, denied: words.push_denied, none: words.push_none, failed: words.push_failed }[state];
  const isWrong = state === "denied" || state === "none" || state === "failed";
  return (
    <div class="pushing">
      <span class={isWrong ? "form-error" : `share share-${state === "on" ? "on" : "off"}`} role={isWrong ? "alert" : "status"}>{!isWrong && <Bell />}{why}</span>
      {state === "on" || state === "asking"
        ? <button type="button" class="button" onClick={stopPushing}>{words.push_off}</button>
        : <button type="button" class="button" onClick={startPushing}>{words.push}</button>}
    </div>
  );
}

function Card({ item, say }: { item: InboxItem; say: (item: InboxItem, what: Answer) => void }) {
  const words = t().field, v = item.violation, m = measured(v), p = position.value;
  const [isClipOpen, setClipOpen] = useState(false);
  const waiting = pending.value.find((q) => q.violation === v.id);
  const far = p && v.lat !== null && v.lon !== null ? distanceM(p.lat, p.lon, v.lat, v.lon) : null;
  const look: Record<Answer, string> = { accepted: "primary", on_site: "primary", done: "good", declined: "" };
  return (
    <li class={`card severity-${v.severity} ${item.why}`}>
      <header>
        <span class={`why why-${item.why}`}>{words[item.why]}</span>
        <KindMark kind={v.kind} /><SeverityMark severity={v.severity} />
        <time dateTime={v.occurred_at}>{clockTime(v.occurred_at, zone())} · {span(Math.max(0, now.value - Date.parse(v.occurred_at)))}</time>
      </header>
      <div class="card-body">
        <Still v={v} isLarge />
        <div>
          {m && <p class="card-value"><b>{m.value.toFixed(0)}</b> {m.unit}<small> / {t().common.limit} {fixed(m.limit, 0)}</small></p>}
          <p class="card-place">{place(v)}</p>
          <p><Heading v={v} /> {v.class && v.class !== "unknown" ? t().class[v.class] ?? v.class : ""} {v.plate && <b class="plate">{v.plate}</b>}</p>
          {far !== null && <p class="card-far">{words.distance(metres(far))}</p>}
          {v.lat !== null && v.lon !== null && <p><a href={`geo:${v.lat},${v.lon}`}>{v.lat.toFixed(5)}, {v.lon.toFixed(5)}</a></p>}
        </div>
      </div>
      {v.sound && <audio controls preload="none" src={fileUrl(v.id, v.sound)} aria-label={words.play_sound} />}
      {isClipOpen && v.clip && <video controls autoPlay playsInline src={fileUrl(v.id, v.clip)} aria-label={words.play_clip} />}
      {v.dispatch?.note && <p class="card-note">{v.dispatch.note}</p>}
      <div class="card-marks">
        {v.dispatch && <DispatchMark state={v.dispatch.state} />}
        {waiting && <span class="mark soon">{words[waiting.answer]} · {words.pending(1)}</span>}
        <DueMark clock={v.clock} />
      </div>
      <div class="card-actions">
        {!waiting && nextAnswers(item).map((a) => (
          <button type="button" key={a} class={`button ${look[a]}`} onClick={() => say(item, a)}>{a === "accepted" && !v.dispatch ? words.accept_nearby : words[a]}</button>
        ))}
        {v.clip && !isClipOpen && <button type="button" class="button" onClick={() => setClipOpen(true)}>{words.play_clip}</button>}
        <a class="button" href={`/violations/${v.id}`}>{words.details}</a>
      </div>
    </li>
  );
}

function NoteDialog({ item, what, close }: { item: InboxItem; what: Answer; close: () => void }) {
  const words = t().field;
  const [note, setNote] = useState("");
  const submit = (e: Event) => {
    e.preventDefault();
    answer(item.violation.id, what, note.trim());
    close();
  };
  return (
    <Dialog title={words.note_title(words[what])} close={close}>
      <form onSubmit={submit}>
        <label for="answer-note">{words.note}</label>
        <textarea id="answer-note" rows={3} maxLength={2000} value={note} onInput={(e) => setNote(e.currentTarget.value)} />
        <footer>
          <button type="button" class="button" onClick={close}>{t().common.cancel}</button>
          <button type="submit" class="button primary">{words[what]}</button>
        </footer>
      </form>
    </Dialog>
  );
}

const RADII_M = [0, 500, 1000, 1500, 3000, 5000, 10_000];

function BeatDialog({ close }: { close: () => void }) {
  const words = t().field;
  const [beat, setBeat] = useState<Beat | null>(null);
  const [error, setError] = useState<unknown>(null);
  useEffect(() => {
    get<Beat>("/field/beat").then(setBeat, setError);
    void loadCameras().catch(setError);
  }, []);
  const known = (of: (c: (typeof cameras.value)[number]) => string | null, chosen: string[]) =>
    [...new Set([...cameras.value.map(of), ...chosen])].filter((w): w is string => !!w).sort();
  const toggle = (list: string[], word: string) => (list.includes(word) ? list.filter((w) => w !== word) : [...list, word]);
  const save = async (e: Event) => {
    e.preventDefault();
    try {
      await put<Beat>("/field/beat", beat);
      toast(words.beat_saved);
      close();
    } catch (failure) {
      setError(failure);
    }
  };
  return (
    <Dialog title={words.beat} close={close}>
      <form onSubmit={save}>
        <p class="hint">{words.beat_why}</p>
        {!beat && !error && <Loading />}
        {beat && <>
          <fieldset class="choices"><legend>{words.roads}</legend>
            {known((c) => c.road, [...beat.roads, ...inbox.value.map((i) => i.violation.road ?? "")]).map((r) => <label key={r}><input type="checkbox" checked={beat.roads.includes(r)} onChange={() => setBeat({ ...beat, roads: toggle(beat.roads, r) })} />{r}</label>)}
          </fieldset>
          <fieldset class="choices"><legend>{words.cameras}</legend>
            {known((c) => c.id, beat.cameras).map((id) => (
              <label key={id}><input type="checkbox" checked={beat.cameras.includes(id)} onChange={() => setBeat({ ...beat, cameras: toggle(beat.cameras, id) })} />{cameras.value.find((c) => c.id === id)?.name || id}</label>
            ))}
          </fieldset>
          <label>{words.radius} <select value={beat.radius_m} onChange={(e) => setBeat({ ...beat, radius_m: Number(e.currentTarget.value) })}>
            {[...new Set([...RADII_M, beat.radius_m])].sort((a, b) => a - b).map((m) => <option key={m} value={m}>{metres(m)}</option>)}
          </select></label>
        </>}
        {error !== null && <p class="form-error" role="alert">{errorText(error)}</p>}
        <footer>
          <button type="button" class="button" onClick={close}>{t().common.cancel}</button>
          <button type="submit" class="button primary" disabled={!beat}>{t().common.save}</button>
        </footer>
      </form>
    </Dialog>
  );
}
