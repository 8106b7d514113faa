/** Which page is shown: by who is logged in, by role, by address. */
import { useEffect, useState } from "preact/hooks";
import { ApiError, isKnown, me, whoAmI } from "./api";
import { loadSettings } from "./city";
import { t } from "./i18n";
import { go, path } from "./router";
import { PAGES } from "./roles";
import { Access } from "./pages/access";
import { Cameras } from "./pages/cameras";
import { EvidencePage } from "./pages/evidence";
import { Field } from "./pages/field";
import { History } from "./pages/history";
import { Login } from "./pages/login";
import { Trends } from "./pages/trends";
import { Wall } from "./pages/wall";
import { Shell } from "./ui/shell";
import { Boundary, Empty, Failed, Loading } from "./ui/parts";
import { Toast } from "./ui/toast";

const COMPONENTS = { wall: Wall, trends: Trends, history: History, cameras: Cameras, field: Field, access: Access };

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
  const [, first, second] = path.value.split("/");
  const isStart = first === "" || first === "login";
  useEffect(() => {
    if (isStart) go("/" + pages[0], true);
  }, [isStart]);
  if (isStart) return <Loading />;
  if (first === "violations" && second && role !== "technician") return <EvidencePage key={second} id={second} />;
  const page = pages.find((p) => p === first);
  if (page) {
    const Component = COMPONENTS[page];
    return <Component />;
  }
  return (
    <Empty title={t().common.page_gone} why={t().common.page_gone_why}>
      <a class="button" href={"/" + pages[0]}>{t().common.home}</a>
    </Empty>
  );
}
