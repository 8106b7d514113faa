/** A picture of the vehicle, or what stands in its place. */
import { useState } from "preact/hooks";
import { fileUrl } from "../api";
import { t } from "../i18n";
import type { Violation } from "../types";
import { KindIcon } from "./icons";

export function Still({ v, isLarge = false }: { v: Violation; isLarge?: boolean }) {
  const [failed, setFailed] = useState<string | null>(null);
  const url = v.still && fileUrl(v.id, v.still);
  if (!url || failed === url) {
    return <span class="still none"><KindIcon kind={v.kind} size={isLarge ? 40 : 22} />{isLarge && <small>{t().wall.no_still}</small>}</span>;
  }
  return <img class="still" src={url} alt="" loading={isLarge ? "eager" : "lazy"} decoding="async" onError={() => setFailed(url)} />;
}
