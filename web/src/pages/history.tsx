/** The history, for analysts: every filter of the API, saved searches, a table, heat maps, export. */
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { get, put, queryText, remove } from "../api";
import { cameras, loadCameras, zone } from "../city";
import { errorText, t } from "../i18n";
import { clean, FILTERS, fromAddress, inputToTime, nextSort, timeToInput, toQuery, type FilterName, type Filters, type Sort } from "../lib/filters";
import { useGet } from "../lib/poll";
import { dayTime } from "../lib/time";
import { go, search } from "../router";
import { CLASSES, KINDS, REVIEW_STATES, SEVERITIES, type HeatCell, type Hotspot, type Search, type Violation } from "../types";
import { HeatMap } from "../ui/heat";
import { Tendency } from "../ui/kpis";
import { Empty, Failed, fixed, KindMark, Loading, Panel, place, ReviewMark, SeverityMark } from "../ui/parts";
import { toast } from "../ui/toast";

const PAGE = 100;

export function History() {
  const words = t().history;
  const { filters, sort } = useMemo(() => fromAddress(search.value), [search.value]);
  const show = (f: Filters, s: Sort = sort) => go("/history" + queryText(toQuery(f, s)));
  useEffect(() => {
    if (!cameras.value.length) void loadCameras().catch(() => undefined);
  }, []);
  return (
    <div class="page history">
      <header class="page-head">
        <h1>{words.title}</h1>
        <a class="button" href={"/api/v1/export" + queryText({ ...clean(filters), format: "csv" })} download title={words.export_hint}>{words.export_csv}</a>
        <a class="button" href={"/api/v1/export" + queryText({ ...clean(filters), format: "json" })} download title={words.export_hint}>{words.export_json}</a>
      </header>
      <div class="history-side">
        <FilterForm key={search.value} filters={filters} show={show} />
        <SavedSearches filters={filters} sort={sort} />
      </div>
      <Results filters={filters} sort={sort} show={show} />
      <Heat filters={filters} />
    </div>
  );
}

// -- the filters --------------------------------------------------------------------------------

const HOUR_MS = 3_600_000;
const SPANS = { day: 24 * HOUR_MS, week: 7 * 24 * HOUR_MS, month: 28 * 24 * HOUR_MS } as const;

function FilterForm({ filters, show }: { filters: Filters; show: (f: Filters) => void }) {
  const words = t().history, all = t();
  const submit = (e: SubmitEvent) => {
    e.preventDefault();
    const form = new FormData(e.target as HTMLFormElement);
    const asked: Record<string, string> = {};
    for (const name of FILTERS) {
      const value = String(form.get(name) ?? "").trim();
      asked[name] = name === "from" || name === "to" ? inputToTime(value, zone()) : value;
    }
    show(clean(asked));
  };
  const since = (ms: number) => {
    const { to: _, ...others } = filters;
    show({ ...others, from: new Date(Date.now() - ms).toISOString() });
  };
  const choice = (name: FilterName, label: string, values: readonly string[], text: Record<string, string>) => (
    <label>{label}
      <select name={name} value={filters[name] ?? ""}>
        <option value="">{words.any}</option>
        {values.map((v) => <option key={v} value={v}>{text[v] ?? v}</option>)}
      </select>
    </label>
  );
  const text = (name: FilterName, label: string, list?: string, more: object = {}) => (
    <label>{label}<input name={name} defaultValue={filters[name] ?? ""} list={list} {...more} /></label>
  );
  const names = (of: (c: (typeof cameras.value)[number]) => string | null) =>
    [...new Set(cameras.value.map(of))].filter((w): w is string => !!w).sort();
  return (
    <Panel title={words.filters}>
      <form class="filter-form panel-body" onSubmit={submit}>
        <div class="spans">
          {(["day", "week", "month"] as const).map((s) => <button type="button" key={s} class="button" onClick={() => since(SPANS[s])}>{words.last[s]}</button>)}
        </div>
        <label>{words.from}<input type="datetime-local" name="from" defaultValue={timeToInput(filters.from, zone())} /></label>
        <label>{words.to}<input type="datetime-local" name="to" defaultValue={timeToInput(filters.to, zone())} /></label>
        {choice("kind", words.kind, KINDS, all.kind)}
        {choice("severity", words.severity, SEVERITIES, all.severity)}
        {choice("review", words.review, REVIEW_STATES, all.review)}
        {choice("class", words.class, CLASSES, all.class)}
        {choice("direction", words.direction, ["away", "toward"], all.direction)}
        {text("district", words.district, "districts", { maxLength: 120 })}
        {text("road", words.road, "roads", { maxLength: 120 })}
        {text("camera", words.camera, "cameras", { maxLength: 64 })}
        {text("plate", words.plate, undefined, { maxLength: 20 })}
        {text("incident", words.incident, undefined, { maxLength: 160 })}
        {text("min_speed", `${words.min_speed} km/h`, undefined, { type: "number", step: "any" })}
        {text("max_speed", `${words.max_speed} km/h`, undefined, { type: "number", step: "any" })}
        {text("min_level", `${words.min_level} dB`, undefined, { type: "number", step: "any" })}
        {text("max_level", `${words.max_level} dB`, undefined, { type: "number", step: "any" })}
        <datalist id="districts">{names((c) => c.district).map((d) => <option key={d} value={d} />)}</datalist>
        <datalist id="roads">{names((c) => c.road).map((d) => <option key={d} value={d} />)}</datalist>
        <datalist id="cameras">{cameras.value.map((c) => <option key={c.id} value={c.id}>{c.name}</option>)}</datalist>
        <footer>
          <button type="button" class="button" onClick={() => show({})}>{words.reset}</button>
          <button type="submit" class="button primary">{words.search}</button>
        </footer>
      </form>
    </Panel>
  );
}

function SavedSearches({ filters, sort }: { filters: Filters; sort: Sort }) {
  const words = t().history;
  const { data, reload } = useGet<{ searches: Search[] }>("/searches");
  const tell = (e: unknown) => toast(errorText(e), true);
  const save = async (e: SubmitEvent) => {
    e.preventDefault();
    const form = e.target as HTMLFormElement;
    const name = String(new FormData(form).get("name")).trim();
    if (!name) return;
    await put(`/searches/${encodeURIComponent(name)}`, { query: toQuery(filters, sort) }).then(() => form.reset(), tell);
    reload();
  };
  return (
    <Panel title={words.saved}>
      <div class="panel-body saved">
        {data && !data.searches.length && <p class="hint">{words.no_saved}</p>}
        <ul>
          {data?.searches.map((s) => (
            <li key={s.name}>
              <a href={"/history" + queryText(s.query)}>{s.name}</a>
              <button type="button" class="plain" aria-label={words.delete(s.name)} title={words.delete(s.name)}
                      onClick={() => void remove(`/searches/${encodeURIComponent(s.name)}`).catch(tell).then(reload)}>×</button>
            </li>
          ))}
        </ul>
        <form onSubmit={save} title={words.overwrite}>
          <input name="name" aria-label={`${words.save_hint}: ${words.name}`} placeholder={words.save_hint} maxLength={64} required />
          <button type="submit" class="button">{words.save_as}</button>
        </form>
      </div>
    </Panel>
  );
}

// -- the table ----------------------------------------------------------------------------------

interface PageOf { violations: Violation[]; next: string | null }

/** Pages by key, one after the other; another question begins anew and drops what is on its way. */
function usePages(query: string) {
  const [rows, setRows] = useState<Violation[]>([]);
  const [next, setNext] = useState<string | null>(null);
  const [state, setState] = useState<"loading" | "ready" | "failed">("loading");
  const [error, setError] = useState<unknown>(null);
  const asked = useRef<AbortController | null>(null);
  const load = async (after: string | null) => {
    asked.current?.abort();
    const mine = (asked.current = new AbortController());
    setState("loading");
    try {
      const path = "/violations" + query;
      const page = await get<PageOf>(path + (query ? "&" : "?") + queryText({ limit: PAGE, after }).slice(1), {}, mine.signal);
      if (asked.current !== mine) return;
      setRows((before) => (after === null ? page.violations : [...before, ...page.violations]));
      setNext(page.next);
      setState("ready");
    } catch (e) {
      if (asked.current !== mine) return;
      setError(e);
      setState("failed");
    }
  };
  useEffect(() => {
    setRows([]);
    void load(null);
    return () => asked.current?.abort();
  }, [query]);
  return { rows, next, state, error, more: () => next && void load(next), again: () => void load(rows.length ? next : null) };
}

function Results({ filters, sort, show }: { filters: Filters; sort: Sort; show: (f: Filters, s: Sort) => void }) {
  const words = t().history, all = t();
  const { rows, next, state, error, more, again } = usePages(queryText(toQuery(filters, sort)));
  const head = (by: Sort["by"], label: string, isNumber = false) => (
    <th scope="col" class={isNumber ? "number" : ""} aria-sort={sort.by !== by ? "none" : sort.order === "desc" ? "descending" : "ascending"}>
      <button type="button" class="sort" title={words.sort_by(label)} onClick={() => show(filters, nextSort(sort, by))}>
        {label}<span aria-hidden="true">{sort.by !== by ? "↕" : sort.order === "desc" ? "↓" : "↑"}</span>
      </button>
    </th>
  );
  const open = (e: MouseEvent, v: Violation) => {
    if (!(e.target as Element).closest("a") && !String(getSelection())) go(`/violations/${v.id}`);
  };
  return (
    <Panel title={words.results} className="results" tools={<span class="count" role="status">{words.rows(rows.length)}</span>}>
      {rows.length > 0 && (
        <div class="table-wrap" tabIndex={0} role="group" aria-label={words.results}>
          <table>
            <thead>
              <tr>
                {head("time", words.time)}
                <th scope="col">{words.kind}</th><th scope="col">{words.severity}</th><th scope="col">{words.place}</th>
                {head("speed", words.speed, true)}{head("level", words.level, true)}
                <th scope="col" class="number">{words.limit}</th><th scope="col">{words.class}</th><th scope="col">{words.plate}</th><th scope="col">{words.state}</th>
              </tr>
            </thead>
            <tbody>
              {rows.map((v) => (
                <tr key={v.id} class="row" onClick={(e) => open(e, v)}>
                  <td><a href={`/violations/${v.id}`}>{dayTime(v.occurred_at, zone())}</a></td>
                  <td><KindMark kind={v.kind} /></td><td><SeverityMark severity={v.severity} /></td>
                  <td>{place(v)}{v.district ? ` · ${v.district}` : ""}</td>
                  <td class="number">{fixed(v.speed_kmh)}</td><td class="number">{fixed(v.lafmax_db)}</td>
                  <td class="number">{fixed(v.kind === "modified_exhaust" ? v.limit_db : v.limit_kmh, 0)}</td>
                  <td>{v.class ? all.class[v.class] ?? v.class : "–"}</td><td>{v.plate ?? "–"}</td><td><ReviewMark state={v.review} /></td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {state === "loading" && <Loading />}
      {state === "failed" && <Failed error={error} retry={again} />}
      {state === "ready" && !rows.length && <Empty title={words.empty} why={words.empty_why} />}
      {state === "ready" && rows.length > 0 && (
        <div class="more">{next ? <button type="button" class="button" onClick={more}>{all.common.more}</button> : <p class="hint">{words.end}</p>}</div>
      )}
    </Panel>
  );
}

// -- where and when -----------------------------------------------------------------------------

function Heat({ filters }: { filters: Filters }) {
  const words = t().history;
  const { from, to, district, camera, kind } = filters;
  const heat = useGet<{ cells: HeatCell[] }>("/kpis/heat", { from, to, district, camera, kind });
  const places = useGet<{ hotspots: Hotspot[] }>("/kpis/hotspots", { from, to, district, kind, weeks: 4, limit: 20 });
  const most = Math.max(1, ...(places.data?.hotspots ?? []).map((h) => h.n));
  return (
    <div class="history-heat">
      <Panel title={words.heat}>
        {heat.data ? (heat.data.cells.length ? <div class="panel-body"><HeatMap cells={heat.data.cells} /></div> : <p class="hint">{words.no_heat}</p>)
          : heat.error ? <Failed error={heat.error} retry={heat.reload} /> : <Loading />}
        <p class="hint">{words.heat_why}</p>
      </Panel>
      <Panel title={words.heat_places}>
        {places.data ? (places.data.hotspots.length ? (
          <div class="table-wrap" tabIndex={0}>
            <table>
              <thead><tr><th>{words.place}</th><td /><th class="number">{words.count}</th><th class="number">{words.before}</th><th class="number">{words.change}</th></tr></thead>
              <tbody>
                {places.data.hotspots.map((h) => (
                  <tr key={h.camera}>
                    <td><a href={"/history" + queryText({ ...clean(filters), camera: h.camera })}>{place(h)}</a></td>
                    <td class="bar-cell"><meter min={0} max={most} value={h.n} aria-label={place(h)} /></td>
                    <td class="number">{h.n}</td><td class="number">{h.before.toFixed(1)}</td><td class="number"><Tendency c={h} /></td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        ) : <p class="hint">{words.no_heat}</p>) : places.error ? <Failed error={places.error} retry={places.reload} /> : <Loading />}
      </Panel>
    </div>
  );
}
