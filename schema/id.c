#include "schema/id.h"

#include <stdio.h>
#include <string.h>

void cb_uuid7_print(int64_t utc_ns, const uint8_t random[10], char ret[CB_UUID_LEN])
{
    uint64_t ms = (uint64_t) (utc_ns / 1000000);
    uint8_t b[16];
    for (int i = 0; i < 6; i++)
        b[i] = (uint8_t) (ms >> (40 - 8 * i));
    memcpy(b + 6, random, 10);
    b[6] = (uint8_t) (0x70 | (b[6] & 0x0f)); /* version 7 */
    b[8] = (uint8_t) (0x80 | (b[8] & 0x3f)); /* variant */
    char *at = ret;
    for (int i = 0; i < 16; i++)
        at += sprintf(at, i == 4 || i == 6 || i == 8 || i == 10 ? "-%02x" : "%02x", b[i]);
}

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

bool cb_uuid_is_valid(const char *text)
{
    for (int i = 0; i < CB_UUID_LEN - 1; i++) {
        bool is_dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (is_dash ? text[i] != '-' : !is_hex(text[i]))
            return false;
    }
    return text[CB_UUID_LEN - 1] == '\0';
}

bool cb_hex_is_valid(const char *text, int n)
{
    for (int i = 0; i < n; i++)
        if (!is_hex(text[i]))
            return false;
    return text[n] == '\0';
}
