import { describe, expect, it } from "vitest";
import { add, isOver, isRefused, nextAnswers, queueAnswer, withAnswer, type Inbox } from "../../src/lib/inbox";
import { dispatch, item, violation } from "./make";

const v = (id: string) => violation(id, "2026-11-26T01:00:00.000Z");

describe("inbox", () => {
  it("has one entry a violation, the newest first", () => {
    let inbox: Inbox = [];
    for (const [p, id] of [[1, "a"], [2, "b"], [2, "b"], [1, "a"]] as [number, string][]) inbox = add(inbox, item(p, v(id)));
    expect(inbox.map((i) => i.violation.id)).toEqual(["b", "a"]);
  });

  it("brings to the top what was near by and is then assigned, and calls it assigned from then on", () => {
    let inbox = add(add([], item(1, v("a"))), item(2, v("b")));
    inbox = add(inbox, item(3, v("a"), "assigned"));
    expect(inbox.map((i) => [i.violation.id, i.why])).toEqual([["a", "assigned"], ["b", "nearby"]]);
    inbox = add(add(inbox, item(4, v("b"))), item(5, v("a")));
    expect(inbox.map((i) => [i.violation.id, i.why])).toEqual([["a", "assigned"], ["b", "nearby"]]);
  });

  it("leaves an entry where it is when its dispatch changes", () => {
    let inbox = add(add([], item(1, v("a"), "assigned")), item(2, v("b"), "assigned"));
    inbox = add(inbox, item(3, { ...v("a"), dispatch: dispatch("a", { state: "on_site" }) }, "assigned"));
    expect(inbox.map((i) => i.violation.id)).toEqual(["b", "a"]);
    expect(inbox[1].violation.dispatch?.state).toBe("on_site");
  });

  it("offers the answers that may follow", () => {
    const of = (state?: "sent" | "accepted" | "on_site" | "done" | "declined") =>
      nextAnswers(item(1, { ...v("a"), dispatch: state ? dispatch("a", { state }) : null }));
    expect(of()).toEqual(["accepted"]);
    expect(of("sent")).toEqual(["accepted", "declined"]);
    expect(of("accepted")).toEqual(["on_site", "declined"]);
    expect(of("on_site")).toEqual(["done", "declined"]);
    expect([of("done"), of("declined")]).toEqual([[], []]);
  });

  it("shows an answer that the gateway has taken", () => {
    const inbox = withAnswer(add([], item(1, v("a"))), dispatch("a", { state: "done" }));
    expect(isOver(inbox[0])).toBe(true);
  });

  it("queues an answer once and keeps the order", () => {
    const p = (answer: "accepted" | "on_site") => ({ violation: "a", answer, note: "" });
    expect(queueAnswer(queueAnswer(queueAnswer([], p("accepted")), p("on_site")), p("accepted")).map((q) => q.answer)).toEqual(["accepted", "on_site"]);
  });

  it("sends an answer again when nobody heard it, not when it was refused", () => {
    expect([0, 401, 408, 429, 500, 503].map(isRefused)).toEqual(Array(6).fill(false));
    expect([400, 403, 404, 409, 422].map(isRefused)).toEqual(Array(5).fill(true));
  });
});
