#ifndef DAEMON_PUSH_POST_H
#define DAEMON_PUSH_POST_H

#include <curl/curl.h>

#include "hash/webpush.h"
#include "schema/push.h"

/** Private to push/: one message on its way to a push service. */
struct cb_post {
    int64_t subscription, position;
    CURL *handle; /* its private pointer is this post */
    struct curl_slist *headers;
    char *endpoint;
    unsigned char body[CB_PUSH_MESSAGE_MAX];
    char said[160]; /* the beginning of what the service answered */
    size_t n_said;
    char error[CURL_ERROR_SIZE];
};

/** What a service's answer means. */
struct cb_post_verdict {
    enum cb_push_outcome outcome;
    int retry_s;      /* of LATER: what the service asked for; 0: it did not say */
    bool is_refusal;  /* it knows who we are, and does not want us: somebody has to look */
    char words[200];  /* of all but TAKEN */
};

/**
 * Encrypts and addresses it. @return 0; -EINVAL: its keys are none, it can never be sent; -EMSGSIZE; -ENOMEM;
 * -EIO
 */
int cb_post_create(struct cb_post **ret, const struct cb_push_job *j, const struct cb_vapid *v,
                   struct cb_error *reterr);
/** Takes NULL. */
void cb_post_destroy(struct cb_post **p);
/** RFC 8030, 5, 7.3 and 8.4; result: curl's, of the whole exchange. */
void cb_post_judge(const struct cb_post *p, CURLcode result, struct cb_post_verdict *ret);

#endif
