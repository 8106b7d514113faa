/** The frame around every page: where one is, whether it is live, the time, language, who is logged in. */
import { signal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { logout, me } from "../api";
import { now, zone } from "../city";
import { switchLanguage, t } from "../i18n";
import { clockTime } from "../lib/time";
import { remember } from "../lib/remember";
import type { Phase } from "../live/feed";
import { PAGES } from "../roles";
import { path } from "../router";
import { SunMoon } from "./icons";

/** Set by the page that has a stream; null: the page has none. */
export const livePhase = signal<Phase | null>(null);

export function switchTheme(): void {
  const theme = document.documentElement.dataset.theme === "light" ? "dark" : "light";
  document.documentElement.dataset.theme = theme;
  remember("theme", theme);
}

function LiveMark() {
  const phase = livePhase.value;
  if (!phase) return null;
  return <span class={`live live-${phase}`} role="status"><i aria-hidden="true" />{t().live[phase]}</span>;
}

export function LanguageAndTheme() {
  const words = t();
  return (
    <>
      <button type="button" class="plain" lang={words.lang === "en" ? "zh-CN" : "en"} onClick={switchLanguage}>{words.other}</button>
      <button type="button" class="plain" aria-label={words.common.theme} title={words.common.theme} onClick={switchTheme}><SunMoon /></button>
    </>
  );
}

export function Shell({ children }: { children: ComponentChildren }) {
  const words = t(), user = me.value!;
  const here = path.value.split("/")[1];
  const pages = PAGES[user.role];
  return (
    <div class={`shell shell-${here}`}>
      <a class="skip" href="#main" onClick={(e) => { e.preventDefault(); document.getElementById("main")?.focus(); }}>{words.common.skip}</a>
      <header class="top">
        <a class="brand" href="/"><span class="brand-dot" aria-hidden="true" /><span class="brand-name">{words.brand}</span></a>
        <nav aria-label={words.nav.main}>
          {pages.length > 1 && pages.map((p) => (
            <a key={p} href={"/" + p} aria-current={here === p ? "page" : undefined}>{words.nav[p]}</a>
          ))}
        </nav>
        <div class="top-right">
          <LiveMark />
          <time class="top-clock" dateTime={new Date(now.value).toISOString()}>{clockTime(now.value, zone())}</time>
          <LanguageAndTheme />
          <span class="who" title={user.districts?.join(" ") ?? words.common.all}>{user.name || user.login}<small>{words.role[user.role]}</small></span>
          <button type="button" class="plain" onClick={() => void logout().catch(() => undefined)}>{words.common.logout}</button>
        </div>
      </header>
      <main id="main" tabIndex={-1}>{children}</main>
    </div>
  );
}
