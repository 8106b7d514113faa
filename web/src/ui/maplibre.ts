/** MapLibre behind the map's props; a chunk of its own. The CSP build: its worker is a file, no blob. */
import maplibregl, { type GeoJSONSource, type Map } from "maplibre-gl/dist/maplibre-gl-csp";
import workerUrl from "maplibre-gl/dist/maplibre-gl-csp-worker.js?url";
import { t } from "../i18n";
import type { MapProps } from "./map";

const SEVERITY_COLOUR = ["match", ["get", "severity"], "minor", "#8fb8de", "moderate", "#f0b429", "serious", "#f2762e", "#ef4056"];
const STATE_COLOUR = ["match", ["get", "state"], "live", "#3fb27f", "away", "#ef4056", "#8a94a6"];

function points(items: readonly { lat: number | null; lon: number | null }[], properties: (i: never) => object) {
  return {
    type: "FeatureCollection" as const,
    features: items.filter((i) => i.lat !== null && i.lon !== null).map((i) => ({
      type: "Feature" as const,
      geometry: { type: "Point" as const, coordinates: [i.lon!, i.lat!] },
      properties: properties(i as never),
    })),
  };
}

function data(p: MapProps): Record<string, ReturnType<typeof points>> {
  return {
    cameras: points(p.cameras, (c: MapProps["cameras"][number]) => ({ state: c.state })),
    units: points(p.units, () => ({})),
    spots: points(p.spots, (s: MapProps["spots"][number]) => ({ id: s.id, severity: s.severity, n: s.n, isSelected: s.isSelected })),
  };
}

function addLayers(map: Map): void {
  const circle = (id: string, paint: object) => map.addLayer({ id, source: id, type: "circle", paint } as never);
  circle("cameras", { "circle-radius": 5, "circle-color": STATE_COLOUR, "circle-stroke-width": 1.5, "circle-stroke-color": "#0b1017" });
  circle("units", { "circle-radius": 6, "circle-color": "#4aa8ff", "circle-stroke-width": 2, "circle-stroke-color": "#fff" });
  circle("spots", {
    "circle-radius": ["+", 7, ["min", 8, ["get", "n"]]], "circle-color": SEVERITY_COLOUR, "circle-opacity": 0.8,
    "circle-stroke-width": ["case", ["get", "isSelected"], 3, 1], "circle-stroke-color": "#fff",
  });
}

export async function createMap(container: HTMLElement, style: string, first: MapProps) {
  maplibregl.setWorkerUrl(workerUrl);
  let props = first;
  const all = () => [...props.cameras, ...props.spots].filter((c) => c.lat !== null && c.lon !== null);
  const bounds = () => {
    const b = new maplibregl.LngLatBounds();
    for (const c of all()) b.extend([c.lon!, c.lat!]);
    return b;
  };
  const map = new maplibregl.Map({
    container, style, attributionControl: { compact: true }, locale: { "Map.Title": t().wall.map_hint },
  });
  let isFitted = false, hasStyle = false;
  const show = () => {
    if (!isFitted && all().length) map.fitBounds(bounds(), { padding: 60, maxZoom: 15, animate: false });
    isFitted ||= all().length > 0;
    for (const [id, source] of Object.entries(data(props))) {
      if (map.getSource(id)) map.getSource<GeoJSONSource>(id)!.setData(source);
      else map.addSource(id, { type: "geojson", data: source });
    }
    if (!map.getLayer("spots")) addLayers(map);
  };
  // also when the browser has given WebGL back, which it had taken away: until then there is nothing to change
  map.on("webglcontextlost", () => (hasStyle = false));
  await new Promise<void>((resolve, reject) => {
    map.on("style.load", () => {
      hasStyle = true;
      show();
      resolve();
    });
    // a tile that is not there is no reason to do without the others
    map.on("error", (e) => "sourceId" in e || reject(e.error));
  });
  map.on("mouseenter", "spots", () => (map.getCanvas().style.cursor = "pointer"));
  map.on("mouseleave", "spots", () => (map.getCanvas().style.cursor = ""));
  map.on("click", "spots", (e) => props.onSpot(String(e.features?.[0]?.properties.id)));
  return {
    update(next: MapProps): void {
      props = next;
      if (hasStyle) show();
    },
    remove: () => map.remove(),
  };
}
