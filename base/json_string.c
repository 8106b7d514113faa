#include "base/json_string.h"

#include <stdbool.h>
#include <stddef.h>

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

void cb_json_put_string(FILE *out, const char *text)
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
