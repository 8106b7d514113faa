/** Places on the plain map: Web Mercator in units of the whole world, 0 to 1, y down. */
export interface Point {
  x: number;
  y: number;
}

export function project(lon: number, lat: number): Point {
  const s = Math.sin((Math.max(-85, Math.min(85, lat)) * Math.PI) / 180);
  return { x: lon / 360 + 0.5, y: 0.5 - Math.log((1 + s) / (1 - s)) / (4 * Math.PI) };
}

/** A picture of part of the world: middle and how many pixels the world would have across. */
export interface View {
  cx: number;
  cy: number;
  scale: number;
}

export const LEAST_SCALE = 20_000;
export const MOST_SCALE = 60_000_000;

/** The view that shows all points, with a margin; a single point gets a few streets around it. */
export function fit(points: Point[], width: number, height: number): View {
  if (!points.length) points = [project(114.06, 22.54)];
  const xs = points.map((p) => p.x), ys = points.map((p) => p.y);
  const [x0, x1, y0, y1] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  const least = 4e-5; // about 1.5 km at the latitude of Shenzhen
  const scale = Math.min((width * 0.8) / Math.max(x1 - x0, least), (height * 0.75) / Math.max(y1 - y0, least));
  return { cx: (x0 + x1) / 2, cy: (y0 + y1) / 2, scale: clampScale(scale) };
}

export function clampScale(scale: number): number {
  return Math.max(LEAST_SCALE, Math.min(MOST_SCALE, scale));
}

export function toScreen(p: Point, v: View, width: number, height: number): Point {
  return { x: (p.x - v.cx) * v.scale + width / 2, y: (p.y - v.cy) * v.scale + height / 2 };
}

/** Nearer or further with the point under (x, y) held where it is. */
export function zoomAt(v: View, factor: number, x: number, y: number, width: number, height: number): View {
  const scale = clampScale(v.scale * factor);
  const dx = x - width / 2, dy = y - height / 2;
  return { scale, cx: v.cx + dx / v.scale - dx / scale, cy: v.cy + dy / v.scale - dy / scale };
}

/** Metres between two places (haversine). */
export function distanceM(lat1: number, lon1: number, lat2: number, lon2: number): number {
  const rad = Math.PI / 180;
  const a = Math.sin(((lat2 - lat1) * rad) / 2) ** 2 +
    Math.cos(lat1 * rad) * Math.cos(lat2 * rad) * Math.sin(((lon2 - lon1) * rad) / 2) ** 2;
  return 2 * 6_371_000 * Math.asin(Math.sqrt(a));
}

/** Where the vehicle was heading, clockwise from north: away is where the camera looks. */
export function heading(bearingDeg: number | null, direction: "away" | "toward" | null): number | null {
  if (bearingDeg === null || direction === null) return null;
  return direction === "away" ? bearingDeg : (bearingDeg + 180) % 360;
}

export const COMPASS = ["n", "ne", "e", "se", "s", "sw", "w", "nw"] as const;

export function compass(deg: number): (typeof COMPASS)[number] {
  return COMPASS[Math.round((((deg % 360) + 360) % 360) / 45) % 8];
}
