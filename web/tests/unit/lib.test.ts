import { describe, expect, it } from "vitest";
import { clean, fromAddress, nextSort, toQuery } from "../../src/lib/filters";
import { compass, distanceM, fit, heading, project, toScreen, zoomAt } from "../../src/lib/geo";
import { grid, shade, STEPS } from "../../src/lib/heat";
import { frameStep, speedPoints, ticks } from "../../src/lib/samples";
import { clockTime, dayOf, fullTime, span, utcToZoned, zonedToUtc } from "../../src/lib/time";
import { zh } from "../../src/i18n/zh";
import { en } from "../../src/i18n/en";

describe("times", () => {
  const zone = "Asia/Shanghai";
  it("are those of the city, whatever the machine's zone is", () => {
    expect(clockTime("2026-11-26T01:22:03.123Z", zone)).toBe("09:22:03");
    expect(fullTime("2026-11-26T16:00:00.004567Z", zone)).toBe("2026-11-27 00:00:00.004");
    expect(dayOf("2026-11-26T16:00:00Z", zone)).toBe("2026-11-27");
  });
  it("go to UTC and back", () => {
    expect(zonedToUtc("2026-11-26T09:30", zone)).toBe("2026-11-26T01:30:00.000Z");
    expect(utcToZoned("2026-11-26T01:30:00.000Z", zone)).toBe("2026-11-26T09:30");
    // a zone whose clocks are put back: 25 October 2026, 03:00 to 02:00
    expect(zonedToUtc("2026-10-25T12:00", "Europe/Berlin")).toBe("2026-10-25T11:00:00.000Z");
    expect(zonedToUtc("2026-10-24T12:00", "Europe/Berlin")).toBe("2026-10-24T10:00:00.000Z");
    expect(zonedToUtc("", zone)).toBe("");
  });
  it("are short", () => {
    expect([5_000, 545_000, 3_723_000, 200_000_000, -61_000].map(span)).toEqual(["0:05", "9:05", "1:02:03", "2d 07h", "1:01"]);
  });
});

describe("filters", () => {
  it("keep what the API knows and leave out the rest", () => {
    expect(clean({ kind: "speeding", min_speed: "abc", max_speed: " 90 ", from: "yesterday", road: "", other: "x" }))
      .toEqual({ kind: "speeding", max_speed: "90" });
  });
  it("go into the address and come back", () => {
    const { filters, sort } = fromAddress("?kind=speeding&sort=speed&order=asc&after=9&min_speed=100");
    expect([filters, sort]).toEqual([{ kind: "speeding", min_speed: "100" }, { by: "speed", order: "asc" }]);
    expect(toQuery(filters, sort)).toEqual({ kind: "speeding", min_speed: "100", sort: "speed", order: "asc" });
    expect(toQuery({}, { by: "time", order: "desc" })).toEqual({});
  });
  it("sort a column down, then up, another one down", () => {
    const down = nextSort({ by: "time", order: "desc" }, "speed");
    expect(down).toEqual({ by: "speed", order: "desc" });
    expect(nextSort(down, "speed").order).toBe("asc");
    expect(nextSort(nextSort(down, "speed"), "level")).toEqual({ by: "level", order: "desc" });
  });
});

describe("map", () => {
  it("shows all points, and holds the point under the pointer when it zooms", () => {
    const points = [project(114.05, 22.53), project(114.07, 22.55)];
    const view = fit(points, 800, 600);
    for (const p of points.map((q) => toScreen(q, view, 800, 600))) {
      expect(p.x).toBeGreaterThan(0);
      expect(p.x).toBeLessThan(800);
      expect(p.y).toBeGreaterThan(0);
      expect(p.y).toBeLessThan(600);
    }
    const at = toScreen(points[0], view, 800, 600);
    const near = toScreen(points[0], zoomAt(view, 2, at.x, at.y, 800, 600), 800, 600);
    expect(near.x).toBeCloseTo(at.x, 5);
    expect(near.y).toBeCloseTo(at.y, 5);
  });
  it("has north up and east to the right", () => {
    expect(project(114, 23).y).toBeLessThan(project(114, 22).y);
    expect(project(115, 22).x).toBeGreaterThan(project(114, 22).x);
  });
  it("knows distances and directions", () => {
    expect(distanceM(22.541, 114.056, 22.541, 114.0657)).toBeCloseTo(996, -1);
    expect(heading(92, "toward")).toBe(272);
    expect(heading(null, "away")).toBeNull();
    expect([0, 44, 92, 272, 359, -90].map(compass)).toEqual(["n", "ne", "e", "w", "n", "w"]);
  });
});

describe("samples", () => {
  const path = (kmh: number, n = 30) => Array.from({ length: n }, (_, i) => ({
    t_ns: i * 40_000_000, px: [0, 500 - i * 4] as [number, number], m: [1, 12 + (i * 0.04 * kmh) / 3.6] as [number, number], sigma_px: 0.5,
  }));
  it("give the speed between them and how far it can be trusted", () => {
    const points = speedPoints(path(90));
    expect(points.length).toBeGreaterThan(10);
    for (const p of points) expect(p.kmh).toBeCloseTo(90, 6);
    // half a pixel is 0.125 m here; two such ends over 0.32 s
    expect(points[0].u).toBeCloseTo((1.96 * Math.SQRT2 * 0.125 * 3.6) / 0.32, 3);
  });
  it("are none where there are too few", () => {
    expect(speedPoints(path(90, 2))).toEqual([]);
    expect(speedPoints([])).toEqual([]);
  });
  it("tell how far apart pictures are", () => {
    expect(frameStep(path(50))).toBeCloseTo(0.04);
    expect(frameStep(undefined)).toBe(0.04);
  });
  it("have round ticks", () => {
    expect(ticks(0, 10, 5)).toEqual([0, 2, 4, 6, 8, 10]);
    expect(ticks(58, 97, 4)).toEqual([60, 70, 80, 90]);
    expect(ticks(5, 5, 4)).toEqual([5]);
  });
});

describe("heat", () => {
  it("has Monday first, and a shade for everything that is not nothing", () => {
    const rows = grid([{ weekday: 1, hour: 0, n: 1 }, { weekday: 7, hour: 23, n: 400 }, { weekday: 9, hour: 0, n: 5 }]);
    expect([rows[0][0], rows[6][23], rows.flat().reduce((a, b) => a + b)]).toEqual([1, 400, 401]);
    expect([shade(0, 400), shade(1, 400), shade(400, 400), shade(0, 0)]).toEqual([0, 1, STEPS - 1, 0]);
  });
});

describe("languages", () => {
  const keys = (o: object, at = ""): string[] =>
    Object.entries(o).flatMap(([k, v]) => (v && typeof v === "object" ? keys(v, `${at}${k}.`) : [at + k]));
  const words = (o: object): unknown[] => Object.values(o).flatMap((v) => (v && typeof v === "object" ? words(v) : [v]));
  it("say the same things", () => expect(keys(en)).toEqual(keys(zh)));
  it("leave nothing empty", () => {
    for (const w of [...words(zh), ...words(en)]) expect(w).not.toBe("");
  });
  it("have English without Chinese", () => {
    const text = words({ ...en, other: "" }).map((w) => (typeof w === "function" ? w("1", 1) : w)).join(" ");
    expect(text).not.toMatch(/[\u4e00-\u9fff]/);
  });
});
