import { describe, expect, it } from "vitest";
import { en } from "../../src/i18n/en";
import { zh } from "../../src/i18n/zh";
import { notice } from "../../src/lib/notice";
import type { PushMessage } from "../../src/types";

const speeding: PushMessage = {
  position: 7, why: "nearby", language: "zh", login: "unit1", violation: "01927d5e-0000-7000-8000-000000000000",
  kind: "speeding", severity: "serious", class: "car", occurred_at: "2026-11-26T10:00:00.123456Z",
  camera_name: "深南大道东", road: "深南大道", district: "福田", direction: "toward", bearing_deg: 270,
  speed_kmh: 97.3, limit_kmh: 60, lafmax_db: null, limit_db: null, still: "closeup.jpg",
};

describe("a notification", () => {
  it("says what, how much, where and whither, in the language of the subscription", () => {
    expect(notice(speeding, zh)).toEqual({
      title: "附近: 超速 · 严重", body: "97 km/h / 限值 60\n深南大道东 · 向东 · 小客车", tag: speeding.violation, renotify: false,
      image: `/api/v1/violations/${speeding.violation}/files/closeup.jpg`, timestamp: Date.parse("2026-11-26T10:00:00.123Z"),
    });
    expect(notice(speeding, en)).toMatchObject({ title: expect.stringContaining("Speeding"), body: expect.stringContaining("97 km/h") });
  });

  it("of a loud one has its level", () => {
    const loud = { ...speeding, kind: "modified_exhaust", lafmax_db: 97.6, limit_db: 80, still: null, bearing_deg: null, class: "unknown" } as const;
    const n = notice(loud, zh);
    expect(n.body).toBe("98 dB(A) / 限值 80\n深南大道东 · 驶来");
    expect(n.image).toBeUndefined();
  });

  it("of what has no measurement leaves it away", () => {
    const chase = { ...speeding, kind: "chase_racing", speed_kmh: null, limit_kmh: null, camera_name: null } as const;
    expect(notice(chase, zh).body).toBe("深南大道 · 向东 · 小客车");
  });

  it("is shown anew when one is sent there", () => expect(notice({ ...speeding, why: "assigned" }, zh).renotify).toBe(true));
});
