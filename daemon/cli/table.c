#include "table.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

/* One character: its bytes, and the columns it takes; what is no printable character is '?'. */
static size_t next_char(const char *s, mbstate_t *state, int *ret_width, bool *ret_is_plain)
{
    wchar_t c;
    size_t n = mbrtowc(&c, s, MB_LEN_MAX, state);
    *ret_is_plain = n != (size_t) -1 && n != (size_t) -2;
    int w = *ret_is_plain ? wcwidth(c) : -1;
    if (w < 0) {
        if (!*ret_is_plain) {
            memset(state, 0, sizeof *state);
            n = 1;
        }
        *ret_is_plain = false;
        w = 1;
    }
    *ret_width = w;
    return n;
}

int cb_table_width(const char *text)
{
    mbstate_t state = {0};
    int width = 0, w;
    bool is_plain;
    for (const char *s = text; *s; width += w)
        s += next_char(s, &state, &w, &is_plain);
    return width;
}

static void put_cut(FILE *out, const char *text, int width)
{
    mbstate_t state = {0};
    int used = 0, w;
    bool is_plain;
    for (const char *s = text; *s;) {
        size_t n = next_char(s, &state, &w, &is_plain);
        if (used + w > width)
            break;
        if (is_plain)
            fwrite(s, 1, n, out);
        else
            fputc('?', out);
        used += w;
        s += n;
    }
    fprintf(out, "%*s", width - used, "");
}

void cb_table_cell(FILE *out, const char *text, int width, bool is_right)
{
    int w = cb_table_width(text);
    if (w > width) {
        put_cut(out, text, width - 1);
        fputs("…", out);
        return;
    }
    if (is_right)
        fprintf(out, "%*s", width - w, "");
    put_cut(out, text, w);
    if (!is_right)
        fprintf(out, "%*s", width - w, "");
}

void cb_table_csv(FILE *out, const char *text)
{
    if (!text)
        return;
    if (!strpbrk(text, ",\"\r\n")) {
        fputs(text, out);
        return;
    }
    fputc('"', out);
    for (const char *s = text; *s; s++) {
        if (*s == '"')
            fputc('"', out);
        fputc(*s, out);
    }
    fputc('"', out);
}

void cb_table_json(FILE *out, const char *text)
{
    if (!text) {
        fputs("null", out);
        return;
    }
    fputc('"', out);
    for (const unsigned char *s = (const unsigned char *) text; *s; s++) {
        if (*s == '"' || *s == '\\')
            fprintf(out, "\\%c", *s);
        else if (*s < 0x20)
            fprintf(out, "\\u%04x", *s);
        else
            fputc(*s, out);
    }
    fputc('"', out);
}
