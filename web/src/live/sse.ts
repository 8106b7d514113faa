/** Server-sent events out of a stream of text (WHATWG HTML 9.2.6). */
export interface ServerEvent {
  event: string;
  data: string;
  /** null: the event had none of its own. */
  id: string | null;
}

export class EventParser {
  private rest = "";
  private event = "";
  private data: string[] = [];
  private id: string | null = null;

  /** Whatever pieces the text comes in, each event is returned once, when its empty line has come. */
  push(text: string): ServerEvent[] {
    const events: ServerEvent[] = [];
    // A lone CR at the end may be the first half of CR LF: it waits for the next piece.
    const all = this.rest + text;
    const isHalf = all.endsWith("\r");
    const lines = (isHalf ? all.slice(0, -1) : all).split(/\r\n|\n|\r/);
    this.rest = lines.pop()! + (isHalf ? "\r" : "");
    for (const line of lines) {
      if (line === "") {
        if (this.data.length) {
          events.push({ event: this.event || "message", data: this.data.join("\n"), id: this.id });
        }
        this.event = "";
        this.data = [];
        this.id = null;
      } else {
        this.field(line);
      }
    }
    return events;
  }

  private field(line: string): void {
    const colon = line.indexOf(":");
    if (colon === 0) return; // a comment
    const name = colon < 0 ? line : line.slice(0, colon);
    let value = colon < 0 ? "" : line.slice(colon + 1);
    if (value.startsWith(" ")) value = value.slice(1);
    if (name === "event") this.event = value;
    else if (name === "data") this.data.push(value);
    else if (name === "id") this.id = value;
  }
}
