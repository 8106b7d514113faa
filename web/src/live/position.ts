/** Sharing the unit's position, while the user wants it. */
import { signal } from "@preact/signals";
import { put, remove } from "../api";
import { remember, remembered } from "../lib/remember";

export type Sharing = "off" | "asking" | "on" | "denied" | "none";
export const sharing = signal<Sharing>("off");
export const position = signal<{ lat: number; lon: number; accuracy_m: number } | null>(null);

const EVERY_MS = 15_000; // no oftener than this
const LATEST_MS = 60_000; // and no seldomer: the gateway forgets it after 10 minutes
let watch: number | null = null;
let timer = 0;
let sentAt = 0;

function send(): void {
  const p = position.value;
  if (!p) return;
  sentAt = Date.now();
  put("/field/position", p).catch(() => undefined); // the next one tells it
}

function stopWatching(): void {
  if (watch !== null) navigator.geolocation.clearWatch(watch);
  watch = null;
  clearInterval(timer);
}

export function startSharing(): void {
  remember("share", "1");
  if (!("geolocation" in navigator)) {
    sharing.value = "none";
    return;
  }
  stopWatching();
  sharing.value = "asking";
  watch = navigator.geolocation.watchPosition(
    ({ coords }) => {
      sharing.value = "on";
      position.value = { lat: coords.latitude, lon: coords.longitude, accuracy_m: Math.max(0, coords.accuracy) };
      if (Date.now() - sentAt > EVERY_MS) send();
    },
    (e) => {
      if (e.code === e.PERMISSION_DENIED) {
        sharing.value = "denied";
        stopWatching();
      } // else: under a bridge; the watch goes on
    },
    { enableHighAccuracy: true, maximumAge: 10_000 });
  timer = window.setInterval(send, LATEST_MS);
}

export function stopSharing(): void {
  remember("share", "0");
  stopWatching();
  sharing.value = "off";
  position.value = null;
  remove("/field/position").catch(() => undefined);
}

/** As it was the last time this page was open. */
export function resumeSharing(): () => void {
  if (remembered("share") === "1") startSharing();
  return stopWatching;
}
