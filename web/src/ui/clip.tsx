/** The clip, to be stepped through picture by picture. */
import { useRef, useState } from "preact/hooks";
import { fileUrl } from "../api";
import { t } from "../i18n";
import type { EvidenceRecord, Samples, Violation } from "../types";
import { Panel } from "./parts";

/** The clip begins 2 s before the violation does (docs/operations.md), or where its first key frame is. */
const LEAD_S = 2;

export function Clip({ v, step, samples, record }: { v: Violation; step: number; samples: Samples | null; record: EvidenceRecord | null }) {
  const words = t().evidence;
  const video = useRef<HTMLVideoElement>(null);
  const [isPlaying, setPlaying] = useState(false);
  const [time, setTime] = useState(0);
  const [length, setLength] = useState(0);
  const [rate, setRate] = useState(1);
  const [isBroken, setBroken] = useState(false);
  const url = fileUrl(v.id, v.clip!);
  const cannot = isBroken || samples?.clip?.plays_in_browser === false;

  const toggle = () => {
    const it = video.current!;
    if (it.paused) void it.play().catch(() => setBroken(true));
    else it.pause();
  };
  const frames = (n: number) => {
    const it = video.current!;
    it.pause();
    // to the middle of a picture: its beginning is rounded to the one before by some decoders
    const now = Math.round(it.currentTime / step - 0.5);
    it.currentTime = Math.max(0, Math.min(it.duration || 0, (now + n + 0.5) * step));
  };
  const seek = (to: number) => {
    video.current!.currentTime = to;
  };
  const moment = record ? LEAD_S + (record.violation.t_ns - record.violation.t_from_ns) / 1e9 : null;
  const keys = (e: KeyboardEvent) => {
    if ((e.target as HTMLElement).tagName === "SELECT") return;
    const isButton = (e.target as HTMLElement).tagName === "BUTTON";
    if (e.key === "ArrowRight") frames(1);
    else if (e.key === "ArrowLeft") frames(-1);
    else if (e.key === " " && !isButton) toggle();
    else if (e.key === "Home") seek(0);
    else return;
    e.preventDefault();
    e.stopPropagation();
  };
  const set = (speed: number) => {
    setRate(speed);
    if (video.current) video.current.playbackRate = speed;
  };

  if (cannot) {
    return (
      <Panel title={words.clip} className="no-print">
        <div class="empty">
          <p class="empty-title">{words.no_play}</p><p>{words.no_play_why}</p>
          <a class="button" href={url} download={v.clip!}>{t().common.download}</a>
        </div>
      </Panel>
    );
  }
  return (
    <Panel title={words.clip} className="clip no-print" tools={<a class="plain" href={url} download={v.clip!}>{t().common.download}</a>}>
      <div class="clip-frame" tabIndex={0} role="group" aria-label={`${words.clip}: ${words.frame_keys}`} onKeyDown={keys}>
        <video ref={video} src={url} preload="metadata" playsInline onPlay={() => setPlaying(true)} onPause={() => setPlaying(false)}
               onTimeUpdate={(e) => setTime(e.currentTarget.currentTime)} onSeeked={(e) => setTime(e.currentTarget.currentTime)}
               onLoadedMetadata={(e) => setLength(e.currentTarget.duration)} onError={() => setBroken(true)} onClick={toggle} />
        <div class="clip-tools">
          <button type="button" class="button" aria-label={words.frame_back} title={`${words.frame_back} (←)`} onClick={() => frames(-1)}>◂|</button>
          <button type="button" class="button primary" onClick={toggle}>{isPlaying ? words.pause : words.play}</button>
          <button type="button" class="button" aria-label={words.frame_forward} title={`${words.frame_forward} (→)`} onClick={() => frames(1)}>|▸</button>
          <input type="range" aria-label={words.seconds} min={0} max={length || 1} step={0.01} value={time} onInput={(e) => seek(Number(e.currentTarget.value))} />
          <output>{time.toFixed(2)} / {length.toFixed(2)} {words.seconds}</output>
          <select aria-label={words.speed} value={rate} onChange={(e) => set(Number(e.currentTarget.value))}>
            {[0.1, 0.25, 0.5, 1, 2].map((s) => <option key={s} value={s}>{s}×</option>)}
          </select>
          {moment !== null && moment < length && <button type="button" class="button" onClick={() => seek(moment)}>{words.to_violation}</button>}
        </div>
        <p class="hint">{words.frame_keys}</p>
      </div>
    </Panel>
  );
}
