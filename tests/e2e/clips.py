"""Recordings that cameras and people send, made with ffmpeg: good ones, odd ones, broken ones."""
from harness import ffmpeg

PICTURE = ["-f", "lavfi", "-i", "testsrc2=size={size}:rate=25"]
TONE = ["-f", "lavfi", "-i", "sine=frequency=1000:sample_rate=48000"]
X264 = ["-c:v", "libx264", "-preset", "ultrafast", "-g", "25", "-threads", "1"]


def picture(size):
    return [a.format(size=size) for a in PICTURE]


def encode(out, size="640x360", seconds=2, extra=(), sound=True):
    ffmpeg(*picture(size), *(TONE if sound else []), "-t", seconds, "-pix_fmt", "yuv420p",
           *X264, *(["-c:a", "aac"] if sound else []), *extra, out)


def good(out):
    encode(out)


def video_only(out):
    encode(out, sound=False)


def odd_even_width(out):
    encode(out, size="1366x768", seconds=1)


def odd_size(out):
    encode(out, size="640x357", seconds=1, extra=["-pix_fmt", "yuv444p"])


def yuv422(out):
    encode(out, extra=["-pix_fmt", "yuv422p"])


def ten_bit(out):
    encode(out, extra=["-pix_fmt", "yuv420p10le"])


def audio_only(out):
    ffmpeg(*TONE, "-t", 2, "-c:a", "aac", out)


def wav(out):
    ffmpeg(*TONE, "-t", 2, "-c:a", "pcm_s16le", out)


def zero_length(out):
    out.write_bytes(b"")


def text(out):
    out.write_text("This is a letter, not a film.\n" * 200)


def truncated(out):
    """MPEG-TS cut in the middle of a packet: what came before is there."""
    whole = out.with_suffix(".whole.ts")
    encode(whole, seconds=4)
    data = whole.read_bytes()
    out.write_bytes(data[: len(data) // 2 + 77])


def headless(out):
    """An MP4 whose index (at its end) is cut off: nothing in it can be found."""
    whole = out.with_suffix(".whole.mp4")
    encode(whole, seconds=2)
    data = whole.read_bytes()
    out.write_bytes(data[: len(data) // 2])


def resolution_changes(out):
    """One MPEG-TS whose second half has another size."""
    parts = []
    for i, size in enumerate(("640x360", "320x240")):
        part = out.with_suffix(f".{i}.ts")
        encode(part, size=size, sound=False, extra=["-output_ts_offset", 2 * i])
        parts.append(part.read_bytes())
    out.write_bytes(b"".join(parts))


def pts_back(out):
    """The camera's clock jumps back in the middle: both halves begin at the same PTS."""
    part = out.with_suffix(".part.ts")
    encode(part, sound=False)
    out.write_bytes(part.read_bytes() * 2)


SUFFIX = {"truncated": ".ts", "resolution_changes": ".ts", "pts_back": ".ts", "wav": ".wav",
          "audio_only": ".m4a"}


def make(name, folder):
    out = folder / (name + SUFFIX.get(name, ".mp4"))
    if not out.exists():
        globals()[name](out)
    return out
