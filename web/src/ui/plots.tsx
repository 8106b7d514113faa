/** The plots of the evidence; each has its table for who does not see it. */
import { t } from "../i18n";
import { speedPoints, ticks } from "../lib/samples";
import type { Samples, Violation } from "../types";

const W = 860, H = 300, LEFT = 48, BOTTOM = 34, TOP = 12, RIGHT = 14;

export function SpeedPlot({ samples, v }: { samples: Samples | null; v: Violation }) {
  const words = t().evidence;
  const points = samples?.passage ? speedPoints(samples.passage.path) : [];
  if (points.length < 2 || v.speed_kmh === null) return <p class="hint">{words.no_speed_plot}</p>;
  const u = v.speed_uncertainty_kmh ?? 0, limit = v.limit_kmh;
  const low = Math.min(limit ?? v.speed_kmh, v.speed_kmh - u, ...points.map((p) => p.kmh - p.u));
  const high = Math.max(limit ?? v.speed_kmh, v.speed_kmh + u, ...points.map((p) => p.kmh + p.u));
  const pad = Math.max(2, (high - low) * 0.08), y0 = Math.max(0, low - pad), y1 = high + pad;
  const t1 = Math.max(...points.map((p) => p.t)) * 1.04;
  const x = (s: number) => LEFT + (s / t1) * (W - LEFT - RIGHT);
  const y = (kmh: number) => H - BOTTOM - ((kmh - y0) / (y1 - y0)) * (H - BOTTOM - TOP);
  return (
    <div class="panel-body">
      <svg class="plot" viewBox={`0 0 ${W} ${H}`} role="img" aria-label={`${words.speed_plot}: ${v.speed_kmh.toFixed(1)} ± ${u.toFixed(1)} ${t().common.kmh}`}>
        {ticks(y0, y1, 6).map((k) => (
          <g key={k}><line class="grid" x1={LEFT} x2={W - RIGHT} y1={y(k)} y2={y(k)} /><text x={LEFT - 6} y={y(k) + 4} text-anchor="end">{k}</text></g>
        ))}
        {ticks(0, t1, 6).map((s) => <text key={s} x={x(s)} y={H - BOTTOM + 16} text-anchor="middle">{s}</text>)}
        <text x={W - RIGHT} y={H - 3} text-anchor="end">{words.seconds}</text>
        <text x={4} y={TOP + 2}>{t().common.kmh}</text>
        <rect class="band" x={LEFT} width={W - LEFT - RIGHT} y={y(v.speed_kmh + u)} height={Math.max(1, y(v.speed_kmh - u) - y(v.speed_kmh + u))} />
        <line class="fit" x1={LEFT} x2={W - RIGHT} y1={y(v.speed_kmh)} y2={y(v.speed_kmh)} />
        <text class="on-line" x={LEFT + 6} y={y(v.speed_kmh) - 5}>{words.measured} {v.speed_kmh.toFixed(1)}</text>
        {limit !== null && <>
          <line class="limit" x1={LEFT} x2={W - RIGHT} y1={y(limit)} y2={y(limit)} />
          <text class="on-line limit-word" x={LEFT + 6} y={y(limit) - 5}>{words.limit} {limit.toFixed(0)}</text>
        </>}
        {points.map((p, i) => (
          <g key={i} class="sample">
            <line x1={x(p.t)} x2={x(p.t)} y1={y(p.kmh - p.u)} y2={y(p.kmh + p.u)} />
            <circle cx={x(p.t)} cy={y(p.kmh)} r="3" />
          </g>
        ))}
        <line class="axis" x1={LEFT} x2={W - RIGHT} y1={H - BOTTOM} y2={H - BOTTOM} />
      </svg>
      <p class="plot-note">{words.speed_plot_why}</p>
      <details class="no-print">
        <summary>{words.plot_table}</summary>
        <table>
          <thead><tr><th class="number">{words.seconds}</th><th class="number">{words.plot_speed}</th><th class="number">±</th></tr></thead>
          <tbody>{points.map((p, i) => <tr key={i}><td class="number">{p.t.toFixed(2)}</td><td class="number">{p.kmh.toFixed(1)}</td><td class="number">{p.u.toFixed(1)}</td></tr>)}</tbody>
        </table>
      </details>
    </div>
  );
}

/** 25 Hz to 16 kHz. */
const BANDS = [25, 31.5, 40, 50, 63, 80, 100, 125, 160, 200, 250, 315, 400, 500, 630, 800, 1000, 1250, 1600, 2000, 2500, 3150, 4000, 5000, 6300, 8000, 10000, 12500, 16000];

export function ThirdOctaves({ db }: { db: (number | null)[] }) {
  const words = t().evidence;
  const known = db.filter((n): n is number => n !== null);
  if (!known.length) return null;
  const high = Math.ceil(Math.max(...known) / 10) * 10, low = Math.max(0, Math.floor(Math.min(...known) / 10) * 10 - 10);
  const height = 200, step = (W - LEFT) / BANDS.length;
  const y = (n: number) => height - BOTTOM - ((n - low) / (high - low)) * (height - BOTTOM - TOP);
  return (
    <svg class="plot" viewBox={`0 0 ${W} ${height}`} role="img" aria-label={words.third_octaves}>
      {ticks(low, high, 4).map((n) => (
        <g key={n}><line class="grid" x1={LEFT} x2={W} y1={y(n)} y2={y(n)} /><text x={LEFT - 6} y={y(n) + 4} text-anchor="end">{n}</text></g>
      ))}
      {db.map((n, i) => n !== null && (
        <rect key={i} class="octave" x={LEFT + i * step + 2} width={step - 4} y={y(n)} height={height - BOTTOM - y(n)}><title>{`${BANDS[i]} Hz: ${n} dB`}</title></rect>
      ))}
      {BANDS.map((f, i) => i % 3 === 1 && <text key={f} x={LEFT + (i + 0.5) * step} y={height - BOTTOM + 16} text-anchor="middle">{f >= 1000 ? `${f / 1000}k` : f}</text>)}
      <text x={W} y={height - 2} text-anchor="end">{words.frequency}</text>
    </svg>
  );
}
