#include <string.h>

#include "base/clock.h"
#include "gateway_private.h"

#define RATE_HZ 20.0
#define BURST 120.0

/* Two sessions that fall on one place take turns there: each finds a full bucket, none is refused. */
int cb_limit_take(struct cb_bucket table[CB_BUCKETS], const unsigned char hash[CB_TOKEN_HASH_BYTES],
                  int64_t now_ns)
{
    uint64_t who;
    memcpy(&who, hash, sizeof who);
    struct cb_bucket *b = &table[who % CB_BUCKETS];
    if (b->who != who || !b->at_ns)
        *b = (struct cb_bucket) {who, BURST, now_ns};
    b->left += cb_s_from_ns(now_ns - b->at_ns) * RATE_HZ;
    if (b->left > BURST)
        b->left = BURST;
    b->at_ns = now_ns;
    if (b->left < 1)
        return 1;
    b->left -= 1;
    return 0;
}
