/** The records of schema/openapi.yaml, as the pages use them. Times are RFC 3339 UTC. */
export type Role = "command" | "analyst" | "field" | "technician" | "admin";
export const KINDS = ["speeding", "modified_exhaust", "chase_racing"] as const;
export type Kind = (typeof KINDS)[number];
export const SEVERITIES = ["minor", "moderate", "serious", "extreme"] as const;
export type Severity = (typeof SEVERITIES)[number];
export const REVIEW_STATES = ["new", "unclear", "confirmed", "rejected", "issued", "withdrawn"] as const;
export type ReviewState = (typeof REVIEW_STATES)[number];
export type Verdict = Exclude<ReviewState, "new">;
export const CLASSES = ["car", "truck", "bus", "motorcycle", "bicycle", "pedestrian", "unknown"] as const;
export const STAGES = ["signed", "responded", "feedback"] as const;
export type Stage = (typeof STAGES)[number];
export type DispatchState = "sent" | "accepted" | "on_site" | "done" | "declined";
export type Answer = Exclude<DispatchState, "sent">;

export interface Me {
  login: string;
  name: string;
  role: Role;
  districts: string[] | null;
  unit: string | null;
  csrf: string;
  expires_at: string;
}

export interface Deadline {
  stage: Stage;
  within_s: number;
}

export interface Settings {
  version: string;
  map_style_url: string | null;
  push_key: string | null;
  timezone: string;
  deadlines: Deadline[];
}

export interface ClockEntry {
  stage: Stage;
  due_at: string;
  met_at: string | null;
}

export interface Violation {
  id: string;
  occurred_at: string;
  stored_at: string;
  camera: string;
  camera_name: string | null;
  road: string | null;
  district: string | null;
  lat: number | null;
  lon: number | null;
  bearing_deg: number | null;
  kind: Kind;
  severity: Severity;
  class: string | null;
  direction: "away" | "toward" | null;
  track: number | null;
  speed_kmh: number | null;
  speed_uncertainty_kmh: number | null;
  charged_kmh: number | null;
  limit_kmh: number | null;
  lafmax_db: number | null;
  lafmax_uncertainty_db: number | null;
  charged_db: number | null;
  limit_db: number | null;
  noise_class: string | null;
  confidence: number | null;
  incident: string | null;
  plate: string | null;
  review: ReviewState;
  reviewed_at: string | null;
  still: string | null;
  sound: string | null;
  clip: string | null;
  dispatch: Dispatch | null;
  clock: ClockEntry[];
}

export interface Review {
  id: number;
  verdict: Verdict;
  reason: string;
  plate: string | null;
  reviewer: string | null;
  reviewed_at: string;
}

export interface Dispatch {
  id: number;
  violation: string;
  unit: string;
  unit_name: string;
  state: DispatchState;
  note: string;
  sent_by: string;
  sent_at: string;
  changed_at: string;
  answers: { answer: Answer; note: string; at: string }[];
}

export interface EvidenceFile {
  name: string;
  role: string;
  media_type: string;
  n_bytes: number;
  sha256: string;
  is_present: boolean;
}

export interface Evidence {
  violation: Violation;
  record: EvidenceRecord | null;
  signature: {
    verified: boolean | null;
    reason: string | null;
    public_key: string | null;
    record_sha256: string | null;
  };
  files: EvidenceFile[];
  reviews: Review[];
  next_steps: Verdict[];
  dispatches: Dispatch[];
  is_held: boolean;
}

/** Of evidence.schema.json, what the pages show. */
export interface EvidenceRecord {
  node: string;
  sequence: number;
  prev_sha256: string;
  software: string;
  config_sha256: string;
  sealed_at: string;
  clock_offset_s: number | null;
  clock_age_s: number | null;
  camera: {
    calibrated_on?: string;
    certificate?: string;
    microphone_calibrated_on?: string;
  };
  violation: {
    t_ns: number;
    t_from_ns: number;
    t_to_ns: number;
    time_source: string;
    passage: { t_first: number; t_last: number } | null;
    noise: {
      t_peak: number;
      t_start: number;
      t_end: number;
      background_db?: number | null;
      azimuth_deg: number | null;
      lafmax_7m5_db?: number | null;
      lae_db?: number | null;
      laeq_db?: number | null;
      lcpeak_db?: number | null;
      third_octaves_db?: (number | null)[] | null;
      why_class?: string | null;
    } | null;
    incident: {
      id: string;
      kind: string | null;
      vehicles: number;
      members: { kind: Kind; severity: Severity; track: number; charged: number | null; limit: number | null }[];
    } | null;
  };
}

export interface Camera {
  id: string;
  name: string;
  road: string | null;
  district: string | null;
  lat: number | null;
  lon: number | null;
  bearing_deg: number | null;
  limit_kmh: number | null;
  limit_db: number | null;
  node: string;
  state: "live" | "away" | "ended" | "unknown";
  fps: number | null;
  last_frame_at: string | null;
  drift_px: number | null;
  level_db: number | null;
  n_dropped: number;
  updated_at: string | null;
}

export interface Beat {
  roads: string[];
  cameras: string[];
  radius_m: number;
}

export interface Unit {
  unit: string;
  name: string;
  districts: string[] | null;
  lat: number | null;
  lon: number | null;
  accuracy_m: number | null;
  position_at: string | null;
  beat: Beat;
  open_dispatches: number;
}

export interface InboxItem {
  position: number;
  why: "nearby" | "assigned";
  at: string;
  violation: Violation;
}

export interface Search {
  name: string;
  query: Record<string, string>;
  saved_at: string;
}

export interface Hour {
  at: string;
  speeding: number;
  modified_exhaust: number;
  chase_racing: number;
}

export interface Hotspot {
  camera: string;
  camera_name: string | null;
  road: string | null;
  district: string | null;
  lat: number | null;
  lon: number | null;
  n: number;
  before: number;
  change_percent: number | null;
}

export interface Change {
  kind: Kind;
  n: number;
  before: number;
  change_percent: number | null;
}

export interface HeatCell {
  weekday: number;
  hour: number;
  n: number;
}

export interface StageFigures {
  stage: Stage;
  within_s: number;
  n_met: number;
  n_late: number;
  n_waiting: number;
  median_s: number | null;
}

export interface Feature {
  type: string;
  geometry: { type: string; coordinates: unknown };
  properties: Record<string, unknown>;
}

export interface Roads {
  type: "FeatureCollection";
  features: Feature[];
}

/** samples.json of a package. */
export interface Samples {
  passage: {
    path: { t_ns: number; px: [number, number]; m: [number, number]; sigma_px: number }[];
    speed_mps: number;
    u95_mps: number;
    limit_mps: number | null;
    charged_mps: number | null;
  } | null;
  clip?: { plays_in_browser: boolean; video: string | null; sound: string | null };
  missing?: { role: string; reason: string }[];
}

/** What a push brings: of an item of the inbox what a notification shows. */
export interface PushMessage {
  position: number;
  why: InboxItem["why"];
  language: "zh" | "en";
  login: string;
  violation: string;
  kind: Kind;
  severity: Severity;
  class: string | null;
  occurred_at: string;
  camera_name: string | null;
  road: string | null;
  district: string | null;
  direction: "away" | "toward" | null;
  bearing_deg: number | null;
  speed_kmh: number | null;
  limit_kmh: number | null;
  lafmax_db: number | null;
  limit_db: number | null;
  still: string | null;
}
