/**
 * The connection behind a Feed. It reads the stream with fetch, not EventSource: a page must see the
 * comments (a phone's connection can be dead for minutes and say nothing) and the status (401: log in
 * again; 429: when to come back), and EventSource shows neither. What it sends is the same:
 * Last-Event-ID.
 */
import { signal } from "@preact/signals";
import { ApiError, me } from "../api";
import { Feed, type Action, type Phase } from "./feed";
import { EventParser } from "./sse";

/** The gateway sends a comment every 15 s. */
const SILENCE_MS = 40_000;

export interface Source {
  /** Loads the lists and puts them in the page. @return their cursor; null: there is none, events begin now */
  load(signal: AbortSignal): Promise<number | null>;
  apply(event: string, data: unknown): void;
}

export class LiveStream {
  readonly phase = signal<Phase>("stopped");
  private feed = new Feed();
  private connection: AbortController | null = null;
  private timer = 0;
  private then: "load" | "connect" = "load";

  constructor(private source: Source) {}

  start(): void {
    addEventListener("online", this.sooner);
    document.addEventListener("visibilitychange", this.sooner);
    this.run(this.feed.start());
  }

  stop(): void {
    removeEventListener("online", this.sooner);
    document.removeEventListener("visibilitychange", this.sooner);
    this.run(this.feed.stop());
  }

  private sooner = () => {
    if (document.visibilityState === "hidden") return;
    clearTimeout(this.timer);
    this.run(this.feed.retry(this.then));
  };

  private run(actions: Action[]): void {
    for (const action of actions) {
      if (action.do === "load") void this.load();
      else if (action.do === "connect") void this.connect(action.after);
      else if (action.do === "apply") this.apply(action.event, action.data);
      else if (action.do === "close") this.close();
      else {
        this.then = action.then;
        this.timer = window.setTimeout(() => this.run(this.feed.retry(action.then)), action.ms);
      }
    }
    this.phase.value = this.feed.phase;
  }

  /** A page that cannot show one event still shows those after it. */
  private apply(event: string, data: unknown): void {
    try {
      this.source.apply(event, data);
    } catch (e) {
      console.error(e);
    }
  }

  private close(): void {
    clearTimeout(this.timer);
    this.connection?.abort();
    this.connection = null;
  }

  private open(): AbortController {
    this.close();
    return (this.connection = new AbortController());
  }

  private async load(): Promise<void> {
    const mine = this.open();
    try {
      const cursor = await this.source.load(mine.signal);
      if (this.connection === mine) this.run(this.feed.loaded(cursor));
    } catch (e) {
      if (this.connection === mine) this.fail(e);
    }
  }

  private fail(e: unknown, retryAfterMs = 0): void {
    if (e instanceof ApiError && (e.status === 401 || e.status === 403)) this.stop();
    else this.run(this.feed.failed(Math.random(), retryAfterMs));
  }

  private async connect(after: number | null): Promise<void> {
    const mine = this.open();
    let silence = 0;
    const heard = () => {
      clearTimeout(silence);
      silence = window.setTimeout(() => mine.abort(), SILENCE_MS);
    };
    try {
      heard();
      const answer = await fetch("/api/v1/events", {
        headers: { Accept: "text/event-stream", ...(after === null ? {} : { "Last-Event-ID": String(after) }) },
        credentials: "same-origin", cache: "no-store", signal: mine.signal,
      });
      if (!answer.ok || !answer.body) {
        if (answer.status === 401) me.value = null;
        const wait = Number(answer.headers.get("Retry-After")) * 1000 || 0;
        if (this.connection === mine) this.fail(new ApiError(answer.status, "stream", answer.statusText), wait);
        return;
      }
      this.run(this.feed.opened());
      await this.read(answer.body.getReader(), mine, heard);
      throw new Error("the stream has ended");
    } catch (e) {
      if (this.connection === mine) this.fail(e);
    } finally {
      clearTimeout(silence);
    }
  }

  private async read(reader: ReadableStreamDefaultReader<Uint8Array>, mine: AbortController,
                     heard: () => void): Promise<void> {
    const parser = new EventParser(), decoder = new TextDecoder();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      heard();
      for (const event of parser.push(decoder.decode(value, { stream: true }))) {
        if (this.connection !== mine) return; // closed by an event before this one
        this.run(this.feed.received(event));
      }
    }
  }
}
