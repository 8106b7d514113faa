/** Loading something when a component appears, when what it asks for changes, and every so often. */
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { get, queryText, type Query } from "../api";

export interface Loaded<T> {
  data: T | null;
  error: unknown;
  isLoading: boolean;
  reload: () => void;
}

/** @param path null: nothing is asked for */
export function useGet<T>(path: string | null, query: Query = {}, everyMs = 0): Loaded<T> {
  const [data, setData] = useState<T | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [isLoading, setLoading] = useState(true);
  const [turn, setTurn] = useState(0);
  const asked = path === null ? null : path + queryText(query);
  const shown = useRef<string | null>(null);
  useEffect(() => {
    if (asked === null) return;
    const abort = new AbortController();
    if (shown.current !== asked) setLoading(true);
    get<T>(asked, {}, abort.signal).then(
      (answer) => {
        shown.current = asked;
        setData(answer);
        setError(null);
        setLoading(false);
      },
      (e) => {
        if (abort.signal.aborted) return;
        setError(e);
        setLoading(false);
      });
    return () => abort.abort();
  }, [asked, turn]);
  useEffect(() => {
    if (!everyMs) return;
    const timer = setInterval(() => {
      if (document.visibilityState !== "hidden") setTurn((n) => n + 1);
    }, everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return { data, error, isLoading, reload: useCallback(() => setTurn((n) => n + 1), []) };
}
