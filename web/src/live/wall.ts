/** The stream behind the wall: alerts, cameras and units, as the gateway tells them. */
import { batch, signal } from "@preact/signals";
import { get } from "../api";
import { applyCamera, cameras, loadUnits } from "../city";
import { apply, type Alerts } from "../lib/alerts";
import type { Camera, Dispatch, Review, Violation } from "../types";
import { LiveStream } from "./stream";

export const alerts = signal<Alerts>([]);
/** false until the first list is there. */
export const isLoaded = signal(false);
/** Counts events that change the figures; pages that show figures load them again when it moves. */
export const turn = signal(0);

/** A burst is drawn together: well within the second that an alert may take, and light at 50 a second. */
const TOGETHER_MS = 40;

export function openWall(has: { units: boolean }): LiveStream {
  let waiting: { event: string; data: unknown }[] = [];
  let timer = 0;

  const flush = () => {
    timer = 0;
    const events = waiting;
    waiting = [];
    batch(() => {
      let list = alerts.value;
      for (const { event, data } of events) {
        if (event === "camera") applyCamera(data as Camera);
        else list = apply(list, event, data);
      }
      if (list !== alerts.value) {
        alerts.value = list;
        turn.value++;
      }
    });
    if (has.units && events.some((e) => e.event === "dispatch")) void loadUnits().catch(() => undefined);
  };

  return new LiveStream({
    async load(signal) {
      const [list, seen] = await Promise.all([
        get<{ cursor: number; violations: Violation[] }>("/alerts", { limit: 200 }, signal),
        get<{ cameras: Camera[] }>("/cameras", {}, signal),
      ]);
      if (has.units) void loadUnits().catch(() => undefined);
      clearTimeout(timer);
      waiting = [];
      timer = 0;
      batch(() => {
        alerts.value = list.violations;
        cameras.value = seen.cameras;
        isLoaded.value = true;
        turn.value++;
      });
      return list.cursor;
    },
    apply(event, data) {
      waiting.push({ event, data });
      if (!timer) timer = window.setTimeout(flush, TOGETHER_MS);
    },
  });
}

/** What this page itself has just done is shown at once; its event comes again and changes nothing. */
export function noteReview(violation: string, review: Review): void {
  alerts.value = apply(alerts.value, "review", { violation, review });
}

export function noteDispatch(d: Dispatch): void {
  alerts.value = apply(alerts.value, "dispatch", d);
}
