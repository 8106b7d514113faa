/** One violation: what was measured, the pictures, who decided what; and the sheet that is printed. */
import { useEffect, useState } from "preact/hooks";
import { ApiError, fileUrl, me } from "../api";
import { zone } from "../city";
import { t } from "../i18n";
import { useGet } from "../lib/poll";
import { frameStep } from "../lib/samples";
import { fullTime, span } from "../lib/time";
import type { Evidence, EvidenceFile, EvidenceRecord, Samples, Verdict, Violation } from "../types";
import { Heading } from "../ui/heading";
import { Print, Send, Shield } from "../ui/icons";
import { DispatchMark, DueMark, Empty, Failed, fixed, KindMark, Loading, measured, Panel, place, ReviewMark, SeverityMark } from "../ui/parts";
import { Clip } from "../ui/clip";
import { SpeedPlot, ThirdOctaves } from "../ui/plots";
import { decide, DispatchDialog, ReasonDialog } from "../ui/triage";

export function EvidencePage({ id }: { id: string }) {
  const { data, error, isLoading, reload } = useGet<Evidence>(`/violations/${encodeURIComponent(id)}`);
  const words = t();
  if (error && !data) {
    const isGone = error instanceof ApiError && [400, 404, 422].includes(error.status);
    return isGone
      ? <Empty title={words.evidence.gone} why={words.errors.not_found}><a class="button" href="/">{words.common.home}</a></Empty>
      : <Failed error={error} retry={reload} />;
  }
  if (isLoading || !data) return <Loading />;
  return <Sheet e={data} reload={reload} />;
}

function Sheet({ e, reload }: { e: Evidence; reload: () => void }) {
  const words = t(), v = e.violation;
  const samplesFile = find(e, "samples");
  const samples = useFile<Samples>(samplesFile && fileUrl(v.id, samplesFile.name));
  const isSound = v.kind === "modified_exhaust";
  return (
    <article class="page evidence">
      <header class="page-head evidence-head">
        <h1><KindMark kind={v.kind} /> {place(v)}</h1>
        <SeverityMark severity={v.severity} /><ReviewMark state={v.review} /><DueMark clock={v.clock} />
        {e.is_held && <span class="mark warn">{words.evidence.held}</span>}
        <button type="button" class="button no-print" onClick={() => print()}><Print />{words.common.print}</button>
      </header>
      <p class="print-only">{words.evidence.sheet} · {v.id}</p>
      <div class="evidence-main">
        <Pictures e={e} />
        {v.clip && e.files.length > 0 && <Clip v={v} step={frameStep(samples?.passage?.path)} samples={samples} record={e.record} />}
        {isSound ? <SoundPanel e={e} /> : <Panel title={words.evidence.speed_plot}><SpeedPlot samples={samples} v={v} /></Panel>}
      </div>
      <aside class="evidence-side">
        <Signature e={e} />
        <Decide e={e} reload={reload} />
        <Facts v={v} record={e.record} />
        {e.record && <Device record={e.record} />}
        <Clock v={v} />
        <HistoryPanel e={e} />
        {e.files.length > 0 && <Files e={e} samples={samples} />}
      </aside>
      <footer class="print-only sheet-foot">
        <p>{words.evidence.sheet_note}</p>
        <p>{words.evidence.printed}: {fullTime(new Date().toISOString(), zone())} · {words.evidence.printed_by} {me.value?.name || me.value?.login}</p>
        <p class="sign-here">{words.evidence.sign_here}</p>
      </footer>
    </article>
  );
}

export const find = (e: Evidence, role: string): EvidenceFile | undefined => e.files.find((f) => f.role === role && f.is_present);

/** A JSON file of the evidence; null until it is there, or when it cannot be had. */
function useFile<T>(url: string | undefined): T | null {
  const [data, setData] = useState<T | null>(null);
  useEffect(() => {
    if (!url) return;
    const abort = new AbortController();
    fetch(url, { signal: abort.signal, credentials: "same-origin" })
      .then((r) => (r.ok ? r.json() : null))
      .then(setData)
      .catch(() => undefined);
    return () => abort.abort();
  }, [url]);
  return data;
}

const PICTURES = ["composed", "still", "closeup", "bearing"];

function Pictures({ e }: { e: Evidence }) {
  const words = t().evidence;
  const pictures = e.files.filter((f) => PICTURES.includes(f.role) && f.is_present)
    .sort((a, b) => PICTURES.indexOf(a.role) - PICTURES.indexOf(b.role) || a.name.localeCompare(b.name));
  const [name, setName] = useState<string | null>(null);
  const shown = pictures.find((p) => p.name === name) ?? pictures[0];
  const label = (f: EvidenceFile) => {
    if (f.role === "composed") return words.composed;
    if (f.role === "closeup") return words.closeup;
    if (f.role === "bearing") return words.bearing;
    const stills = pictures.filter((p) => p.role === "still");
    return `${words.stills} ${stills.indexOf(f) + 1}`;
  };
  if (!e.files.length) return <Panel title={words.stills}><Empty title={words.no_files} why={words.no_files_why} /></Panel>;
  if (!shown) return <Panel title={words.stills}><p class="hint">{words.no_picture}</p></Panel>;
  const url = fileUrl(e.violation.id, shown.name);
  return (
    <Panel title={label(shown)} className="pictures" tools={<a class="plain no-print" href={url} target="_blank" rel="noreferrer">{words.open_large}</a>}>
      <a href={url} target="_blank" rel="noreferrer" class="picture"><img src={url} alt={`${label(shown)}: ${place(e.violation)}`} /></a>
      {pictures.length > 1 && (
        <div class="thumbs no-print" role="group" aria-label={words.stills}>
          {pictures.map((p) => (
            <button type="button" key={p.name} aria-pressed={p === shown} onClick={() => setName(p.name)}>
              <img src={fileUrl(e.violation.id, p.name)} alt="" loading="lazy" /><span>{label(p)}</span>
            </button>
          ))}
        </div>
      )}
    </Panel>
  );
}

function SoundPanel({ e }: { e: Evidence }) {
  const words = t().evidence, v = e.violation;
  const level = find(e, "level"), spectrogram = find(e, "spectrogram"), sound = find(e, "sound");
  const octaves = e.record?.violation.noise?.third_octaves_db;
  if (!e.files.length) return null;
  return (
    <Panel title={words.sound}>
      <div class="panel-body sound">
        {sound && <audio class="no-print" controls preload="metadata" src={fileUrl(v.id, sound.name)} aria-label={words.sound} />}
        {level && <figure><img src={fileUrl(v.id, level.name)} alt={words.level} /><figcaption>{words.level}</figcaption></figure>}
        {spectrogram && <figure><img src={fileUrl(v.id, spectrogram.name)} alt={words.spectrogram} /><figcaption>{words.spectrogram}</figcaption></figure>}
        {octaves && <figure><ThirdOctaves db={octaves} /><figcaption>{words.third_octaves}</figcaption></figure>}
      </div>
    </Panel>
  );
}

function Signature({ e }: { e: Evidence }) {
  const words = t().evidence, s = e.signature;
  const state = s.verified === null ? "unchecked" : s.verified ? "good" : "bad";
  const title = s.verified === null ? words.not_checked : s.verified ? words.verified : words.unverified;
  return (
    <section class={`signature ${state}`} aria-label={words.signature}>
      <h2><Shield />{title}</h2>
      <p>{s.verified ? words.verified_why : s.reason}</p>
      {s.record_sha256 && <p><small>{words.record_hash}</small> <span class="hash">{s.record_sha256}</span></p>}
      {s.public_key && <p><small>{words.key}</small> <span class="hash">{s.public_key}</span></p>}
      {e.record && (
        <p><small>{words.chain}</small> {e.record.node} · {words.sequence} {e.record.sequence} · <small>{words.previous}</small>{" "}
          <span class="hash">{/^0+$/.test(e.record.prev_sha256) ? words.first : e.record.prev_sha256}</span></p>
      )}
    </section>
  );
}

function Decide({ e, reload }: { e: Evidence; reload: () => void }) {
  const words = t();
  const [asked, setAsked] = useState<"rejected" | "withdrawn" | "dispatch" | null>(null);
  const [plate, setPlate] = useState(e.violation.plate ?? "");
  if (me.value?.role !== "command") return null;
  const act = async (verdict: Verdict) => {
    if (verdict === "rejected" || verdict === "withdrawn") return setAsked(verdict);
    // refused or not, what is there now is shown
    await decide(e.violation, verdict, "", plate.trim());
    reload();
  };
  const look = { confirmed: "good", rejected: "danger", withdrawn: "danger", issued: "primary", unclear: "" };
  return (
    <Panel title={words.evidence.decide} className="no-print">
      <div class="panel-body decide">
        {e.next_steps.some((s) => s === "confirmed" || s === "issued") && (
          <label>{words.triage.plate} <input value={plate} maxLength={20} onInput={(i) => setPlate(i.currentTarget.value)} /></label>
        )}
        <div class="actions">
          {e.next_steps.map((s) => <button type="button" key={s} class={`button ${look[s]}`} onClick={() => void act(s)}>{words.verdict[s]}</button>)}
          <button type="button" class="button" onClick={() => setAsked("dispatch")}><Send />{words.wall.dispatch}</button>
        </div>
        {!e.next_steps.length && <p class="hint">{words.evidence.steps_none}</p>}
      </div>
      {(asked === "rejected" || asked === "withdrawn") && <ReasonDialog v={e.violation} verdict={asked} close={() => { setAsked(null); reload(); }} done={reload} />}
      {asked === "dispatch" && <DispatchDialog v={e.violation} close={() => setAsked(null)} done={reload} />}
    </Panel>
  );
}

type Row = [string, preact.ComponentChildren];

function FactList({ rows }: { rows: Row[] }) {
  return (
    <dl class="facts panel-body">
      {rows.filter(([, value]) => value !== null && value !== undefined && value !== false && value !== "").map(([name, value]) => <div key={name}><dt>{name}</dt><dd>{value}</dd></div>)}
    </dl>
  );
}

const decibels = (n: number | null | undefined) => (n === null || n === undefined ? null : `${n.toFixed(1)} dB`);

function Facts({ v, record }: { v: Violation; record: EvidenceRecord | null }) {
  const words = t().evidence, all = t(), m = measured(v);
  const noise = record?.violation.noise, incident = record?.violation.incident;
  const rows: Row[] = [
    [words.measured, m && <b class="big">{m.value.toFixed(1)} {m.unit}</b>],
    [words.uncertainty, m?.u != null && `± ${m.u.toFixed(2)} ${m.unit}`],
    [words.charged, m?.charged != null && `${m.charged.toFixed(1)} ${m.unit}`],
    [words.limit, m?.limit != null && `${m.limit.toFixed(0)} ${m.unit}`],
    [words.over, m?.charged != null && m.limit ? (v.kind === "modified_exhaust" ? `${(m.charged - m.limit).toFixed(1)} dB` : `${(m.charged - m.limit).toFixed(1)} ${m.unit} (${Math.round((m.charged / m.limit - 1) * 100)} %)`) : null],
    [words.background, decibels(noise?.background_db)], [words.normalised, decibels(noise?.lafmax_7m5_db)],
    [words.lae, decibels(noise?.lae_db)], [words.laeq, decibels(noise?.laeq_db)], [words.lcpeak, decibels(noise?.lcpeak_db)],
    [words.azimuth, noise?.azimuth_deg != null && `${noise.azimuth_deg.toFixed(1)}°`],
    [words.confidence, v.confidence !== null && `${Math.round(v.confidence * 100)} %`],
    [words.occurred, fullTime(v.occurred_at, zone())],
    [words.place, [v.camera_name, v.road, v.district].filter(Boolean).join(" · ")],
    [words.direction, v.direction && <Heading v={v} />],
    [words.class, v.track === null ? all.wall.track_none : `${all.class[v.class ?? "unknown"] ?? v.class} · ${words.track} ${v.track}`],
    [words.plate, v.plate],
    [words.vehicles, incident && incident.vehicles > 1 && `${incident.vehicles}${incident.members.length ? ": " + incident.members.map((x) => fixed(x.charged, 0)).join(" / ") : ""}`],
    [words.incident, v.incident && (me.value?.role === "field" ? v.incident : <a href={`/history?incident=${encodeURIComponent(v.incident)}`}>{v.incident}</a>)],
  ];
  return <Panel title={words.facts}><FactList rows={rows} /></Panel>;
}

function Device({ record }: { record: EvidenceRecord }) {
  const words = t().evidence, c = record.camera;
  return (
    <Panel title={words.device}>
      <FactList rows={[
        [words.node, record.node], [words.software, record.software], [words.config, <span class="hash">{record.config_sha256.slice(0, 16)}…</span>],
        [words.certificate, c.certificate], [words.calibrated, c.calibrated_on], [words.mic_calibrated, c.microphone_calibrated_on],
        [words.sealed, fullTime(record.sealed_at, zone())],
        [words.clock_offset, record.clock_offset_s !== null && `${(record.clock_offset_s * 1000).toFixed(1)} ms`],
      ]} />
    </Panel>
  );
}

function Clock({ v }: { v: Violation }) {
  const words = t();
  return (
    <Panel title={words.evidence.clock}>
      <ol class="clock-list panel-body">
        {v.clock.map((c) => {
          const met = c.met_at && Date.parse(c.met_at), due = Date.parse(c.due_at);
          const state = met ? (met <= due ? "met" : "met_late") : due < Date.now() ? "overdue" : "waiting";
          return (
            <li key={c.stage} class={state}>
              <b>{words.stage[c.stage]}</b>
              <span>{words.clock[state]}{met ? ` · ${span(met - Date.parse(v.stored_at))}` : ""}</span>
              <small>{fullTime(c.met_at ?? c.due_at, zone())}</small>
            </li>
          );
        })}
      </ol>
    </Panel>
  );
}

function HistoryPanel({ e }: { e: Evidence }) {
  const words = t();
  const lines = [
    ...e.reviews.map((r) => ({ at: r.reviewed_at, key: `r${r.id}`, who: r.reviewer?.replace(/^web:/, "") ?? "", what: <ReviewMark state={r.verdict} />, note: [r.plate, r.reason].filter(Boolean).join(" · ") })),
    ...e.dispatches.flatMap((d) => [
      { at: d.sent_at, key: `d${d.id}`, who: d.sent_by.replace(/^web:/, ""), what: <DispatchMark state="sent" unit={d.unit_name} />, note: d.note },
      ...d.answers.map((a) => ({ at: a.at, key: `d${d.id}${a.answer}`, who: d.unit_name, what: <DispatchMark state={a.answer} />, note: a.note })),
    ]),
  ].sort((a, b) => a.at.localeCompare(b.at));
  return (
    <Panel title={words.evidence.history}>
      {lines.length ? (
        <ol class="history-list panel-body">
          {lines.map((l) => <li key={l.key}><time dateTime={l.at}>{fullTime(l.at, zone()).slice(5, 19)}</time>{l.what}<span>{l.who}</span>{l.note && <p>{l.note}</p>}</li>)}
        </ol>
      ) : <p class="hint">{words.evidence.no_reviews}</p>}
    </Panel>
  );
}

const kilobytes = (n: number) => (n < 10_000 ? `${n} B` : n < 10_000_000 ? `${Math.round(n / 1000)} kB` : `${(n / 1e6).toFixed(1)} MB`);

function Files({ e, samples }: { e: Evidence; samples: Samples | null }) {
  const words = t().evidence;
  return (
    <Panel title={words.files}>
      <div class="table-wrap" tabIndex={0}>
        <table class="files">
          <thead><tr><th>{words.file}</th><th class="number">{words.size}</th><th>{words.hash}</th></tr></thead>
          <tbody>
            {e.files.map((f) => (
              <tr key={f.name} class={f.is_present ? "" : "missing"}>
                <td>{f.is_present ? <a href={fileUrl(e.violation.id, f.name)} download={f.name}>{f.name}</a> : <>{f.name} <span class="mark warn">{words.missing}</span></>}</td>
                <td class="number">{kilobytes(f.n_bytes)}</td>
                <td><span class="hash" title={f.sha256}>{f.sha256.slice(0, 12)}…</span></td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {!!samples?.missing?.length && <p class="hint">{words.missing_why}: {samples.missing.map((m) => `${m.role} (${m.reason})`).join("; ")}</p>}
    </Panel>
  );
}
