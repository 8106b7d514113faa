/** The speeds between the samples of a passage, each with its own uncertainty, for the plot. */
import type { Samples } from "../types";

export interface SpeedPoint {
  /** Seconds since the first sample. */
  t: number;
  kmh: number;
  /** Half-width of its 95 % interval, from the samples' own sigma. */
  u: number;
}

type Path = NonNullable<Samples["passage"]>["path"];

const BRIDGE_S = 0.3; // over which a speed is taken: shorter ones drown in the samples' noise
const LEAST_BRIDGE_S = 0.1;

/** Metres on the road that a pixel's sigma means at sample i: by how far its neighbour is off in both. */
function sigmaM(path: Path, i: number): number {
  const j = i + 1 < path.length ? i + 1 : i - 1;
  const px = Math.hypot(path[j].px[0] - path[i].px[0], path[j].px[1] - path[i].px[1]);
  const m = Math.hypot(path[j].m[0] - path[i].m[0], path[j].m[1] - path[i].m[1]);
  return px > 0 ? (path[i].sigma_px * m) / px : 0;
}

/**
 * From pairs of samples about BRIDGE_S apart, each placed at the pair's middle. The measured speed is
 * a fit through all samples and is far more certain than any of these.
 */
export function speedPoints(path: Path): SpeedPoint[] {
  const points: SpeedPoint[] = [];
  for (let i = 0, j = 0; i < path.length; i++) {
    while (j < path.length && path[j].t_ns - path[i].t_ns < BRIDGE_S * 1e9) j++;
    const end = Math.min(j, path.length - 1);
    const dt = (path[end].t_ns - path[i].t_ns) / 1e9;
    if (dt < LEAST_BRIDGE_S) continue;
    const m = Math.hypot(path[end].m[0] - path[i].m[0], path[end].m[1] - path[i].m[1]);
    points.push({
      t: ((path[end].t_ns + path[i].t_ns) / 2 - path[0].t_ns) / 1e9,
      kmh: (m / dt) * 3.6,
      u: (1.96 * Math.hypot(sigmaM(path, i), sigmaM(path, end)) / dt) * 3.6,
    });
    if (j >= path.length) break; // the rest would be ever shorter bridges
  }
  return points;
}

/** Seconds between pictures: what most neighbouring samples are apart. */
export function frameStep(path: Path | undefined): number {
  const steps = (path ?? []).slice(1).map((s, i) => (s.t_ns - path![i].t_ns) / 1e9).filter((s) => s > 0.005)
    .sort((a, b) => a - b);
  return steps.length ? Math.min(steps[Math.floor(steps.length / 4)], 0.2) : 0.04;
}

/** Round numbers that cover [low, high]: about n ticks. */
export function ticks(low: number, high: number, n: number): number[] {
  if (!(high > low)) return [low];
  const raw = (high - low) / n;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((s) => s * power).find((s) => s >= raw)!;
  const found: number[] = [];
  for (let k = Math.ceil(low / step); k * step <= high + step * 1e-6; k++) found.push(Number((k * step).toPrecision(12)));
  return found;
}
