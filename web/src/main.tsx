import { render } from "preact";
import { effect } from "@preact/signals";
import { App } from "./app";
import { language, t } from "./i18n";
import { remembered } from "./lib/remember";
import { answerServiceWorker } from "./live/push";
import { startRouter } from "./router";
import "./style/base.css";
import "./style/pages.css";
import "./style/print.css";

document.documentElement.dataset.theme = remembered("theme") === "light" ? "light" : "dark";
effect(() => {
  document.documentElement.lang = language.value === "zh" ? "zh-CN" : "en";
  document.title = t().brand;
});
startRouter();
render(<App />, document.getElementById("app")!);
if ("serviceWorker" in navigator && import.meta.env.PROD) {
  answerServiceWorker();
  navigator.serviceWorker.register("/sw.js").catch(() => undefined); // plain http: no offline shell
}
