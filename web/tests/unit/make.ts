import type { Dispatch, InboxItem, Review, Violation } from "../../src/types";

export function violation(id: string, storedAt: string, more: Partial<Violation> = {}): Violation {
  return {
    id, occurred_at: storedAt, stored_at: storedAt, camera: "c1", camera_name: "深南大道 K3", road: "深南大道", district: "福田",
    lat: 22.54, lon: 114.05, bearing_deg: 90, kind: "speeding", severity: "moderate", class: "car", direction: "away", track: 1,
    speed_kmh: 88, speed_uncertainty_kmh: 1, charged_kmh: 85, limit_kmh: 60, lafmax_db: null, lafmax_uncertainty_db: null,
    charged_db: null, limit_db: null, noise_class: null, confidence: null, incident: null, plate: null, review: "new",
    reviewed_at: null, still: null, sound: null, clip: null, dispatch: null,
    clock: [
      { stage: "signed", due_at: "2026-11-26T01:10:00.000Z", met_at: null },
      { stage: "responded", due_at: "2026-11-26T01:30:00.000Z", met_at: null },
      { stage: "feedback", due_at: "2026-11-28T01:00:00.000Z", met_at: null },
    ],
    ...more,
  };
}

export const review = (verdict: Review["verdict"], at = "2026-11-26T01:05:00.000Z"): Review =>
  ({ id: 1, verdict, reason: "", plate: null, reviewer: "web:a", reviewed_at: at });

export function dispatch(of: string, more: Partial<Dispatch> = {}): Dispatch {
  return {
    id: 7, violation: of, unit: "u1", unit_name: "U1", state: "sent", note: "", sent_by: "a",
    sent_at: "2026-11-26T01:04:00.000Z", changed_at: "2026-11-26T01:04:00.000Z", answers: [], ...more,
  };
}

export const item = (position: number, v: Violation, why: InboxItem["why"] = "nearby"): InboxItem =>
  ({ position, why, at: v.stored_at, violation: v });
