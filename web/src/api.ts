/** The HTTP API: one function that fetches, and what the pages call. */
import { signal } from "@preact/signals";
import type { Me } from "./types";

export const me = signal<Me | null>(null);
/** false until it is known whether somebody is logged in. */
export const isKnown = signal(false);

/** What the gateway answered with, or `network` when it did not. */
export class ApiError extends Error {
  constructor(readonly status: number, readonly code: string, message: string, readonly field?: string) {
    super(message);
  }
}

export type Query = Record<string, string | number | boolean | null | undefined>;

/** `?a=b&c=d` of what is set, or "". */
export function queryText(query: Query): string {
  const words = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) {
    if (value !== undefined && value !== null && value !== "") words.set(key, String(value));
  }
  const text = words.toString();
  return text ? "?" + text : "";
}

async function errorOf(answer: Response): Promise<ApiError> {
  try {
    const body = await answer.json();
    return new ApiError(answer.status, String(body.error), String(body.message), body.field);
  } catch {
    return new ApiError(answer.status, answer.status === 503 ? "unavailable" : "internal", answer.statusText);
  }
}

/** @throws ApiError; an answer 401 also ends the session here. */
export async function request<T>(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<T> {
  const headers: Record<string, string> = { Accept: "application/json" };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (method !== "GET" && me.value) headers["X-CSRF-Token"] = me.value.csrf;
  let answer: Response;
  try {
    answer = await fetch("/api/v1" + path, {
      method, headers, signal, credentials: "same-origin",
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch (e) {
    if (signal?.aborted) throw e;
    throw new ApiError(0, "network", String(e));
  }
  if (!answer.ok) {
    const error = await errorOf(answer);
    if (answer.status === 401 && error.code === "unauthenticated") me.value = null;
    throw error;
  }
  if (answer.status === 204) return undefined as T;
  return (await answer.json()) as T;
}

export const get = <T>(path: string, query: Query = {}, signal?: AbortSignal) =>
  request<T>("GET", path + queryText(query), undefined, signal);
export const post = <T>(path: string, body: unknown) => request<T>("POST", path, body);
export const put = <T>(path: string, body: unknown) => request<T>("PUT", path, body);
export const remove = (path: string) => request<void>("DELETE", path);

export async function login(name: string, password: string): Promise<void> {
  me.value = await post<Me>("/login", { login: name, password });
}

/** The session ends here even when the gateway cannot be told. */
export async function logout(): Promise<void> {
  try {
    await request<void>("POST", "/logout");
  } finally {
    me.value = null;
  }
}

/** Asks who is logged in. Without a network the answer is left open, and asked again. */
export async function whoAmI(): Promise<void> {
  try {
    me.value = await get<Me>("/me");
  } catch (e) {
    if (!(e instanceof ApiError) || e.status !== 401) throw e;
    me.value = null;
  }
  isKnown.value = true;
}

/** Where a file of a violation's evidence is; for src and href. */
export function fileUrl(violation: string, name: string): string {
  return `/api/v1/violations/${violation}/files/${encodeURIComponent(name)}`;
}
