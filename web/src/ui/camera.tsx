import { now } from "../city";
import { t } from "../i18n";
import { span } from "../lib/time";

/** What is wrong comes first. */
export const STATE_RANK = { away: 0, unknown: 1, ended: 2, live: 3 };
/** A picture that has moved further than this wants to be calibrated again. */
export const DRIFT_PX = 3;

export function Ago({ at }: { at: string }) {
  return <time dateTime={at}>{t().cameras.ago(span(Math.max(0, now.value - Date.parse(at))))}</time>;
}
