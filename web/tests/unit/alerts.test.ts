import { describe, expect, it } from "vitest";
import { add, apply, MOST_ALERTS, NO_FILTER, select, type Alerts } from "../../src/lib/alerts";
import { isLate, nextDue } from "../../src/lib/clock";
import { dispatch, review, violation } from "./make";

const at = (s: number) => new Date(Date.UTC(2026, 10, 26, 1, 0, s)).toISOString();
const T = (text: string) => Date.parse(`2026-11-26T${text}Z`);

describe("alerts", () => {
  it("keeps the newest first and one entry an id, in whatever order they come", () => {
    let list: Alerts = [];
    for (const s of [3, 1, 2, 3, 2]) list = add(list, violation(`v${s}`, at(s)));
    expect(list.map((v) => v.id)).toEqual(["v3", "v2", "v1"]);
  });

  it("keeps no more than it can show", () => {
    let list: Alerts = [];
    for (let s = 0; s < MOST_ALERTS + 20; s++) list = add(list, violation(`v${s}`, at(s)));
    expect(list).toHaveLength(MOST_ALERTS);
    expect(list[0].id).toBe(`v${MOST_ALERTS + 19}`);
  });

  it("takes decisions and dispatches; those of others change nothing", () => {
    const before = add([], violation("v1", at(1)));
    expect(apply(before, "review", { violation: "v2", review: review("confirmed") })).toBe(before);
    const decided = apply(before, "review", { violation: "v1", review: review("confirmed") });
    expect(decided[0].review).toBe("confirmed");
    expect(before[0].review).toBe("new");
    expect(apply(before, "dispatch", dispatch("v1"))[0].dispatch?.unit).toBe("u1");
    expect(apply(before, "camera", {})).toBe(before);
  });

  it("is the same when a decision comes twice", () => {
    const once = apply(add([], violation("v1", at(1))), "review", { violation: "v1", review: review("rejected") });
    expect(apply(once, "review", { violation: "v1", review: review("rejected") })).toEqual(once);
  });

  it("does not let an older dispatch cover a newer one", () => {
    let list = apply(add([], violation("v1", at(1))), "dispatch", dispatch("v1", { id: 9, unit: "new" }));
    list = apply(list, "dispatch", dispatch("v1", { id: 7, unit: "old", state: "declined" }));
    expect(list[0].dispatch?.unit).toBe("new");
  });

  it("filters by kind, severity and above, state, and words", () => {
    const list = [
      violation("a", at(5), { severity: "minor" }), violation("b", at(4), { severity: "extreme", kind: "modified_exhaust" }),
      violation("c", at(3), { review: "confirmed" }), violation("d", at(2), { camera_name: "红荔路 K1", road: "红荔路" }),
      violation("e", at(1), { dispatch: dispatch("e") }),
    ];
    const ids = (f: object, now = T("01:00:00")) => select(list, { ...NO_FILTER, ...f }, now).map((v) => v.id).join("");
    expect(ids({})).toBe("abcde");
    expect(ids({ severity: "serious" })).toBe("b");
    expect(ids({ kind: "modified_exhaust" })).toBe("b");
    expect(ids({ state: "open" })).toBe("abde");
    expect(ids({ state: "dispatched" })).toBe("e");
    expect(ids({ state: "late" })).toBe("");
    expect(ids({ state: "late" }, T("01:10:01"))).toBe("abcde");
    expect(ids({ text: " 红荔" })).toBe("d");
  });
});

describe("response clock", () => {
  const v = violation("v1", at(0));

  it("counts to the first deadline that is open", () => {
    expect(nextDue(v.clock, T("01:04:00"))).toMatchObject({ stage: "signed", leftMs: 360_000 });
    expect(isLate(v.clock, T("01:10:00"))).toBe(false);
    expect(isLate(v.clock, T("01:10:01"))).toBe(true);
  });

  it("is stopped by a decision, but for the feedback when it stays unclear", () => {
    const one = (verdict: Parameters<typeof review>[0]) => apply([v], "review", { violation: "v1", review: review(verdict) })[0];
    expect(nextDue(one("confirmed").clock, 0)).toBeNull();
    expect(nextDue(one("rejected").clock, 0)).toBeNull();
    expect(nextDue(one("unclear").clock, 0)?.stage).toBe("feedback");
  });

  it("goes on with a dispatch: signed, responded when accepted, feedback when done", () => {
    const sent = apply([v], "dispatch", dispatch("v1"))[0];
    expect(nextDue(sent.clock, 0)?.stage).toBe("responded");
    const answers = [{ answer: "accepted" as const, note: "", at: at(300) }];
    const accepted = apply([sent], "dispatch", dispatch("v1", { state: "accepted", answers }))[0];
    expect(nextDue(accepted.clock, 0)?.stage).toBe("feedback");
    const done = [...answers, { answer: "on_site" as const, note: "", at: at(400) }, { answer: "done" as const, note: "", at: at(500) }];
    const over = apply([accepted], "dispatch", dispatch("v1", { state: "done", answers: done }))[0];
    expect(nextDue(over.clock, 0)).toBeNull();
    expect(over.clock.map((c) => c.met_at)).toEqual(["2026-11-26T01:04:00.000Z", at(300), at(500)]);
  });

  it("keeps the first time that a stage was met", () => {
    const once = apply([v], "review", { violation: "v1", review: review("confirmed", at(60)) })[0];
    const again = apply([once], "review", { violation: "v1", review: review("issued", at(90)) })[0];
    expect(again.clock.every((c) => c.met_at === at(60))).toBe(true);
  });
});
