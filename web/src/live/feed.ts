/**
 * What keeps a page's state equal to the gateway's over a connection that breaks: nothing lost,
 * nothing twice. It knows no network and no clock; stream.ts carries out what it asks for.
 *
 * The lists are loaded with a cursor; events follow from the cursor; each event that is taken moves
 * the cursor to its own place. Whatever happens to the connection, the next one asks from the cursor,
 * and what is not beyond the cursor has been taken before and is left out.
 */
import type { ServerEvent } from "./sse";

export type Phase =
  | "loading" // the lists are asked for
  | "connecting" // the stream is asked for
  | "live"
  | "waiting" // for the next try
  | "stopped";

export type Action =
  | { do: "load" }
  | { do: "connect"; after: number | null }
  | { do: "wait"; ms: number; then: "load" | "connect" }
  | { do: "apply"; event: string; data: unknown }
  | { do: "close" };

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 15_000;

export class Feed {
  phase: Phase = "stopped";
  /** Place of the last event that was taken; null until the lists were loaded. */
  cursor: number | null = null;
  private failures = 0;

  start(): Action[] {
    this.phase = "loading";
    return [{ do: "load" }];
  }

  stop(): Action[] {
    this.phase = "stopped";
    return [{ do: "close" }];
  }

  /** The lists are there and were put in the page. @param cursor null: events have no places, and begin now */
  loaded(cursor: number | null): Action[] {
    if (this.phase !== "loading") return [];
    this.cursor = cursor;
    this.phase = "connecting";
    return [{ do: "connect", after: cursor }];
  }

  opened(): Action[] {
    if (this.phase === "connecting") {
      this.phase = "live";
      this.failures = 0;
    }
    return [];
  }

  received(event: ServerEvent): Action[] {
    if (this.phase !== "live") return [];
    if (event.event === "reset") {
      this.phase = "loading";
      return [{ do: "close" }, { do: "load" }];
    }
    if (event.id !== null && this.cursor !== null) {
      const place = Number(event.id);
      if (!Number.isSafeInteger(place) || place <= this.cursor) return [];
      this.cursor = place;
    }
    let data: unknown;
    try {
      data = JSON.parse(event.data);
    } catch {
      return []; // not ours to guess at; its place is passed
    }
    return [{ do: "apply", event: event.event, data }];
  }

  /** Loading or the connection failed, or has ended; @param random 0 to 1, so that not all come back at once */
  failed(random: number, retryAfterMs = 0): Action[] {
    if (this.phase === "stopped" || this.phase === "waiting") return [];
    const then = this.cursor === null || this.phase === "loading" ? "load" : "connect";
    const longest = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** this.failures);
    this.failures++;
    this.phase = "waiting";
    const ms = Math.max(retryAfterMs, Math.round(longest * (0.5 + random / 2)));
    return [{ do: "close" }, { do: "wait", ms, then }];
  }

  /** The wait is over, or there is reason to try sooner (the network is back, the page is seen again). */
  retry(then: "load" | "connect"): Action[] {
    if (this.phase !== "waiting") return [];
    if (then === "load" || this.cursor === null) return this.start();
    this.phase = "connecting";
    return [{ do: "connect", after: this.cursor }];
  }
}
