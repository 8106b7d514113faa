import { t } from "../i18n";
import { compass, heading } from "../lib/geo";
import type { Violation } from "../types";
import { Arrow } from "./icons";

/** Where the vehicle was going, as a compass direction where the camera's bearing is known. */
export function Heading({ v }: { v: Violation }) {
  const deg = heading(v.bearing_deg, v.direction);
  if (deg === null) return v.direction ? <span>{t().direction[v.direction]}</span> : null;
  return <span class="heading"><Arrow deg={deg} />{t().heading(t().compass[compass(deg)])}</span>;
}
