/** The command centre's wall: what happens, where, and what is done about it. */
import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { me } from "../api";
import { cameras, loadRoads, now, units, zone } from "../city";
import { t } from "../i18n";
import { isOpen, NO_FILTER, select, type Alerts, type WallFilter } from "../lib/alerts";
import { isLate } from "../lib/clock";
import { useGet } from "../lib/poll";
import { clockTime, dayOf, dayTime, zonedToUtc } from "../lib/time";
import { alerts, isLoaded, noteDispatch, noteReview, openWall } from "../live/wall";
import { go } from "../router";
import { KINDS, SEVERITIES, type Camera, type Hotspot, type Violation } from "../types";
import { Heading } from "../ui/heading";
import { Check, Cross, Keyboard, Open, Question, Send } from "../ui/icons";
import { Ago, DRIFT_PX, STATE_RANK } from "../ui/camera";
import { Kpis, Tendency, WEEKS } from "../ui/kpis";
import { CityMap, type AlertSpot } from "../ui/map";
import { Dialog, DispatchMark, DueMark, Empty, fixed, KindMark, Loading, measured, Panel, place, ReviewMark, SeverityMark } from "../ui/parts";
import { livePhase } from "../ui/shell";
import { Still } from "../ui/still";
import { decide, DispatchDialog, ReasonDialog } from "../ui/triage";

const NEW_MS = 60_000;

export function Wall() {
  const words = t();
  const role = me.value!.role;
  const mayDecide = role === "command";
  const [filter, setFilter] = useState<WallFilter>(NO_FILTER);
  const [selectedId, setSelected] = useState<string | null>(null);
  const [asked, setAsked] = useState<"reject" | "dispatch" | "keys" | null>(null);
  const list = useRef<HTMLOListElement>(null);

  useEffect(() => {
    const stream = openWall({ units: role === "command" || role === "admin" });
    const stop = stream.phase.subscribe((p) => (livePhase.value = p));
    stream.start();
    void loadRoads().catch(() => undefined);
    return () => {
      stream.stop();
      stop();
      livePhase.value = null;
    };
  }, []);

  const shown = select(alerts.value, filter, filter.state === "late" ? now.value : 0);
  const selected = alerts.value.find((v) => v.id === selectedId) ?? null;
  const choose = useCallback((id: string) => setSelected(id), []);

  const focusOn = (v: Violation | undefined) => {
    if (!v) return;
    setSelected(v.id);
    requestAnimationFrame(() => list.current?.querySelector<HTMLElement>(`[data-id="${v.id}"]`)?.focus());
  };
  const step = (by: number) => {
    const at = shown.findIndex((v) => v.id === selectedId);
    focusOn(shown[at < 0 ? 0 : Math.max(0, Math.min(shown.length - 1, at + by))]);
  };
  const review = async (verdict: "confirmed" | "unclear") => {
    if (!selected) return;
    const done = await decide(selected, verdict);
    if (done) noteReview(selected.id, done);
  };

  // at once, not after the next paint: a key must never decide on what was selected before
  useLayoutEffect(() => {
    const keys = (e: KeyboardEvent) => {
      const target = e.target as HTMLElement;
      if (asked || e.ctrlKey || e.metaKey || e.altKey) return;
      if (/^(INPUT|SELECT|TEXTAREA)$/.test(target.tagName)) {
        if (e.key === "Escape") target.blur();
        return;
      }
      const key = e.key.length === 1 ? e.key.toLowerCase() : e.key;
      if (key === "ArrowDown" || key === "j") step(1);
      else if (key === "ArrowUp" || key === "k") step(-1);
      else if (key === "Home") focusOn(shown[0]);
      else if (key === "/") document.getElementById("wall-text")?.focus();
      else if (key === "?") setAsked("keys");
      else if (key === "Enter" && selected && target.closest(".alerts")) go(`/violations/${selected.id}`);
      else if (!mayDecide || !selected) return;
      else if (key === "c") void review("confirmed");
      else if (key === "u") void review("unclear");
      else if (key === "r") setAsked("reject");
      else if (key === "d") setAsked("dispatch");
      else return;
      e.preventDefault();
    };
    addEventListener("keydown", keys);
    return () => removeEventListener("keydown", keys);
  });

  return (
    <div class="wall">
      <h1 class="unseen">{words.wall.title}</h1>
      <Kpis />
      <Panel title={words.wall.alerts} className="wall-alerts"
             tools={<>
               <span class="count">{words.wall.shown(shown.length, alerts.value.length)}</span>
               <button type="button" class="plain" aria-label={words.wall.keys} title={`${words.wall.keys} (?)`} onClick={() => setAsked("keys")}><Keyboard /></button>
             </>}>
        <FilterBar filter={filter} set={setFilter} />
        <AlertList list={list} shown={shown} selectedId={selectedId} choose={choose} isFiltered={filter !== NO_FILTER} clear={() => setFilter(NO_FILTER)} />
      </Panel>
      <Panel title={words.wall.map} className="wall-map">
        <WallMap shown={shown} selectedId={selectedId} onSpot={(id) => focusOn(alerts.value.find((v) => v.id === id))} />
      </Panel>
      <Panel title={words.wall.selected} className="wall-selected">
        {selected
          ? <Selected v={selected} mayDecide={mayDecide} confirm={() => void review("confirmed")} unclear={() => void review("unclear")} ask={setAsked} />
          : <Empty title={words.wall.no_selection} why={words.wall.no_selection_why} />}
      </Panel>
      <Panel title={words.wall.cameras} className="wall-cameras"><CameraHealth /></Panel>
      <Panel title={words.wall.hotspots} className="wall-hotspots"><HotspotList /></Panel>
      {asked === "reject" && selected && <ReasonDialog v={selected} verdict="rejected" close={() => setAsked(null)} done={(r) => noteReview(selected.id, r)} />}
      {asked === "dispatch" && selected && <DispatchDialog v={selected} close={() => setAsked(null)} done={noteDispatch} />}
      {asked === "keys" && <Keys close={() => setAsked(null)} />}
    </div>
  );
}

function Keys({ close }: { close: () => void }) {
  return (
    <Dialog title={t().wall.keys} close={close}>
      <dl class="keys">
        {t().wall.keys_list.map(([key, what]) => <div key={key}><dt><kbd>{key}</kbd></dt><dd>{what}</dd></div>)}
      </dl>
      <footer><button type="button" class="button" onClick={close}>{t().common.close}</button></footer>
    </Dialog>
  );
}

function FilterBar({ filter, set }: { filter: WallFilter; set: (f: WallFilter) => void }) {
  const words = t().wall;
  const districts = useMemo(() => [...new Set([...cameras.value.map((c) => c.district), ...alerts.value.map((v) => v.district)])]
    .filter((d): d is string => !!d).sort(), [cameras.value, alerts.value]);
  const change = (name: keyof WallFilter) => (e: Event) => {
    const next = { ...filter, [name]: (e.currentTarget as HTMLInputElement).value };
    set(Object.values(next).every((w) => !w) ? NO_FILTER : next);
  };
  return (
    <form class="filters" onSubmit={(e) => e.preventDefault()}>
      <select aria-label={words.filter_kind} value={filter.kind} onChange={change("kind")}>
        <option value="">{words.kinds_all}</option>
        {KINDS.map((k) => <option key={k} value={k}>{t().kind[k]}</option>)}
      </select>
      <select aria-label={words.filter_severity} value={filter.severity} onChange={change("severity")}>
        <option value="">{words.severities_all}</option>
        {SEVERITIES.slice(1).map((s) => <option key={s} value={s}>{t().severity[s]} {words.and_above}</option>)}
      </select>
      <select aria-label={words.filter_state} value={filter.state} onChange={change("state")}>
        <option value="">{words.state_all}</option>
        <option value="open">{words.state_open}</option>
        <option value="late">{words.state_late}</option>
        <option value="dispatched">{words.state_dispatched}</option>
      </select>
      {districts.length > 1 && (
        <select aria-label={words.filter_district} value={filter.district} onChange={change("district")}>
          <option value="">{words.districts_all}</option>
          {districts.map((d) => <option key={d}>{d}</option>)}
        </select>
      )}
      <input id="wall-text" type="search" aria-label={words.filter_text} placeholder={words.filter_text} value={filter.text} onInput={change("text")} />
    </form>
  );
}

function AlertList({ list, shown, selectedId, choose, isFiltered, clear }: {
  list: { current: HTMLOListElement | null }; shown: Alerts; selectedId: string | null;
  choose: (id: string) => void; isFiltered: boolean; clear: () => void;
}) {
  const words = t().wall;
  if (!isLoaded.value) return <Loading />;
  if (!shown.length && isFiltered) {
    return <Empty title={words.empty_filter} why={words.empty_filter_why}><button type="button" class="button" onClick={clear}>{words.clear}</button></Empty>;
  }
  if (!shown.length) return <Empty title={words.empty} why={words.empty_why} />;
  return (
    <ol class="alerts" ref={list}>
      {shown.map((v) => <AlertRow key={v.id} v={v} isSelected={v.id === selectedId} choose={choose} />)}
    </ol>
  );
}

function AlertRow({ v, isSelected, choose }: { v: Violation; isSelected: boolean; choose: (id: string) => void }) {
  const words = t(), m = measured(v);
  return (
    <li class={`alert severity-${v.severity} ${isOpen(v) ? "open" : "decided"} ${isSelected ? "selected" : ""}`}>
      <button type="button" data-id={v.id} aria-current={isSelected ? "true" : undefined} onClick={() => choose(v.id)}
              onDblClick={() => go(`/violations/${v.id}`)}>
        <Still v={v} />
        <span class="alert-head">
          <KindMark kind={v.kind} /><SeverityMark severity={v.severity} />
          <time dateTime={v.occurred_at}>{clockTime(v.occurred_at, zone())}</time>
        </span>
        <span class="alert-value">
          {m ? <><b>{m.value.toFixed(1)}</b> {m.unit}<small> / {words.common.limit} {fixed(m.limit, 0)}</small></> : <small>{words.common.unnamed}</small>}
        </span>
        <span class="alert-place">{place(v)}{v.class && v.class !== "unknown" ? ` · ${words.class[v.class] ?? v.class}` : ""}</span>
        <span class="alert-marks">
          {v.review !== "new" && <ReviewMark state={v.review} />}
          {v.dispatch && <DispatchMark state={v.dispatch.state} unit={v.dispatch.unit_name} />}
          <DueMark clock={v.clock} />
        </span>
      </button>
    </li>
  );
}

function spotsOf(shown: Alerts, selectedId: string | null): AlertSpot[] {
  const spots = new Map<string, AlertSpot>();
  const time = Date.now();
  for (const v of shown) {
    if (v.lat === null || v.lon === null) continue;
    if (!isOpen(v) && v.id !== selectedId && time - Date.parse(v.stored_at) > 1_800_000) continue;
    const spot = spots.get(v.camera);
    if (!spot) {
      spots.set(v.camera, {
        id: v.id, lat: v.lat, lon: v.lon, n: 1, kind: v.kind, severity: v.severity, name: place(v),
        isLate: isLate(v.clock, time), isSelected: v.id === selectedId, isNew: time - Date.parse(v.stored_at) < NEW_MS,
      });
      continue;
    }
    spot.n++;
    spot.isLate ||= isLate(v.clock, time);
    spot.isSelected ||= v.id === selectedId;
    if (SEVERITIES.indexOf(v.severity) > SEVERITIES.indexOf(spot.severity)) spot.severity = v.severity;
  }
  return [...spots.values()];
}

function WallMap({ shown, selectedId, onSpot }: { shown: Alerts; selectedId: string | null; onSpot: (id: string) => void }) {
  const spots = useMemo(() => spotsOf(shown, selectedId), [shown, selectedId, Math.floor(now.value / 15_000)]);
  return <CityMap cameras={cameras.value} units={units.value} spots={spots} onSpot={onSpot} />;
}

function Selected({ v, mayDecide, confirm, unclear, ask }: {
  v: Violation; mayDecide: boolean; confirm: () => void; unclear: () => void; ask: (what: "reject" | "dispatch") => void;
}) {
  const words = t(), m = measured(v);
  return (
    <div class="selected-alert">
      <Still v={v} isLarge />
      <div class="selected-head"><KindMark kind={v.kind} /><SeverityMark severity={v.severity} /><ReviewMark state={v.review} /><DueMark clock={v.clock} /></div>
      {m && (
        <p class="selected-value">
          <b>{m.value.toFixed(1)}</b> ± {fixed(m.u)} {m.unit}
          <small>{words.evidence.charged} {fixed(m.charged)} · {words.common.limit} {fixed(m.limit, 0)}</small>
        </p>
      )}
      <dl class="facts">
        <div><dt>{words.evidence.place}</dt><dd>{place(v)}{v.district ? ` · ${v.district}` : ""}</dd></div>
        <div><dt>{words.evidence.occurred}</dt><dd>{dayTime(v.occurred_at, zone())}</dd></div>
        <div><dt>{words.evidence.class}</dt><dd>{v.track === null ? words.wall.track_none : words.class[v.class ?? "unknown"] ?? v.class} <Heading v={v} /></dd></div>
        {v.plate && <div><dt>{words.evidence.plate}</dt><dd>{v.plate}</dd></div>}
        {v.dispatch && <div><dt>{words.wall.unit}</dt><dd><DispatchMark state={v.dispatch.state} unit={v.dispatch.unit_name} /></dd></div>}
      </dl>
      <div class="actions">
        {mayDecide && <>
          <button type="button" class="button good" onClick={confirm}><Check />{words.wall.confirm}<kbd>C</kbd></button>
          <button type="button" class="button danger" onClick={() => ask("reject")}><Cross />{words.wall.reject}<kbd>R</kbd></button>
          <button type="button" class="button" onClick={unclear}><Question />{words.wall.unclear}<kbd>U</kbd></button>
          <button type="button" class="button primary" onClick={() => ask("dispatch")}><Send />{words.wall.dispatch}<kbd>D</kbd></button>
        </>}
        <a class="button" href={`/violations/${v.id}`}><Open />{words.wall.evidence}<kbd>↵</kbd></a>
      </div>
      {!mayDecide && <p class="hint">{words.wall.read_only}</p>}
    </div>
  );
}

function CameraHealth() {
  const words = t();
  const sorted = [...cameras.value].sort((a, b) => STATE_RANK[a.state] - STATE_RANK[b.state] || a.id.localeCompare(b.id));
  if (!isLoaded.value) return <Loading />;
  if (!sorted.length) return <Empty title={words.wall.no_cameras} why={words.wall.no_cameras_why} />;
  return (
    <ul class="camera-list">
      {sorted.map((c) => <CameraLine key={c.id} c={c} />)}
    </ul>
  );
}

function CameraLine({ c }: { c: Camera }) {
  const words = t();
  return (
    <li class={`camera camera-${c.state}`}>
      <span class="camera-name" title={c.id}><i class="dot" aria-hidden="true" />{c.name || c.id}</span>
      <span class="camera-state">{words.camera_state[c.state]}</span>
      <span class="camera-figures">
        {c.fps !== null && <span>{c.fps.toFixed(0)} fps</span>}
        {c.level_db !== null && <span>{c.level_db.toFixed(0)} dB</span>}
        {c.drift_px !== null && c.drift_px > DRIFT_PX && <span class="warn" title={words.cameras.drift_bad}>{words.cameras.drift} {c.drift_px.toFixed(1)} px</span>}
        {c.state !== "live" && c.last_frame_at && <Ago at={c.last_frame_at} />}
      </span>
    </li>
  );
}

function HotspotList() {
  const words = t();
  const from = zonedToUtc(dayOf(now.value, zone()) + "T00:00", zone());
  const { data } = useGet<{ hotspots: Hotspot[] }>("/kpis/hotspots", { from, weeks: WEEKS, limit: 8 }, 60_000);
  if (!data) return <Loading />;
  if (!data.hotspots.length) return <p class="hint">{words.wall.no_hotspots}</p>;
  const most = Math.max(...data.hotspots.map((h) => h.n));
  return (
    <ol class="hotspots">
      {data.hotspots.map((h) => (
        <li key={h.camera}>
          <a href={`/history?camera=${encodeURIComponent(h.camera)}`}>{place(h)}</a>
          <meter min={0} max={most} value={h.n} aria-label={place(h)} />
          <b>{h.n}</b><Tendency c={h} />
        </li>
      ))}
    </ol>
  );
}
