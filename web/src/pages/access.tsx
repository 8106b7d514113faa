/** Who has read or decided what, for the administrator. */
import { useState } from "preact/hooks";
import { zone } from "../city";
import { t } from "../i18n";
import { useGet } from "../lib/poll";
import { fullTime } from "../lib/time";
import { Empty, Failed, Loading, Panel } from "../ui/parts";

interface Line { id: number; at: string; who: string; action: string; violation: string | null; detail: string }

const PAGE = 100;

export function Access() {
  const words = t().access;
  const [who, setWho] = useState("");
  const [before, setBefore] = useState<number | undefined>(undefined);
  const { data, error, reload, isLoading } = useGet<{ lines: Line[] }>("/access", { who, before, limit: PAGE });
  return (
    <div class="page">
      <header class="page-head">
        <h1>{words.title}</h1>
        <form class="group" onSubmit={(e) => {
          e.preventDefault();
          setBefore(undefined);
          setWho(String(new FormData(e.target as HTMLFormElement).get("who")).trim());
        }}>
          <input name="who" maxLength={64} aria-label={words.filter_who} placeholder={words.filter_who} />
          <button type="submit" class="button">{t().history.search}</button>
        </form>
      </header>
      <Panel title={words.title}>
        {error && !data ? <Failed error={error} retry={reload} /> : isLoading || !data ? <Loading /> : !data.lines.length ? <Empty title={words.empty} why={words.empty_why} /> : (
          <div class="table-wrap" tabIndex={0} role="group" aria-label={words.title}>
            <table>
              <thead><tr><th>{words.at}</th><th>{words.who}</th><th>{words.action}</th><th>{words.violation}</th><th>{words.detail}</th></tr></thead>
              <tbody>
                {data.lines.map((l) => (
                  <tr key={l.id}>
                    <td>{fullTime(l.at, zone())}</td><td>{l.who}</td><td>{l.action}</td>
                    <td>{l.violation && <a class="hash" href={`/violations/${l.violation}`}>{l.violation.slice(0, 13)}…</a>}</td><td>{l.detail}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )}
        {data && data.lines.length === PAGE && <div class="more"><button type="button" class="button" onClick={() => setBefore(data.lines[PAGE - 1].id)}>{t().common.more}</button></div>}
      </Panel>
    </div>
  );
}
