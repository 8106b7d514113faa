import { describe, expect, it } from "vitest";
import { EventParser } from "../../src/live/sse";

const TEXT = ": hello\n\nid: 5\nevent: alert\ndata: {\"a\":1}\n\nevent: camera\ndata: x\ndata:  y\n\nid: 6\ndata\n\n: beat\n\nid: 7\n\n";
const EVENTS = [
  { event: "alert", data: '{"a":1}', id: "5" },
  { event: "camera", data: "x\n y", id: null },
  { event: "message", data: "", id: "6" },
];

describe("EventParser", () => {
  it("reads events, comments and fields without a value", () => {
    expect(new EventParser().push(TEXT)).toEqual(EVENTS);
  });

  it("gives the same whatever pieces the text comes in, and with any line end", () => {
    for (const text of [TEXT, TEXT.replace(/\n/g, "\r\n"), TEXT.replace(/\n/g, "\r")]) {
      for (const size of [1, 2, 3, 7, 40]) {
        const parser = new EventParser(), events = [];
        for (let i = 0; i < text.length; i += size) events.push(...parser.push(text.slice(i, i + size)));
        expect(events).toEqual(EVENTS);
      }
    }
  });

  it("gives no event before its empty line has come", () => {
    const parser = new EventParser();
    expect(parser.push("id: 1\ndata: a\n")).toEqual([]);
    expect(parser.push("\n")).toHaveLength(1);
  });
});
