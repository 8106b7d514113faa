/** The heat map by weekday and hour. */
import type { HeatCell } from "../types";

/** 7 rows (Monday first) of 24 counts. */
export function grid(cells: HeatCell[]): number[][] {
  const rows = Array.from({ length: 7 }, () => Array<number>(24).fill(0));
  for (const c of cells) {
    if (c.weekday >= 1 && c.weekday <= 7 && c.hour >= 0 && c.hour <= 23) rows[c.weekday - 1][c.hour] += c.n;
  }
  return rows;
}

export const STEPS = 6;

/** Which of STEPS shades a count has; 0 is for none. By root, so that one peak does not hide the rest. */
export function shade(n: number, most: number): number {
  if (n <= 0 || most <= 0) return 0;
  return Math.max(1, Math.min(STEPS - 1, Math.ceil(Math.sqrt(n / most) * (STEPS - 1))));
}
