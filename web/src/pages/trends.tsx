/** How it goes: per hour by kind, against earlier weeks, hot spots, the response clock. */
import { useState } from "preact/hooks";
import { zone } from "../city";
import { t } from "../i18n";
import { useGet } from "../lib/poll";
import { dayTime, span } from "../lib/time";
import { KINDS, type Change, type Hotspot, type Hour, type StageFigures } from "../types";
import { HourBars, KindLegend, total } from "../ui/bars";
import { Tendency } from "../ui/kpis";
import { Empty, Failed, KindMark, Loading, Panel, place } from "../ui/parts";

const HOURS = { day: 24, week: 7 * 24, month: 28 * 24 } as const;
type Range = keyof typeof HOURS;
const WEEKS = [1, 2, 4, 8, 12];
const EVERY_MS = 60_000;

/** To the next full hour, so that the same question is asked until then. */
function since(range: Range): string {
  const hour = 3_600_000;
  return new Date((Math.floor(Date.now() / hour) + 1) * hour - HOURS[range] * hour).toISOString();
}

export function Trends() {
  const words = t().trends;
  const [range, setRange] = useState<Range>("day");
  const [weeks, setWeeks] = useState(4);
  const from = since(range);
  return (
    <div class="page trends">
      <header class="page-head">
        <h1>{words.title}</h1>
        <div role="group" aria-label={words.range} class="group">
          {(Object.keys(HOURS) as Range[]).map((r) => <button type="button" key={r} class="button" aria-pressed={r === range} onClick={() => setRange(r)}>{words[r]}</button>)}
        </div>
        <label>{words.weeks} <select value={weeks} onChange={(e) => setWeeks(Number(e.currentTarget.value))}>{WEEKS.map((w) => <option key={w} value={w}>{w}</option>)}</select></label>
      </header>
      <Hours from={from} />
      <Changes from={from} weeks={weeks} />
      <Responses from={from} />
      <Spots from={from} weeks={weeks} />
    </div>
  );
}

function Hours({ from }: { from: string }) {
  const words = t().trends;
  const { data, error, reload } = useGet<{ hours: Hour[] }>("/kpis/hours", { from }, EVERY_MS);
  const isEmpty = data && !data.hours.some((h) => total(h));
  return (
    <Panel title={words.per_hour} className="trends-hours" tools={<KindLegend />}>
      {!data ? (error ? <Failed error={error} retry={reload} /> : <Loading />)
        : isEmpty ? <Empty title={words.empty} why={words.empty_why} />
        : (
          <div class="panel-body">
            <HourBars hours={data.hours} label={words.per_hour} />
            <p class="hint">{words.note}</p>
            <details>
              <summary>{words.table}</summary>
              <div class="table-wrap" tabIndex={0}><table>
                <thead><tr><th>{t().history.time}</th>{KINDS.map((k) => <th key={k} class="number">{t().kind[k]}</th>)}<th class="number">{words.total}</th></tr></thead>
                <tbody>{data.hours.filter(total).map((h) => <tr key={h.at}><td>{dayTime(h.at, zone())}</td>{KINDS.map((k) => <td key={k} class="number">{h[k]}</td>)}<td class="number">{total(h)}</td></tr>)}</tbody>
              </table></div>
            </details>
          </div>
        )}
    </Panel>
  );
}

function Changes({ from, weeks }: { from: string; weeks: number }) {
  const words = t().trends;
  const { data, error, reload } = useGet<{ kinds: Change[] }>("/kpis/change", { from, weeks }, EVERY_MS);
  return (
    <Panel title={words.change}>
      {!data ? (error ? <Failed error={error} retry={reload} /> : <Loading />) : (
        <div class="table-wrap" tabIndex={0}><table>
          <thead><tr><th>{t().history.kind}</th><th class="number">{words.n}</th><th class="number">{words.before}</th><th class="number">{words.change_head}</th></tr></thead>
          <tbody>{data.kinds.map((c) => <tr key={c.kind}><td><KindMark kind={c.kind} /></td><td class="number">{c.n}</td><td class="number">{c.before.toFixed(1)}</td><td class="number"><Tendency c={c} /></td></tr>)}</tbody>
        </table></div>
      )}
    </Panel>
  );
}

function Responses({ from }: { from: string }) {
  const words = t().trends;
  const { data, error, reload } = useGet<{ stages: StageFigures[] }>("/kpis/response", { from }, EVERY_MS);
  return (
    <Panel title={words.response}>
      {!data ? (error ? <Failed error={error} retry={reload} /> : <Loading />) : (
        <div class="table-wrap" tabIndex={0}><table>
          <thead><tr><th>{words.stage}</th><th class="number">{words.within}</th><th class="number">{words.met}</th><th class="number">{words.late}</th><th class="number">{words.waiting}</th><th class="number">{words.median}</th></tr></thead>
          <tbody>
            {data.stages.map((s) => (
              <tr key={s.stage}>
                <td>{t().stage[s.stage]}</td><td class="number">{span(s.within_s * 1000)}</td><td class="number">{s.n_met}</td>
                <td class={`number ${s.n_late ? "bad" : ""}`}>{s.n_late}</td><td class="number">{s.n_waiting}</td>
                <td class="number">{s.median_s === null ? "–" : span(s.median_s * 1000)}</td>
              </tr>
            ))}
          </tbody>
        </table></div>
      )}
    </Panel>
  );
}

function Spots({ from, weeks }: { from: string; weeks: number }) {
  const words = t().trends;
  const { data, error, reload } = useGet<{ hotspots: Hotspot[] }>("/kpis/hotspots", { from, weeks, limit: 20 }, EVERY_MS);
  const most = Math.max(1, ...(data?.hotspots ?? []).map((h) => h.n));
  return (
    <Panel title={words.hotspots} className="trends-spots">
      {!data ? (error ? <Failed error={error} retry={reload} /> : <Loading />)
        : !data.hotspots.length ? <Empty title={words.empty} why={words.empty_why} />
        : (
          <div class="table-wrap" tabIndex={0}><table>
            <thead><tr><th>{words.place}</th><td /><th class="number">{words.n}</th><th class="number">{words.before}</th><th class="number">{words.change_head}</th></tr></thead>
            <tbody>
              {data.hotspots.map((h) => (
                <tr key={h.camera}>
                  <td><a href={`/history?camera=${encodeURIComponent(h.camera)}&from=${encodeURIComponent(from)}`}>{place(h)}</a>{h.district ? ` · ${h.district}` : ""}</td>
                  <td class="bar-cell"><meter min={0} max={most} value={h.n} aria-label={place(h)} /></td>
                  <td class="number">{h.n}</td><td class="number">{h.before.toFixed(1)}</td><td class="number"><Tendency c={h} /></td>
                </tr>
              ))}
            </tbody>
          </table></div>
        )}
    </Panel>
  );
}
