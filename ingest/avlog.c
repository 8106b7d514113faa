#include "avlog.h"

#include <libavutil/error.h>
#include <libavutil/log.h>
#include <libavutil/mem.h>
#include <pthread.h>
#include <string.h>

#include "base/log.h"

/* What libav says goes through a callback without a user's pointer: one buffer a thread. */
static _Thread_local char last_line[200];
static const struct cb_log log_of_libav = {.topic = "libav"};

static void trim(char *text)
{
    size_t n = strlen(text);
    while (n && (unsigned char) text[n - 1] <= ' ')
        text[--n] = '\0';
}

/* "[tcp @ 0x55bb22d25280] " differs from time to time, and a reason must not. */
static const char *without_address(const char *line)
{
    const char *end;
    while (*line == '[' && (end = strstr(line, "] ")) && strstr(line, " @ 0x") < end &&
           strstr(line, " @ 0x"))
        line = end + 2;
    return line;
}

static void on_line(void *obj, int level, const char *fmt, va_list ap)
{
    char raw[512], line[512];
    int print_prefix = 0;
    if (level > AV_LOG_WARNING)
        return;
    av_log_format_line2(obj, level, fmt, ap, raw, sizeof raw, &print_prefix);
    trim(raw);
    cb_redact(without_address(raw), line, sizeof line);
    if (!line[0])
        return;
    if (level <= AV_LOG_ERROR) {
        size_t n = strnlen(line, sizeof last_line - 1);
        memcpy(last_line, line, n);
        last_line[n] = '\0';
    }
    cb_log_at(&log_of_libav, CB_LOG_DEBUG, "%s", line);
}

/* What a stream says of itself may be anything: no single block of libav's is larger than this. */
#define ALLOC_MAX ((size_t) 512 << 20)

static void install(void)
{
    av_max_alloc(ALLOC_MAX);
    av_log_set_callback(on_line);
}

void cb_avlog_install(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, install);
}

const char *cb_avlog_last(void)
{
    return last_line;
}

void cb_avlog_clear(void)
{
    last_line[0] = '\0';
}

const char *cb_avlog_words(int averror)
{
    static _Thread_local char words[200];
    if (last_line[0])
        return last_line;
    if (av_strerror(averror, words, sizeof words) < 0)
        strcpy(words, "unknown error");
    return words;
}
