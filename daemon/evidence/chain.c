#include "chain.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "durable.h"

#define RECORD_BYTES_MAX (1 << 20)

void cb_package_name_print(uint64_t sequence, const char *id, char ret[CB_PACKAGE_NAME_LEN])
{
    snprintf(ret, CB_PACKAGE_NAME_LEN, "%012" PRIu64 "-%s", sequence, id);
}

bool cb_package_name_parse(const char *name, uint64_t *ret_sequence, char ret_id[CB_UUID_LEN])
{
    uint64_t sequence = 0;
    const char *p = name;
    for (; *p >= '0' && *p <= '9' && p - name < 18; p++)
        sequence = sequence * 10 + (uint64_t) (*p - '0');
    if (p - name < 12 || *p != '-' || sequence == 0 || strlen(p + 1) != CB_UUID_LEN - 1 ||
        !cb_uuid_is_valid(p + 1))
        return false;
    *ret_sequence = sequence;
    if (ret_id)
        memcpy(ret_id, p + 1, CB_UUID_LEN);
    return true;
}

static DIR *open_list(int dir_fd)
{
    int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    if (!d && fd >= 0)
        close(fd);
    return d;
}

static int find_newest(int sealed_fd, char ret_name[CB_PACKAGE_NAME_LEN], uint64_t *ret_sequence)
{
    DIR *d = open_list(sealed_fd);
    if (!d)
        return -errno;
    *ret_sequence = 0;
    uint64_t sequence;
    for (struct dirent *entry; (entry = readdir(d));)
        if (cb_package_name_parse(entry->d_name, &sequence, NULL) && sequence > *ret_sequence) {
            *ret_sequence = sequence;
            snprintf(ret_name, CB_PACKAGE_NAME_LEN, "%.63s", entry->d_name);
        }
    closedir(d);
    return 0;
}

int cb_chain_find_head(int sealed_fd, const char *node, struct cb_chain_head *ret,
                       struct cb_error *reterr)
{
    char name[CB_PACKAGE_NAME_LEN] = "", path[CB_PACKAGE_NAME_LEN + 16];
    struct cb_chain_head head = {0};
    struct cb_evidence e;
    CB_AUTO_FREE char *json = NULL;
    size_t n;
    memset(head.sha256, '0', CB_SHA256_LEN - 1);
    int r = find_newest(sealed_fd, name, &head.sequence);
    if (r < 0)
        return cb_error_set(reterr, r, "sealed", "cannot be listed: %s", strerror(-r));
    if (!head.sequence) {
        *ret = head;
        return 0;
    }
    snprintf(path, sizeof path, "%s/record.json", name);
    if ((r = cb_durable_read(sealed_fd, path, RECORD_BYTES_MAX, &json, &n)) < 0)
        return cb_error_set(reterr, r, path,
                            "cannot be read (%s): the chain goes on from the newest record, "
                            "restore it or move its folder away",
                            strerror(-r));
    if ((r = cb_evidence_parse(json, n, &e, reterr)) < 0)
        return cb_error_set(reterr, r, path,
                            "is no record any more: restore it or move its folder away");
    if (strcmp(e.node, node))
        r = cb_error_set(
            reterr, -EINVAL, path,
            "is of node \"%s\", this is \"%s\": give each node a data folder of its own", e.node,
            node);
    else if (e.sequence != head.sequence)
        r = cb_error_set(reterr, -EINVAL, path,
                         "has sequence %" PRIu64 ", its folder says otherwise", e.sequence);
    cb_evidence_deinit(&e);
    if (r < 0)
        return r;
    cb_durable_hash_bytes(json, n, head.sha256);
    *ret = head;
    return 0;
}

int cb_chain_remove_drafts(int sealed_fd)
{
    DIR *d = open_list(sealed_fd);
    if (!d)
        return -errno;
    int r = 0;
    for (struct dirent *entry; r == 0 && (entry = readdir(d));)
        if (!strncmp(entry->d_name, ".draft-", 7))
            r = cb_durable_remove_dir(sealed_fd, entry->d_name);
    closedir(d);
    return r;
}
