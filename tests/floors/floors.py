#!/usr/bin/python3
"""The floors hold: a folder includes only from below it, a library lives in its rooms alone, and
detectors touch no file, socket, clock or thread. meson's `dependencies:` enforce the rest.

    floors.py SOURCE_ROOT            prints one line a breach; exit 1 if there is any
    floors.py SOURCE_ROOT --symbols LIB...   the same of the undefined symbols of detectors' objects
    floors.py --self-test            shows that each rule finds a planted breach
"""
import os
import re
import subprocess
import sys

FLOORS = {  # a folder and whose public headers it may include
    "base": {"base"},
    "schema": {"base", "schema"},
    "ingest": {"base", "schema", "ingest"},
    "detectors": {"base", "schema", "detectors"},
    "daemon": {"base", "schema", "ingest", "detectors", "daemon"},
}
# Each a stranger to the others; daemon/hash is no room but below them.
DAEMON_ROOMS = {"evidence", "outbox", "bus", "store", "gateway", "push", "draw", "cli"}
WIRES = {"", "cli"}  # daemon/*.c and the tool's verbs may use every room of the daemon

LIBRARIES = [  # system include, the folders it may stand in
    (r"opencv2/", ["detectors/cv/"]),
    (r"libav\w+/|libsw\w+/", ["ingest/"]),
    (r"libpq-fe\.h|postgresql/", ["daemon/store/"]),
    (r"zmq\.h|zmq_\w+\.h|czmq\.h", ["daemon/bus/", "daemon/cli/keygen", "daemon/cli/tail"]),
    (r"microhttpd\.h", ["daemon/gateway/"]),
    (r"zlib\.h", ["daemon/gateway/"]),
    (r"sqlite3\.h", ["daemon/outbox/"]),
    (r"turbojpeg\.h", ["daemon/evidence/"]),
    (r"cairo|pango", ["daemon/evidence/", "daemon/draw/"]),
    (r"kissfft|kiss_fft", ["detectors/sound/", "detectors/dsp/"]),
    (r"yaml\.h", ["daemon/"]),
    (r"sodium", ["daemon/"]),
    (r"openssl/", ["daemon/hash/"]),
    (r"curl/", ["daemon/push/"]),
    (r"jansson\.h", ["schema/", "daemon/"]),
]

# What a detector must not call: it sees the frames and the sound it is given, and nothing else.
IMPURE = {
    "file": "fopen open openat creat fread fwrite fprintf printf puts fputs remove unlink rename",
    "socket": "socket connect bind listen accept send recv sendto recvfrom getaddrinfo",
    "clock": "time clock_gettime gettimeofday clock nanosleep usleep sleep "
             "cb_clock_now_ns cb_clock_mono_ns cb_clock_sleep_ns",
    "thread": "pthread_create pthread_mutex_lock pthread_cond_wait thrd_create cb_thread_start "
              "cb_queue_create cb_queue_push cb_queue_pop",
    "chance": "rand random srand getrandom rand_r drand48",
    "environment": "getenv system popen fork execve",
    "log above debug": "cb_err cb_warn cb_info",
}
IMPURE_WORDS = {w: why for why, words in IMPURE.items() for w in words.split()}
IMPURE_HEADERS = {"pthread.h", "threads.h", "sys/socket.h", "fcntl.h", "time.h", "sys/time.h"}
CODE = (".c", ".h", ".cpp", ".hpp", ".cc")


def without_comments_and_strings(text):
    """Same lines, with what the compiler does not call blanked; include lines keep their path."""
    def blank(m):
        return re.sub(r"[^\n]", " ", m.group(0))
    text = re.sub(r"/\*.*?\*/|//[^\n]*", blank, text, flags=re.S)
    return re.sub(r'^(?!\s*#\s*include)(.*)$',
                  lambda m: re.sub(r'"(\\.|[^"\\\n])*"', blank, m.group(0)), text, flags=re.M)


def daemon_room(path):
    parts = path.split("/")
    return parts[1] if len(parts) > 2 else ""


def breach_of_test(path, name):
    """Tests use what they like; the simulator must not share its judge's code."""
    if path.startswith("tests/sim/") and name.split("/")[0] in FLOORS.keys() - {"base"}:
        return f'includes "{name}": the simulator shares no code with the product but base/'
    return None


def breach_of_include(path, quoted, name):
    floor = path.split("/")[0]
    if path.startswith("tests/"):
        return breach_of_test(path, name)
    if quoted and ".." in name.split("/"):
        return f'includes "{name}": name the public header, not the way to it'
    first = name.split("/")[0] if "/" in name else ""
    if floor in FLOORS and first in FLOORS and first not in FLOORS[floor]:
        return f'includes "{name}": {floor}/ may include only {", ".join(sorted(FLOORS[floor]))}'
    if floor == "daemon" and quoted:
        room, other = daemon_room(path), name.split("/")[1 if first == "daemon" else 0]
        if other in DAEMON_ROOMS and "/" in name and room not in WIRES and other != room:
            return f'includes "{name}": rooms of daemon/ meet in daemon/*.c only'
    for pattern, rooms in LIBRARIES:
        if re.match(pattern, name) and not any(path.startswith(r) for r in rooms):
            return f"includes <{name}>: it lives in {', '.join(rooms)}"
    if floor == "detectors" and not quoted and name in IMPURE_HEADERS:
        return f"includes <{name}>: detectors have no file, socket, clock or thread"
    return None


def breaches(path, text):
    """(line, words) of every breach in one file; path is from the source root."""
    code = without_comments_and_strings(text)
    for number, line in enumerate(code.split("\n"), 1):
        m = re.match(r'\s*#\s*include\s*([<"])([^>"]+)[>"]', line)
        if m:
            words = breach_of_include(path, m.group(1) == '"', m.group(2))
            if words:
                yield number, words
        elif path.startswith("detectors/"):
            for call in re.finditer(r"(?<![\w.>])(\w+)\s*\(", line):
                why = IMPURE_WORDS.get(call.group(1))
                if why:
                    yield number, f"calls {call.group(1)}(): a detector has no {why}"
    if path.endswith((".cpp", ".cc", ".hpp")) and not path.startswith(("detectors/cv/", "tests/")):
        yield 1, "is C++: the one C++ room is detectors/cv/"


def sources(root):
    for folder in [*FLOORS, "tests"]:
        for at, _, files in os.walk(os.path.join(root, folder)):
            for name in sorted(files):
                if name.endswith(CODE):
                    yield os.path.relpath(os.path.join(at, name), root)


def check_tree(root):
    n_files = n_bad = 0
    for path in sources(root):
        n_files += 1
        with open(os.path.join(root, path), encoding="utf-8") as f:
            for line, words in breaches(path, f.read()):
                n_bad += 1
                print(f"{path}:{line}: {words}")
    print(f"{n_files} files, {n_bad} breaches")
    return 1 if n_bad or not n_files else 0


def check_symbols(libraries):
    """The compiler's word for it: what the objects of detectors/ ask of others."""
    n_bad = n_symbols = 0
    for lib in libraries:
        out = subprocess.run(["nm", "-u", "-A", lib], check=True, capture_output=True, text=True)
        for line in out.stdout.splitlines():
            where, _, symbol = line.rpartition(" ")
            symbol = symbol.split("@")[0]
            n_symbols += 1
            if symbol in IMPURE_WORDS:
                n_bad += 1
                print(f"{where.split(':')[1]}: needs {symbol}: "
                      f"a detector has no {IMPURE_WORDS[symbol]}")
    print(f"{n_symbols} symbols, {n_bad} breaches")
    return 1 if n_bad or not n_symbols else 0


PLANTED = [  # path, text, a breach?
    ("detectors/a.c", '#include "../ingest/include/ingest/ingest.h"\n', True),
    ("detectors/a.c", '#include "ingest/ingest.h"\n', True),
    ("detectors/track/a.c", "#include <opencv2/core.hpp>\n", True),
    ("detectors/cv/cv.cpp", "#include <opencv2/core.hpp>\n", False),
    ("detectors/a.cpp", "int x;\n", True),
    ("detectors/a.c", "#include <time.h>\n", True),
    ("detectors/a.c", "void f(void) { FILE *x = fopen(name, 0); }\n", True),
    ("detectors/a.c", "/* fopen() is what we do not do */\n", False),
    ("detectors/a.c", 'const char *s = "time (s)";\n', False),
    ("detectors/a.c", "int64_t t = cb_clock_now_ns();\n", True),
    ("detectors/a.c", "x->open(y);\n", False),
    ("detectors/a.c", 'cb_warn(d, "x");\n', True),
    ("detectors/a.c", '#include "schema/passage.h"\n', False),
    ("base/a.c", '#include "schema/id.h"\n', True),
    ("schema/a.c", "#include <libpq-fe.h>\n", True),
    ("daemon/store/a.c", "#include <libpq-fe.h>\n", False),
    ("daemon/store/a.c", '#include "outbox/outbox.h"\n', True),
    ("daemon/cli/a.c", '#include "store/store.h"\n', False),
    ("daemon/edge.c", '#include "outbox/outbox.h"\n', False),
    ("daemon/edge.c", "#include <zmq.h>\n", True),
    ("daemon/bus/a.c", "#include <zmq.h>\n", False),
    ("daemon/edge.c", "#include <libavformat/avformat.h>\n", True),
    ("daemon/edge.c", "#include <microhttpd.h>\n", True),
    ("ingest/a.c", "#include <libavformat/avformat.h>\n", False),
    ("tests/sim/a.c", '#include "detectors/calibration.h"\n', True),
    ("tests/sim/a.c", "#include <libavformat/avformat.h>\n", False),
    ("ingest/a.c", '#include "detectors/pipeline.h"\n', True),
]


def self_test():
    n_bad = 0
    for path, text, is_breach in PLANTED:
        if bool(list(breaches(path, text))) != is_breach:
            n_bad += 1
            print(f"{path}: {text.strip()!r}: {'not found' if is_breach else 'found by mistake'}")
    print(f"{len(PLANTED)} planted, {n_bad} judged wrongly")
    return 1 if n_bad else 0


def main(args):
    if args == ["--self-test"]:
        return self_test()
    if len(args) == 1:
        return check_tree(args[0])
    if len(args) > 2 and args[1] == "--symbols":
        return check_symbols(args[2:])
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
