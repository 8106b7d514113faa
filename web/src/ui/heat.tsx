/** Weekday × hour: a table, so that it is read as well as seen. */
import { t } from "../i18n";
import { grid, shade } from "../lib/heat";
import type { HeatCell } from "../types";

const HOURS = Array.from({ length: 24 }, (_, h) => h);

export function HeatMap({ cells }: { cells: HeatCell[] }) {
  const words = t();
  const rows = grid(cells), most = Math.max(...rows.flat());
  return (
    <div class="table-wrap" tabIndex={0} role="group" aria-label={words.history.heat}>
      <table class="heat">
        <thead><tr><td />{HOURS.map((h) => <th key={h} scope="col">{h}</th>)}</tr></thead>
        <tbody>
          {rows.map((row, day) => (
            <tr key={day}>
              <th scope="row">{words.weekday[day]}</th>
              {row.map((n, h) => <td key={h} class={`heat-${shade(n, most)}`} title={`${words.weekday[day]} ${h}: ${n}`}>{n || ""}</td>)}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
