/** The cameras and their health, for who keeps them running; kept new by the stream. */
import { useEffect } from "preact/hooks";
import { signal } from "@preact/signals";
import { get } from "../api";
import { applyCamera, cameras } from "../city";
import { t } from "../i18n";
import { LiveStream } from "../live/stream";
import type { Camera } from "../types";
import { Ago, DRIFT_PX, STATE_RANK } from "../ui/camera";
import { Empty, fixed, Loading, Panel } from "../ui/parts";
import { livePhase } from "../ui/shell";

const isLoaded = signal(false);

/** Cameras' events have no place in the sequence: the stream begins where it is now. */
function openCameras(): LiveStream {
  return new LiveStream({
    async load(signal) {
      cameras.value = (await get<{ cameras: Camera[] }>("/cameras", {}, signal)).cameras;
      isLoaded.value = true;
      return null;
    },
    apply(event, data) {
      if (event === "camera") applyCamera(data as Camera);
    },
  });
}

export function Cameras() {
  const words = t().cameras;
  useEffect(() => {
    const stream = openCameras();
    const stop = stream.phase.subscribe((p) => (livePhase.value = p));
    stream.start();
    return () => {
      stream.stop();
      stop();
      livePhase.value = null;
    };
  }, []);
  const sorted = [...cameras.value].sort((a, b) => STATE_RANK[a.state] - STATE_RANK[b.state] || a.id.localeCompare(b.id));
  return (
    <div class="page">
      <header class="page-head"><h1>{words.title}</h1></header>
      <Panel title={words.title} tools={<span class="count">{cameras.value.filter((c) => c.state === "live").length} / {cameras.value.length}</span>}>
        {!isLoaded.value ? <Loading /> : !sorted.length ? <Empty title={words.empty} why={words.empty_why} /> : (
          <div class="table-wrap" tabIndex={0} role="group" aria-label={words.title}>
            <table>
              <thead>
                <tr>
                  <th>{words.state}</th><th>{words.title}</th><th>{words.place}</th><th class="number">{words.fps}</th><th class="number">{words.last_frame}</th>
                  <th class="number">{words.drift}</th><th class="number">{words.level}</th><th class="number">{words.dropped}</th><th class="number">{words.limit}</th><th>{words.node}</th>
                </tr>
              </thead>
              <tbody>
                {sorted.map((c) => (
                  <tr key={c.id} class={`camera-${c.state}`}>
                    <td><i class="dot" aria-hidden="true" /> <span class="camera-state">{t().camera_state[c.state]}</span></td>
                    <td>{c.name || c.id} <small>{c.name ? c.id : ""}</small></td>
                    <td>{[c.road, c.district].filter(Boolean).join(" · ")}</td>
                    <td class="number">{fixed(c.fps)}</td>
                    <td class="number">{c.last_frame_at ? <Ago at={c.last_frame_at} /> : words.never}</td>
                    <td class={`number ${c.drift_px !== null && c.drift_px > DRIFT_PX ? "warn" : ""}`} title={c.drift_px !== null && c.drift_px > DRIFT_PX ? words.drift_bad : undefined}>{c.drift_px === null ? "–" : `${c.drift_px.toFixed(1)} px`}</td>
                    <td class="number">{c.level_db === null ? "–" : `${c.level_db.toFixed(0)} dB`}</td>
                    <td class="number">{c.n_dropped}</td>
                    <td class="number">{fixed(c.limit_kmh, 0)} / {fixed(c.limit_db, 0)}</td>
                    <td>{c.node}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )}
      </Panel>
    </div>
  );
}
