/** Violations per hour by kind, as stacked bars; and the same as a table for who does not see them. */
import { zone } from "../city";
import { t } from "../i18n";
import { dayTime, hourOf } from "../lib/time";
import { ticks } from "../lib/samples";
import { KINDS, type Hour } from "../types";

export const total = (h: Hour) => KINDS.reduce((n, k) => n + h[k], 0);

/** @param isSmall a line of bars without axes */
export function HourBars({ hours, isSmall = false, label }: { hours: Hour[]; isSmall?: boolean; label: string }) {
  const width = isSmall ? 240 : 1500, height = isSmall ? 40 : 240;
  const left = isSmall ? 0 : 34, bottom = isSmall ? 0 : 20, top = isSmall ? 2 : 10;
  const most = Math.max(1, ...hours.map(total));
  const step = (width - left) / Math.max(1, hours.length);
  const y = (n: number) => (n / most) * (height - bottom - top);
  const everyHours = hours.length <= 26 ? 3 : 24;
  return (
    <svg class={`bars ${isSmall ? "small" : ""}`} viewBox={`0 0 ${width} ${height}`} role="img" aria-label={label}
         preserveAspectRatio={isSmall ? "none" : "xMidYMid meet"}>
      {!isSmall && ticks(0, most, 4).filter(Number.isInteger).map((n) => (
        <g key={n}>
          <line x1={left} x2={width} y1={height - bottom - y(n)} y2={height - bottom - y(n)} class="grid" />
          <text x={left - 6} y={height - bottom - y(n) + 4} text-anchor="end">{n}</text>
        </g>
      ))}
      {hours.map((h, i) => {
        let under = height - bottom;
        return (
          <g key={h.at}>
            {KINDS.map((k) => {
              const tall = y(h[k]);
              under -= tall;
              return tall > 0 && <rect key={k} x={left + i * step + step * 0.12} width={step * 0.76} y={under} height={tall} class={`bar-${k}`} />;
            })}
            <title>{`${dayTime(h.at, zone())}: ${total(h)}`}</title>
            {!isSmall && hourOf(h.at, zone()) % everyHours === 0 && (
              <text x={left + (i + 0.5) * step} y={height - 5} text-anchor="middle">
                {everyHours === 24 ? dayTime(h.at, zone()).slice(0, 5) : String(hourOf(h.at, zone())).padStart(2, "0")}
              </text>
            )}
          </g>
        );
      })}
      <line x1={left} x2={width} y1={height - bottom} y2={height - bottom} class="axis" />
    </svg>
  );
}

export function KindLegend() {
  return (
    <ul class="legend">
      {KINDS.map((k) => <li key={k}><i class={`swatch bar-${k}`} aria-hidden="true" />{t().kind[k]}</li>)}
    </ul>
  );
}
