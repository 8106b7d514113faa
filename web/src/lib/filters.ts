/** The filters of the history: what the form holds, what the API is asked, what the address says. */
import { utcToZoned, zonedToUtc } from "./time";

/** Names are those of getViolations; `from` and `to` are RFC 3339 UTC. */
export const FILTERS = [
  "kind", "severity", "review", "class", "direction", "district", "road", "camera", "plate", "incident",
  "from", "to", "min_speed", "max_speed", "min_level", "max_level",
] as const;
export type FilterName = (typeof FILTERS)[number];
export type Filters = Partial<Record<FilterName, string>>;

export type Sort = { by: "time" | "speed" | "level"; order: "asc" | "desc" };
export const NEWEST: Sort = { by: "time", order: "desc" };

const TIMES: readonly string[] = ["from", "to"];
const NUMBERS: readonly string[] = ["min_speed", "max_speed", "min_level", "max_level"];

/** What is set and can be asked: known names, no empty values, numbers that are numbers. */
export function clean(filters: Record<string, string | undefined>): Filters {
  const kept: Filters = {};
  for (const name of FILTERS) {
    const value = filters[name]?.trim();
    if (!value) continue;
    if (NUMBERS.includes(name) && !Number.isFinite(Number(value))) continue;
    if (TIMES.includes(name) && Number.isNaN(Date.parse(value))) continue;
    kept[name] = value;
  }
  return kept;
}

export function fromAddress(search: string): { filters: Filters; sort: Sort } {
  const words = Object.fromEntries(new URLSearchParams(search));
  const by = ["time", "speed", "level"].includes(words.sort) ? (words.sort as Sort["by"]) : "time";
  return { filters: clean(words), sort: { by, order: words.order === "asc" ? "asc" : "desc" } };
}

export function toQuery(filters: Filters, sort: Sort): Record<string, string> {
  const query: Record<string, string> = { ...clean(filters) };
  if (sort.by !== "time") query.sort = sort.by;
  if (sort.order !== "desc") query.order = sort.order;
  return query;
}

/** A click on a column: first descending, then ascending. */
export function nextSort(sort: Sort, by: Sort["by"]): Sort {
  return sort.by === by && sort.order === "desc" ? { by, order: "asc" } : { by, order: "desc" };
}

export const timeToInput = (at: string | undefined, zone: string) => (at ? utcToZoned(at, zone) : "");
export const inputToTime = (local: string, zone: string) => zonedToUtc(local, zone);
