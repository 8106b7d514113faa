/** The line of figures over the wall. */
import { useEffect, useState } from "preact/hooks";
import { cameras, now, zone } from "../city";
import { t } from "../i18n";
import { useGet } from "../lib/poll";
import { dayOf, span, zonedToUtc } from "../lib/time";
import { turn } from "../live/wall";
import { KINDS, type Change, type Hour, type StageFigures } from "../types";
import { KindIcon } from "./icons";
import { HourBars } from "./bars";
import { percent } from "./parts";

export const WEEKS = 4;
const EVERY_MS = 60_000;
const SETTLE_MS = 3_000;

/** Moves some seconds after alerts did, so that a burst asks once. */
function useSettled(): number {
  const [settled, setSettled] = useState(0);
  const at = turn.value;
  useEffect(() => {
    const timer = setTimeout(() => setSettled(at), SETTLE_MS);
    return () => clearTimeout(timer);
  }, [at]);
  return settled;
}

export function Tendency({ c }: { c: { n: number; before: number; change_percent: number | null } }) {
  const p = c.change_percent;
  const word = p === null ? "flat" : p > 5 ? "up" : p < -5 ? "down" : "flat";
  return <span class={`tendency ${word}`}>{p === null ? (c.n > 0 ? t().trends.new : "–") : `${word === "up" ? "▲" : word === "down" ? "▼" : "="} ${percent(p)}`}</span>;
}

export function Kpis() {
  const words = t();
  const midnight = zonedToUtc(dayOf(now.value, zone()) + "T00:00", zone());
  const settled = useSettled();
  const change = useGet<{ kinds: Change[] }>("/kpis/change", { from: midnight, weeks: WEEKS }, EVERY_MS);
  const hours = useGet<{ hours: Hour[] }>("/kpis/hours", {}, EVERY_MS);
  const response = useGet<{ stages: StageFigures[] }>("/kpis/response", {}, EVERY_MS);
  useEffect(() => {
    if (!settled) return;
    change.reload();
    hours.reload();
    response.reload();
  }, [settled]);
  const signed = response.data?.stages.find((s) => s.stage === "signed");
  const late = response.data?.stages.reduce((n, s) => n + s.n_late, 0);
  const live = cameras.value.filter((c) => c.state === "live").length;
  return (
    <section class="kpis" aria-label={words.wall.today} tabIndex={0}>
      {KINDS.map((k) => {
        const c = change.data?.kinds.find((x) => x.kind === k);
        return (
          <div class={`kpi kind-${k}`} key={k}>
            <span class="kpi-name"><KindIcon kind={k} size={14} />{words.wall.today} {words.kind[k]}</span>
            <b>{c ? c.n : "–"}</b>
            <small title={words.wall.week_change(WEEKS)}>{c ? <Tendency c={c} /> : ""} {words.wall.week_change(WEEKS)}</small>
          </div>
        );
      })}
      <div class="kpi">
        <span class="kpi-name">{words.wall.waiting}</span>
        <b>{signed ? signed.n_waiting : "–"}</b>
        <small>{signed?.median_s != null ? `${words.wall.median} ${span(signed.median_s * 1000)}` : words.stage.signed}</small>
      </div>
      <div class={`kpi ${late ? "kpi-bad" : ""}`}>
        <span class="kpi-name">{words.wall.late}</span>
        <b>{late ?? "–"}</b>
        <small>{response.data?.stages.map((s) => `${words.stage[s.stage]} ${s.n_late}`).join(" · ")}</small>
      </div>
      <div class={`kpi ${live < cameras.value.length ? "kpi-warn" : ""}`}>
        <span class="kpi-name">{words.wall.cameras_live}</span>
        <b>{live}<i> / {cameras.value.length}</i></b>
        <small>{cameras.value.filter((c) => c.state !== "live").map((c) => c.name || c.id).slice(0, 2).join("，")}</small>
      </div>
      <div class="kpi kpi-wide">
        <span class="kpi-name">{words.wall.per_hour}</span>
        {hours.data && <HourBars hours={hours.data.hours} isSmall label={words.wall.per_hour} />}
      </div>
    </section>
  );
}
