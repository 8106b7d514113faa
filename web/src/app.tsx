/** Which page is shown: by who is logged in, by role, by address. */
import { useEffect, useState } from "preact/hooks";
import { ApiError, isKnown, me, whoAmI } from "./api";
import { loadSettings } from "./city";
import { t } from "./i18n";
import { go, path } from "./router";
import type { ComponentType } from "preact";
import { PAGES, type Page } from "./roles";
import { Login } from "./pages/login";
import { Wall } from "./pages/wall";
import { Shell } from "./ui/shell";
import { Boundary, Empty, Failed, Loading } from "./ui/parts";
import { Toast } from "./ui/toast";

const COMPONENTS: Partial<Record<Page, ComponentType>> = { wall: Wall };

export function App() {
  const [error, setError] = useState<unknown>(null);
  const ask = () => {
    setError(null);
    whoAmI().catch((e) => {
      setError(e);
      // a phone without coverage: when it is back, go on by itself
      if (e instanceof ApiError && e.code === "network") addEventListener("online", ask, { once: true });
    });
  };
  useEffect(ask, []);
  useEffect(() => {
    if (me.value) void loadSettings().catch(() => undefined);
  }, [me.value?.login]);

  let page;
  if (error && !isKnown.value) page = <main id="main"><Failed error={error} retry={ask} /></main>;
  else if (!isKnown.value) page = <main id="main"><Loading /></main>;
  else if (!me.value) page = <Login />;
  else page = <Shell><Boundary key={path.value.split("/")[1]}><Current /></Boundary></Shell>;
  return <>{page}<Toast /></>;
}

function Current() {
  const role = me.value!.role;
  const pages = PAGES[role];
  const [, first] = path.value.split("/");
  const isStart = first === "" || first === "login";
  useEffect(() => {
    if (isStart && pages[0]) go("/" + pages[0], true);
  }, [isStart]);
  if (isStart && pages[0]) return <Loading />;
  const page = pages.find((p) => p === first);
  const Component = page && COMPONENTS[page];
  if (Component) return <Component />;
  return (
    <Empty title={t().common.page_gone} why={t().common.page_gone_why}>
      {pages[0] && <a class="button" href={"/" + pages[0]}>{t().common.home}</a>}
    </Empty>
  );
}
