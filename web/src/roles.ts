import type { Role } from "./types";

export type Page = "wall" | "trends" | "history" | "cameras" | "field" | "access";

/** The pages of each role, the first is where it starts; the gateway has the last word on rights. */
export const PAGES: Record<Role, Page[]> = {
  command: ["wall", "trends", "history", "cameras"],
  analyst: ["history", "trends", "cameras"],
  field: ["field"],
  technician: ["cameras"],
  admin: ["wall", "trends", "history", "cameras", "access"],
};
