#include "package.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "durable.h"
#include "hash/sha256.h"

static int list(struct cb_package_draft *d, const char *name, const char *media_type,
                const char *role, const char *sha256, uint64_t n_bytes)
{
    struct cb_evidence *e = &d->record;
    if (e->n_files == CB_EVIDENCE_FILES_MAX)
        return cb_error_set(d->reterr, -E2BIG, name, "is more than the %d files of a package",
                            CB_EVIDENCE_FILES_MAX);
    struct cb_evidence_file *f = &e->file[e->n_files++];
    snprintf(f->name, sizeof f->name, "%s", name);
    snprintf(f->media_type, sizeof f->media_type, "%s", media_type);
    snprintf(f->role, sizeof f->role, "%s", role);
    memcpy(f->sha256, sha256, CB_SHA256_LEN);
    f->n_bytes = n_bytes;
    return 0;
}

int cb_package_add(struct cb_package_draft *d, const char *name, const char *media_type,
                   const char *role, const void *bytes, size_t n)
{
    char sha256[CB_SHA256_LEN];
    int r = cb_durable_write(d->dir_fd, name, bytes, n, 0640);
    if (r < 0)
        return cb_error_set(d->reterr, r, name, "cannot be written: %s", strerror(-r));
    if ((r = cb_sha256(bytes, n, sha256)) < 0)
        return cb_error_set(d->reterr, r, name, "out of memory");
    return list(d, name, media_type, role, sha256, n);
}

int cb_package_list(struct cb_package_draft *d, const char *name, const char *media_type,
                    const char *role, int fd)
{
    char sha256[CB_SHA256_LEN];
    uint64_t n_bytes;
    int r = cb_sha256_file(fd, sha256, &n_bytes);
    if (r < 0)
        return cb_error_set(d->reterr, r, name, "cannot be read back: %s", strerror(-r));
    return list(d, name, media_type, role, sha256, n_bytes);
}

int cb_package_note_missing(struct cb_package_draft *d, const char *role, const char *why)
{
    json_t *note = json_pack("{s:s, s:s}", "role", role, "reason", why);
    return json_array_append_new(d->missing, note) < 0 ? -ENOMEM : 0;
}

/* The disk's own errors end the seal; what the stream could not give is noted. */
static bool is_of_disk(int r)
{
    return r == -ENOSPC || r == -EIO || r == -EDQUOT || r == -EROFS || r == -ENOMEM;
}

static bool is_one_of(const char *name, const char *const *names)
{
    for (; *names; names++)
        if (!strcmp(name, *names))
            return true;
    return false;
}

/* H.265 needs the help of the viewer's machine, PCM another container: then it says "not". */
static bool plays_in_browser(const struct cb_clip_source *c, bool is_mp4)
{
    static const char *const video[] = {"h264", "vp9", "av1", NULL};
    static const char *const sound[] = {"aac", "mp3", "opus", "flac", NULL};
    return is_mp4 && c->video_codec && is_one_of(c->video_codec, video) &&
           (!c->sound_codec || is_one_of(c->sound_codec, sound));
}

static int note_clip(struct cb_package_draft *d, bool is_mp4)
{
    const struct cb_clip_source *c = d->request->clip;
    d->clip = json_pack("{s:s?, s:s?, s:b}", "video", c->video_codec, "sound", c->sound_codec,
                        "plays_in_browser", (int) plays_in_browser(c, is_mp4));
    return d->clip ? 0 : -ENOMEM;
}

static int keep_clip(struct cb_package_draft *d, int fd, const char *suffix)
{
    char name[64];
    bool is_mp4 = !strcmp(suffix, "mp4");
    snprintf(name, sizeof name, "clip.%s", is_mp4 ? "mp4" : "mkv");
    if (fsync(fd) < 0 || renameat(d->dir_fd, "clip.part", d->dir_fd, name) < 0)
        return cb_error_set(d->reterr, -errno, name, "cannot be written: %s", strerror(errno));
    int r = note_clip(d, is_mp4);
    if (r < 0)
        return cb_error_set(d->reterr, r, name, "no memory");
    return cb_package_list(d, name, is_mp4 ? "video/mp4" : "video/x-matroska", "clip", fd);
}

int cb_package_add_clip(struct cb_package_draft *d)
{
    const struct cb_clip_source *clip = d->request->clip;
    const struct cb_violation *v = d->request->violation;
    const char *suffix = NULL;
    if (!clip || !clip->cut)
        return cb_package_note_missing(d, "clip", "no packets are kept for this camera");
    CB_AUTO_CLOSE int fd =
        openat(d->dir_fd, "clip.part", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
    if (fd < 0)
        return cb_error_set(d->reterr, -errno, "clip", "cannot be made: %s", strerror(errno));
    int r = clip->cut(clip->self, v->t_from_ns - CB_CLIP_PRE_ROLL_NS,
                      v->t_to_ns + CB_CLIP_POST_ROLL_NS, fd, &suffix);
    if (r == 0 && suffix)
        return keep_clip(d, fd, suffix);
    unlinkat(d->dir_fd, "clip.part", 0);
    if (is_of_disk(r))
        return cb_error_set(d->reterr, r, "clip", "cannot be written: %s", strerror(-r));
    return cb_package_note_missing(d, "clip",
                                   r == -ENODATA ? "the ring no longer has this stretch"
                                                 : strerror(r < 0 ? -r : EINVAL));
}
