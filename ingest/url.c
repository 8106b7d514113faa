#include "url.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "avlog.h"
#include "base/mem.h"
#include "ingest/ingest.h"

/* A stream may open no other kind of place than its own: no file is read for a remote playlist. */
static const struct cb_url_kind kinds[] = {
    {"file", "file"},
    {"rtsp", "rtsp,rtp,udp,tcp,http,httpproxy"},
    {"rtsps", "rtsps,rtsp,rtp,srtp,udp,tcp,tls,https,httpproxy"},
    {"rtp", "rtp,udp"},
    {"udp", "udp"},
    {"tcp", "tcp"},
    {"srt", "srt"},
    {"rtmp", "rtmp,tcp"},
    {"http", "http,https,tcp,tls,httpproxy,crypto"},
    {"https", "https,http,tcp,tls,httpproxy,crypto"},
};

/* Length of "rtsp" in "rtsp://…"; 0 for a path, also one with a colon in it. */
static size_t scheme_len(const char *url)
{
    size_t n = 0;
    while (isalnum((unsigned char) url[n]) || (n && strchr("+.-", url[n]) && url[n]))
        n++;
    if (n && !strncmp(url + n, "://", 3))
        return n;
    return !strncasecmp(url, "file:", 5) ? 4 : 0;
}

const struct cb_url_kind *cb_url_kind(const char *url)
{
    size_t n = scheme_len(url);
    if (!n)
        return &kinds[0];
    for (size_t i = 0; i < CB_LEN(kinds); i++)
        if (strlen(kinds[i].scheme) == n && !strncasecmp(kinds[i].scheme, url, n))
            return &kinds[i];
    return NULL;
}

const char *cb_url_path(const char *url)
{
    size_t n = scheme_len(url);
    if (!n)
        return url;
    if (n != 4 || strncasecmp(url, "file", 4))
        return NULL;
    return strncmp(url + 4, "://", 3) ? url + 5 : url + 7;
}

static bool is_recording_name(const char *url)
{
    static const char *const ends[] = {".mp4", ".mov", ".mkv", ".webm", ".avi", ".wav", ".ogg",
                                       ".opus", ".flac", ".mp3", ".m4a", ".aac"};
    size_t n = strcspn(url, "?#");
    for (size_t i = 0; i < CB_LEN(ends); i++) {
        size_t m = strlen(ends[i]);
        if (n > m && !strncasecmp(url + n - m, ends[i], m))
            return true;
    }
    return false;
}

bool cb_ingest_is_live_url(const char *url)
{
    const struct cb_url_kind *kind = cb_url_kind(url);
    if (!kind || kind == &kinds[0])
        return false;
    return strncmp(kind->scheme, "http", 4) || !is_recording_name(url);
}

struct out {
    char *text;
    size_t n, size;
};

static void put(struct out *o, const char *s, size_t n)
{
    for (size_t i = 0; i < n && o->n + 1 < o->size; i++)
        o->text[o->n++] = s[i];
}

/*
 * Bytes of "user:password@" after "://"; 0: none. A password may hold a '@' and, wrongly, a '/':
 * then what looks like the port is no number.
 */
static size_t userinfo_len(const char *s)
{
    size_t all = strcspn(s, " \t\r\n\"'<>"), host = strcspn(s, "/?# \t\r\n\"'<>");
    const char *at = memrchr(s, '@', host);
    if (!at) {
        const char *colon = memchr(s, ':', host);
        bool is_port = colon && s[0] != '[' && isdigit((unsigned char) colon[1]);
        if (!colon || is_port || s[0] == '[' || !(at = memrchr(s, '@', all)))
            return 0;
    }
    return (size_t) (at - s) + 1;
}

/* Bytes of "password=" and the like at s; 0: none. */
static size_t secret_key_len(const char *s)
{
    static const char *const keys[] = {"password=", "passwd=", "pass=", "pwd=", "user=",
                                       "username=", "token=", "secret=", "auth=", "key="};
    for (size_t i = 0; i < CB_LEN(keys); i++)
        if (!strncasecmp(s, keys[i], strlen(keys[i])))
            return strlen(keys[i]);
    return 0;
}

void cb_redact(const char *text, char *ret, unsigned size)
{
    struct out o = {ret, 0, size};
    for (const char *s = text; *s;) {
        size_t n = !strncmp(s, "://", 3) ? 3 : secret_key_len(s);
        put(&o, s, n ? n : 1);
        s += n ? n : 1;
        size_t hidden = n == 3 ? userinfo_len(s) : n ? strcspn(s, "&/?# \t\r\n\"'<>") : 0;
        if (!hidden)
            continue;
        put(&o, "***", 3);
        put(&o, "@", n == 3);
        s += hidden;
    }
    if (size)
        ret[o.n] = '\0';
}

void cb_ingest_redact_url(const char *url, char *ret, unsigned size)
{
    cb_redact(url, ret, size);
}

const char *cb_ingest_state_name(enum cb_ingest_state s)
{
    static const char *const names[] = {"connecting", "live", "stalled", "down"};
    return (size_t) s < CB_LEN(names) ? names[s] : "unknown";
}
