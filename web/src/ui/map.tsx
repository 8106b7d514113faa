/**
 * The map of the wall. With a style URL in the settings and WebGL it is MapLibre, loaded when it is
 * first needed; otherwise the plain map: the roads that the gateway serves, drawn as SVG.
 */
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { roads, settings } from "../city";
import { t } from "../i18n";
import { fit, project, toScreen, zoomAt, type Point, type View } from "../lib/geo";
import type { Camera, Feature, Kind, Severity, Unit } from "../types";
import { Fit } from "./icons";

/** What has happened at one place, together. */
export interface AlertSpot {
  id: string; // of its newest alert
  lat: number;
  lon: number;
  n: number;
  kind: Kind;
  severity: Severity;
  isLate: boolean;
  isSelected: boolean;
  isNew: boolean;
  name: string;
}

export interface MapProps {
  cameras: readonly Camera[];
  spots: readonly AlertSpot[];
  units: readonly Unit[];
  onSpot: (id: string) => void;
}

function hasWebGl(): boolean {
  try {
    return !!document.createElement("canvas").getContext("webgl2");
  } catch {
    return false;
  }
}

export function CityMap(props: MapProps) {
  const style = settings.value.map_style_url;
  const [isPlain, setPlain] = useState(false);
  if (style && !isPlain && hasWebGl()) return <TiledMap style={style} onFailed={() => setPlain(true)} {...props} />;
  return <PlainMap {...props} />;
}

// -- MapLibre -----------------------------------------------------------------------------------

function TiledMap({ style, onFailed, ...props }: MapProps & { style: string; onFailed: () => void }) {
  const place = useRef<HTMLDivElement>(null);
  const [map, setMap] = useState<{ update: (p: MapProps) => void; remove: () => void } | null>(null);
  useEffect(() => {
    let made: { update: (p: MapProps) => void; remove: () => void } | null = null, isGone = false;
    import("./maplibre")
      .then((m) => m.createMap(place.current!, style, props))
      .then((m) => {
        made = m;
        if (isGone) m.remove();
        else setMap(m);
      })
      .catch((e) => {
        console.error(e);
        if (!isGone) onFailed();
      });
    return () => {
      isGone = true;
      made?.remove();
    };
  }, [style]);
  useEffect(() => map?.update(props), [map, props.cameras, props.spots, props.units]);
  return <div class="map" ref={place} role="group" aria-label={t().wall.map} />;
}

// -- the plain map ------------------------------------------------------------------------------

/** Roads are laid out around a place of the city's own, so that SVG's short floats are fine enough. */
const UNIT = 1_000_000;

function line(points: unknown, origin: Point): string {
  return (points as [number, number][]).map(([lon, lat], i) => {
    const p = project(lon, lat);
    return `${i ? "L" : "M"}${((p.x - origin.x) * UNIT).toFixed(2)} ${((p.y - origin.y) * UNIT).toFixed(2)}`;
  }).join("");
}

function shape(f: Feature, origin: Point): string {
  const c = f.geometry.coordinates as unknown[];
  switch (f.geometry.type) {
    case "LineString": return line(c, origin);
    case "MultiLineString": return c.map((l) => line(l, origin)).join("");
    case "Polygon": return c.map((r) => line(r, origin) + "Z").join("");
    case "MultiPolygon": return c.map((p) => (p as unknown[]).map((r) => line(r, origin) + "Z").join("")).join("");
    default: return "";
  }
}

/** The class of a road for the pen: what the file says, or a plain street. */
function pen(f: Feature): string {
  const p = f.properties;
  const word = String(p.class ?? p.kind ?? p.highway ?? "street");
  if (/Polygon/.test(f.geometry.type)) return /water/.test(word) ? "area water" : "area park";
  if (/motorway|express|trunk|高速|快速/.test(word)) return "road road-express";
  if (/primary|arterial|main|主/.test(word)) return "road road-main";
  return "road road-street";
}

interface Label { at: Point; text: string; rank: number }

function labels(features: readonly Feature[]): Label[] {
  const seen = new Set<string>(), found: Label[] = [];
  for (const f of features) {
    const text = String(f.properties.name ?? "");
    if (!text || seen.has(text) || f.geometry.type !== "LineString") continue;
    seen.add(text);
    const c = f.geometry.coordinates as [number, number][];
    const [lon, lat] = c[Math.floor((c.length - 1) * 0.3)];
    found.push({ at: project(lon, lat), text, rank: pen(f) === "road road-street" ? 1 : 0 });
  }
  return found;
}

const SEVERITY_SIZE: Record<Severity, number> = { minor: 7, moderate: 8.5, serious: 10, extreme: 11.5 };

function PlainMap({ cameras, spots, units, onSpot }: MapProps) {
  const words = t();
  const place = useRef<SVGSVGElement>(null);
  const [size, setSize] = useState({ width: 600, height: 400 });
  const [chosen, setView] = useState<View | null>(null);
  const drag = useRef<{ x: number; y: number; view: View } | null>(null);

  const points = useMemo(() => {
    const found = cameras.filter((c) => c.lat !== null && c.lon !== null).map((c) => project(c.lon!, c.lat!));
    return found.length ? found : spots.map((s) => project(s.lon, s.lat));
  }, [cameras.map((c) => `${c.lat},${c.lon}`).join(" "), cameras.length ? 0 : spots.length]);
  const fitted = useMemo(() => fit(points, size.width, size.height), [points, size]);
  const view = chosen ?? fitted;

  useEffect(() => {
    const watch = new ResizeObserver(([entry]) => {
      const { width, height } = entry.contentRect;
      if (width > 0 && height > 0) setSize({ width, height });
    });
    watch.observe(place.current!);
    return () => watch.disconnect();
  }, []);

  // Not passive: the page must not scroll when the map zooms.
  useEffect(() => {
    const wheel = (e: WheelEvent) => {
      e.preventDefault();
      const box = place.current!.getBoundingClientRect();
      const factor = Math.exp(-e.deltaY * 0.0015);
      setView((v) => zoomAt(v ?? fitted, factor, e.clientX - box.left, e.clientY - box.top, size.width, size.height));
    };
    const svg = place.current!;
    svg.addEventListener("wheel", wheel, { passive: false });
    return () => svg.removeEventListener("wheel", wheel);
  }, [fitted, size]);

  const features = roads.value.features;
  const origin = useMemo(() => {
    const c = features.find((f) => f.geometry.type === "LineString")?.geometry.coordinates as [number, number][] | undefined;
    return c?.length ? project(c[0][0], c[0][1]) : { x: 0, y: 0 };
  }, [features]);
  const drawn = useMemo(() => features.map((f) => ({ d: shape(f, origin), pen: pen(f) })), [features, origin]);
  const named = useMemo(() => labels(features), [features]);

  const zoom = (factor: number) =>
    setView(zoomAt(view, factor, size.width / 2, size.height / 2, size.width, size.height));
  const move = (dx: number, dy: number) => setView({ ...view, cx: view.cx + dx / view.scale, cy: view.cy + dy / view.scale });
  const keys = (e: KeyboardEvent) => {
    const by = 60;
    if (e.key === "ArrowLeft") move(-by, 0);
    else if (e.key === "ArrowRight") move(by, 0);
    else if (e.key === "ArrowUp") move(0, -by);
    else if (e.key === "ArrowDown") move(0, by);
    else if (e.key === "+" || e.key === "=") zoom(1.4);
    else if (e.key === "-") zoom(1 / 1.4);
    else if (e.key === "0") setView(null);
    else return;
    e.preventDefault();
    e.stopPropagation();
  };

  const o = toScreen(origin, view, size.width, size.height), k = view.scale / UNIT;
  const at = (lon: number, lat: number) => toScreen(project(lon, lat), view, size.width, size.height);
  const isIn = (p: Point) => p.x > -20 && p.y > -20 && p.x < size.width + 20 && p.y < size.height + 20;
  const casing = drawn.filter((f) => f.pen.startsWith("road"));
  return (
    <div class="map plain-map">
      <div class="map-pad" tabIndex={0} role="application" aria-label={`${words.wall.map}：${words.wall.map_hint}`} onKeyDown={keys}>
        <svg ref={place} width="100%" height="100%" aria-hidden="true" focusable="false"
             onPointerDown={(e) => { drag.current = { x: e.clientX, y: e.clientY, view }; (e.currentTarget as Element).setPointerCapture(e.pointerId); }}
             onPointerMove={(e) => {
               const d = drag.current;
               if (d) setView({ ...d.view, cx: d.view.cx - (e.clientX - d.x) / d.view.scale, cy: d.view.cy - (e.clientY - d.y) / d.view.scale });
             }}
             onPointerUp={() => (drag.current = null)} onPointerCancel={() => (drag.current = null)}>
          <g transform={`translate(${o.x} ${o.y}) scale(${k})`}>
            {drawn.filter((f) => f.pen.startsWith("area")).map((f, i) => <path key={i} d={f.d} class={f.pen} />)}
            {casing.map((f, i) => <path key={i} d={f.d} class={f.pen + " casing"} />)}
            {casing.map((f, i) => <path key={i} d={f.d} class={f.pen} />)}
          </g>
          {named.filter((l) => l.rank === 0 || view.scale > 3_500_000).map((l) => {
            const p = toScreen(l.at, view, size.width, size.height);
            return isIn(p) && <text key={l.text} x={p.x} y={p.y - 5} class="road-name">{l.text}</text>;
          })}
          {cameras.map((c) => {
            if (c.lat === null || c.lon === null) return null;
            const p = at(c.lon, c.lat);
            return (
              <g key={c.id} transform={`translate(${p.x} ${p.y})`} class={`map-camera camera-${c.state}`}>
                {c.bearing_deg !== null && <path d="M0 0 -13 -30A33 33 0 0 1 13 -30Z" transform={`rotate(${c.bearing_deg})`} class="map-sight" />}
                <circle r="5" />
                <title>{`${c.name || c.id}: ${words.camera_state[c.state]}`}</title>
              </g>
            );
          })}
          {units.map((u) => {
            if (u.lat === null || u.lon === null) return null;
            const p = at(u.lon, u.lat);
            return (
              <g key={u.unit} transform={`translate(${p.x} ${p.y})`} class="map-unit">
                <rect x="-5" y="-5" width="10" height="10" rx="2" transform="rotate(45)" />
                <text x="10" y="4">{u.name}</text>
              </g>
            );
          })}
        </svg>
        {spots.map((s) => {
          const p = at(s.lon, s.lat), r = SEVERITY_SIZE[s.severity] + Math.min(6, s.n);
          if (!isIn(p)) return null;
          return (
            <button type="button" key={s.id} tabIndex={-1} onClick={() => onSpot(s.id)}
                    class={`map-spot severity-${s.severity} ${s.isSelected ? "selected" : ""} ${s.isNew ? "new" : ""} ${s.isLate ? "late" : ""}`}
                    style={{ left: `${p.x}px`, top: `${p.y}px`, width: `${2 * r}px`, height: `${2 * r}px` }}
                    aria-label={`${s.name}: ${words.kind[s.kind]}, ${s.n}`}>
              {s.n > 1 ? s.n : ""}
            </button>
          );
        })}
      </div>
      <div class="map-tools">
        <button type="button" class="plain" aria-label={words.wall.zoom_in} title={words.wall.zoom_in} onClick={() => zoom(1.5)}>+</button>
        <button type="button" class="plain" aria-label={words.wall.zoom_out} title={words.wall.zoom_out} onClick={() => zoom(1 / 1.5)}>−</button>
        <button type="button" class="plain" aria-label={words.wall.fit} title={words.wall.fit} onClick={() => setView(null)}><Fit /></button>
      </div>
    </div>
  );
}
