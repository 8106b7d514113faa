#include "schema/push.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

#define BLANKS " \t\r\n"

size_t cb_push_origin_length(const char *url)
{
    size_t scheme = strcspn(url, ":");
    if (strncmp(url + scheme, "://", 3) != 0)
        return 0;
    size_t host = strcspn(url + scheme + 3, "/?#" BLANKS);
    for (const char *c = url + scheme + 3; c < url + scheme + 3 + host; c++)
        if (!isalnum((unsigned char) *c) && !strchr(".-:[]*", *c))
            return 0; /* a user and password before the host, among others */
    return host ? scheme + 3 + host : 0;
}

static bool is_plain(const char *endpoint)
{
    for (const char *c = endpoint; *c; c++)
        if ((unsigned char) *c <= 0x20 || (unsigned char) *c >= 0x7f)
            return false;
    return true;
}

/* The host of a service may begin with a star and a dot: it takes whole labels, one at least. */
static bool matches(const char *service, size_t n, const char *origin, size_t n_origin)
{
    const char *star = memchr(service, '*', n);
    if (!star)
        return n == n_origin && strncasecmp(service, origin, n) == 0;
    size_t before = (size_t) (star - service), after = n - before - 1;
    return n_origin > before + after && strncasecmp(service, origin, before) == 0 &&
           strncasecmp(star + 1, origin + n_origin - after, after) == 0;
}

bool cb_push_service_allows(const char *services, const char *endpoint)
{
    size_t n = cb_push_origin_length(endpoint);
    if (!n || endpoint[n] != '/' || memchr(endpoint, '*', n) || !is_plain(endpoint) ||
        strlen(endpoint) >= CB_PUSH_ENDPOINT_LEN)
        return false;
    for (const char *s = services + strspn(services, BLANKS); *s;) {
        size_t k = strcspn(s, BLANKS);
        if (matches(s, k, endpoint, n))
            return true;
        s += k;
        s += strspn(s, BLANKS);
    }
    return false;
}

static bool begins(const char *s, const char *stem)
{
    return strncasecmp(s, stem, strlen(stem)) == 0;
}

/* A star may only be the first label, and what follows must have a dot: "*.com" is not a service. */
static bool is_star_right(const char *service, size_t n)
{
    const char *star = memchr(service, '*', n);
    if (!star)
        return true;
    size_t left = n - (size_t) (star - service);
    return star - service == 8 && left > 2 && star[1] == '.' && !memchr(star + 1, '*', left - 1) &&
           memchr(star + 2, '.', left - 2);
}

int cb_push_services_check(const char *services, struct cb_error *reterr)
{
    for (const char *s = services + strspn(services, BLANKS); *s;) {
        size_t k = strcspn(s, BLANKS);
        bool is_here = begins(s, "http://127.0.0.1:") || begins(s, "http://[::1]:") ||
                       begins(s, "http://localhost:");
        if ((!begins(s, "https://") && !is_here) || cb_push_origin_length(s) != k || !is_star_right(s, k))
            return cb_error_set(reterr, -EINVAL, "gateway.push_services", "'%.*s': expected "
                                "https://host or https://*.host, without a path", (int) (k < 100 ? k : 100), s);
        s += k;
        s += strspn(s, BLANKS);
    }
    return 0;
}
