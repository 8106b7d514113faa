#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"

static const char *const level_names[] = {"error", "warn", "info", "debug"};

static size_t n_by_first_byte(unsigned char c)
{
    if (c < 0x80)
        return 1;
    if (c < 0xc2 || c > 0xf4)
        return 0;
    return c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
}

/* Length of the UTF-8 character at s; 0: it is none (over-long, a surrogate, cut off). */
static size_t utf8_len(const unsigned char *s)
{
    size_t n = n_by_first_byte(s[0]);
    for (size_t i = 1; i < n; i++)
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    bool is_wrong = n > 2 && ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
                              (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f));
    return is_wrong ? 0 : n;
}

/* Bytes that are no UTF-8 (a text from the network, or one cut at its end) become U+FFFD. */
static void put_string(FILE *out, const char *text)
{
    const unsigned char *s = (const unsigned char *) text;
    putc('"', out);
    while (*s) {
        size_t n = utf8_len(s);
        if (n == 0)
            fputs("\xef\xbf\xbd", out);
        else if (*s < ' ')
            fprintf(out, "\\u%04x", *s);
        else if (*s == '"' || *s == '\\')
            fprintf(out, "\\%c", *s);
        else
            fwrite(s, 1, n, out);
        s += n ? n : 1;
    }
    putc('"', out);
}

void cb_log_json(void *self, enum cb_level level, const char *topic, const char *id,
                 const char *text)
{
    FILE *out = self ? self : stderr;
    char at[CB_UTC_LEN];
    cb_utc_print(cb_clock_now_ns(), at);
    fprintf(out, "{\"time\":\"%s\",\"level\":\"%s\",\"topic\":", at, level_names[level]);
    put_string(out, topic);
    if (id) {
        fputs(",\"id\":", out);
        put_string(out, id);
    }
    fputs(",\"text\":", out);
    put_string(out, text);
    fputs("}\n", out);
    fflush(out);
}
