/** The words of the chosen language: Chinese first, English beside it; the choice is remembered. */
import { computed, signal } from "@preact/signals";
import { zh, type Dictionary } from "./zh";
import { en } from "./en";
import { ApiError } from "../api";
import { remembered, remember } from "../lib/remember";

export type Language = "zh" | "en";
const languages: Record<Language, Dictionary> = { zh, en };

export const language = signal<Language>(remembered("language") === "en" ? "en" : "zh");
const words = computed(() => languages[language.value]);

/** The dictionary; read in a component it renders again when the language changes. */
export const t = (): Dictionary => words.value;

export function switchLanguage(): void {
  language.value = language.value === "zh" ? "en" : "zh";
  remember("language", language.value);
}

/** What went wrong, for people. */
export function errorText(e: unknown): string {
  const code = e instanceof ApiError ? e.code : "internal";
  return t().errors[code] ?? t().errors.internal;
}
