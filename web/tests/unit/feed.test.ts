import { describe, expect, it } from "vitest";
import { Feed, type Action } from "../../src/live/feed";

const event = (id: number | null, data: unknown = { n: id }) =>
  ({ event: id === null ? "camera" : "alert", id: id === null ? null : String(id), data: JSON.stringify(data) });
const live = (cursor = 10) => {
  const feed = new Feed();
  feed.start();
  feed.loaded(cursor);
  feed.opened();
  return feed;
};
const applied = (actions: Action[]) => actions.filter((a) => a.do === "apply");

describe("Feed", () => {
  it("loads, connects from the lists' cursor, and takes what follows", () => {
    const feed = new Feed();
    expect(feed.start()).toEqual([{ do: "load" }]);
    expect(feed.loaded(10)).toEqual([{ do: "connect", after: 10 }]);
    feed.opened();
    expect(feed.phase).toBe("live");
    expect(applied(feed.received(event(11)))).toHaveLength(1);
    expect(feed.cursor).toBe(11);
  });

  it("leaves out what it has taken before", () => {
    const feed = live();
    feed.received(event(12));
    expect(feed.received(event(12))).toEqual([]);
    expect(feed.received(event(11))).toEqual([]);
    expect(feed.cursor).toBe(12);
  });

  it("takes events without a place and stays where it is", () => {
    const feed = live();
    expect(applied(feed.received(event(null)))).toHaveLength(1);
    expect(feed.cursor).toBe(10);
  });

  it("asks from the last event after a cut, whatever was cut", () => {
    const feed = live();
    feed.received(event(11));
    const actions = feed.failed(0.5);
    expect(actions[0]).toEqual({ do: "close" });
    expect(actions[1]).toMatchObject({ do: "wait", then: "connect" });
    expect(feed.failed(0.5)).toEqual([]); // one cut, one wait
    expect(feed.retry("connect")).toEqual([{ do: "connect", after: 11 }]);
    expect(feed.received(event(12))).toEqual([]); // not open yet: it comes again
    feed.opened();
    expect(applied(feed.received(event(12)))).toHaveLength(1);
  });

  it("loads again when the lists were never there", () => {
    const feed = new Feed();
    feed.start();
    expect(feed.failed(0)[1]).toMatchObject({ do: "wait", then: "load" });
    expect(feed.retry("load")).toEqual([{ do: "load" }]);
  });

  it("loads the lists again after a reset, and again when that fails", () => {
    const feed = live();
    expect(feed.received({ event: "reset", id: null, data: '{"cursor":900}' })).toEqual([{ do: "close" }, { do: "load" }]);
    expect(feed.received(event(901))).toEqual([]); // of the connection that is closed
    expect(feed.failed(0)[1]).toMatchObject({ then: "load" });
    feed.retry("load");
    expect(feed.loaded(900)).toEqual([{ do: "connect", after: 900 }]);
  });

  it("begins now, and loads again after a cut, where events have no places", () => {
    const feed = new Feed();
    feed.start();
    expect(feed.loaded(null)).toEqual([{ do: "connect", after: null }]);
    feed.opened();
    expect(applied(feed.received(event(null)))).toHaveLength(1);
    expect(feed.failed(0)[1]).toMatchObject({ then: "load" });
  });

  it("waits longer from try to try, never longer than 15 s, and as long as it was told", () => {
    const feed = live();
    const waits: number[] = [];
    for (let i = 0; i < 12; i++) {
      waits.push((feed.failed(1)[1] as { ms: number }).ms);
      feed.retry("connect");
    }
    expect(waits.slice(0, 4)).toEqual([500, 1000, 2000, 4000]);
    expect(Math.max(...waits)).toBe(15_000);
    feed.opened();
    expect((feed.failed(1)[1] as { ms: number }).ms).toBe(500);
    feed.retry("connect");
    expect((feed.failed(0, 20_000)[1] as { ms: number }).ms).toBe(20_000);
  });

  it("does nothing any more once it is stopped", () => {
    const feed = live();
    expect(feed.stop()).toEqual([{ do: "close" }]);
    expect([feed.failed(0), feed.retry("connect"), feed.received(event(11)), feed.loaded(4)]).toEqual([[], [], [], []]);
  });

  it("passes what it cannot read, and goes on", () => {
    const feed = live();
    expect(feed.received({ event: "alert", id: "11", data: "{" })).toEqual([]);
    expect(applied(feed.received(event(12)))).toHaveLength(1);
  });

  it("loses and doubles nothing over 2000 connections that break anywhere", () => {
    // A server that keeps events 1 to 500 and forgets those before the last 60; a network that breaks
    // between any two events, repeats, and a page that takes whatever the feed lets through.
    let seed = 4711;
    const random = () => (seed = (seed * 1103515245 + 12345) & 0x7fffffff) / 0x7fffffff;
    const taken: number[] = [];
    let newest = 0, nConnections = 0;
    const feed = new Feed();
    const state = new Set<number>();
    const run = (actions: Action[]) => {
      for (const a of actions) {
        if (a.do === "apply") {
          const n = (a.data as { n: number }).n;
          taken.push(n);
          expect(state.has(n)).toBe(false);
          state.add(n);
        } else if (a.do === "load") {
          if (random() < 0.2) { run(feed.failed(random())); continue; }
          for (let n = 1; n <= newest; n++) state.add(n); // the lists hold all there is
          run(feed.loaded(newest));
        } else if (a.do === "wait") {
          newest += Math.floor(random() * 4);
          run(feed.retry(a.then));
        } else if (a.do === "connect" && nConnections++ < 2000) {
          newest += Math.floor(random() * (nConnections % 97 === 0 ? 80 : 3));
          if (random() < 0.2) { run(feed.failed(random())); continue; }
          feed.opened();
          if (a.after! < newest - 60) { run(feed.received({ event: "reset", id: null, data: "{}" })); continue; }
          const from = Math.max(1, a.after! + 1 - Math.floor(random() * 3)); // a few again
          for (let n = from; n <= newest && random() > 0.1; n++) run(feed.received(event(n)));
          run(feed.failed(random()));
        }
      }
    };
    run(feed.start());
    expect(feed.cursor).toBeGreaterThan(500);
    for (let n = 1; n <= feed.cursor!; n++) expect(state.has(n)).toBe(true);
    expect(new Set(taken).size).toBe(taken.length);
  });
});
