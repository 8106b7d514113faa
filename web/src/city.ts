/** What all pages share of the city: settings, cameras, units, roads, and the time. */
import { signal } from "@preact/signals";
import { get } from "./api";
import type { Camera, Roads, Settings, Unit } from "./types";

export const settings = signal<Settings>({ version: "", map_style_url: null, push_key: null, timezone: "Asia/Shanghai", deadlines: [] });
export const cameras = signal<readonly Camera[]>([]);
export const units = signal<readonly Unit[]>([]);
export const roads = signal<Roads>({ type: "FeatureCollection", features: [] });

/** Ticks once a second while anybody looks. */
export const now = signal(Date.now());
setInterval(() => {
  if (document.visibilityState !== "hidden") now.value = Date.now();
}, 1000);

export const zone = () => settings.value.timezone;

export async function loadSettings(): Promise<void> {
  settings.value = await get<Settings>("/settings");
}

export async function loadCameras(signal?: AbortSignal): Promise<void> {
  cameras.value = (await get<{ cameras: Camera[] }>("/cameras", {}, signal)).cameras;
}

export async function loadUnits(): Promise<void> {
  units.value = (await get<{ units: Unit[] }>("/units")).units;
}

export async function loadRoads(): Promise<void> {
  if (!roads.value.features.length) roads.value = await get<Roads>("/roads");
}

/** A camera's newest health, from the stream. */
export function applyCamera(c: Camera): void {
  const isKnown = cameras.value.some((k) => k.id === c.id);
  cameras.value = isKnown ? cameras.value.map((k) => (k.id === c.id ? c : k)) : [...cameras.value, c];
}
