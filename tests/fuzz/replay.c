/* The main of a fuzz target in ordinary builds: replays a corpus, each file as it is, cut short,
 * and with bytes changed. The changes are drawn from the file's own index: every run is the same. */
#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "target.h"

enum { FILE_MAX = 4 << 20, CUTS_MAX = 64 };

static uint64_t n_inputs;

/* xorshift64*: small, and the same everywhere. */
static uint64_t draw(uint64_t *s)
{
    *s ^= *s >> 12;
    *s ^= *s << 25;
    *s ^= *s >> 27;
    return *s * UINT64_C(2685821657736338717);
}

/* A copy of exactly size bytes, so that ASan sees a read behind the end. */
static void try_bytes(const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size ? size : 1);
    if (!copy)
        abort();
    memcpy(copy, data, size);
    LLVMFuzzerTestOneInput(copy, size);
    free(copy);
    n_inputs++;
}

static void change(uint8_t *data, size_t size, uint64_t *seed)
{
    static const char odd[] = "\0\xff{}[]\",:-0123456789eE.\n\t\\#&*|>%";
    for (uint64_t k = draw(seed) % 4 + 1; k > 0; k--) {
        size_t at = (size_t) (draw(seed) % size), from = (size_t) (draw(seed) % size);
        size_t n = (size_t) (draw(seed) % 16);
        switch (draw(seed) % 3) {
        case 0: data[at] ^= (uint8_t) (1u << draw(seed) % 8); break;
        case 1: data[at] = (uint8_t) odd[draw(seed) % (sizeof odd - 1)]; break;
        default:
            if (at + n <= size && from + n <= size)
                memmove(data + at, data + from, n);
        }
    }
}

static void try_changed(const uint8_t *data, size_t size, int n_changes)
{
    uint64_t seed = UINT64_C(88172645463325252) + size;
    for (size_t i = 0; i < CUTS_MAX && i < size; i++)
        try_bytes(data, size * i / CUTS_MAX);
    uint8_t *copy = malloc(size ? size : 1);
    for (int i = 0; copy && size && i < n_changes; i++) {
        memcpy(copy, data, size);
        change(copy, size, &seed);
        try_bytes(copy, size);
    }
    free(copy);
}

static bool try_file(const char *name, int n_changes)
{
    FILE *f = fopen(name, "rb");
    uint8_t *data = malloc(FILE_MAX);
    bool is_read = f && data;
    if (is_read) {
        size_t size = fread(data, 1, FILE_MAX, f);
        try_bytes(data, size);
        if (n_changes)
            try_changed(data, size, n_changes);
    } else {
        fprintf(stderr, "%s: %s\n", name, strerror(errno));
    }
    free(data);
    if (f)
        fclose(f);
    return is_read;
}

static bool try_folder(const char *folder, int n_changes)
{
    struct dirent **entry;
    bool is_read = true;
    int n = scandir(folder, &entry, NULL, alphasort);
    if (n < 0) {
        fprintf(stderr, "%s: %s\n", folder, strerror(errno));
        return false;
    }
    for (int i = 0; i < n; i++) {
        char *path = NULL;
        if (entry[i]->d_name[0] != '.' && cb_path_join(folder, entry[i]->d_name, &path) == 0)
            is_read = try_file(path, n_changes) && is_read;
        free(path);
        free(entry[i]);
    }
    free(entry);
    return is_read;
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: %s CORPUS_FOLDER CHANGES_OF_EACH_FILE\n", argv[0]);
        return 2;
    }
    if (!try_folder(argv[1], atoi(argv[2])) || !n_inputs) {
        fprintf(stderr, "%s: nothing was replayed\n", argv[1]);
        return 1;
    }
    printf("%llu inputs\n", (unsigned long long) n_inputs);
    return 0;
}
