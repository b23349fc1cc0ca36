#include "broker/wire/allowlist.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "broker/base/texts.h"

enum { CERTIFICATES_MAX = 10000, PATH_BYTES = 1400 };

/* A file may change twice within one tick of its file system's clock: for so long a look is not
 * believed, and repeated. */
#define FRESH_S 3

struct allowlist {
    char *path;
    zhashx_t *guests; /* of guest_t, by key */
    uint64_t seen;    /* print of the directory as last read; 0: none */
    bool is_fresh;    /* read while something had just changed */
};

static void
guest_destroy(void **item_p)
{
    guest_t *self = *item_p;

    free(self->queues);
    free(self->services);
    free(self);
    *item_p = NULL;
}

static zhashx_t *
guests_new(void)
{
    zhashx_t *guests = zhashx_new();

    zhashx_set_destructor(guests, guest_destroy);
    return guests;
}

allowlist_t *
allowlist_new(const char *path)
{
    allowlist_t *self = zmalloc(sizeof(*self));

    self->path = tm_str_dup(tm_str(path));
    self->guests = guests_new();
    return self;
}

void
allowlist_destroy(allowlist_t **self_p)
{
    allowlist_t *self = *self_p;

    if (!self)
        return;
    zhashx_destroy(&self->guests);
    free(self->path);
    free(self);
    *self_p = NULL;
}

size_t
allowlist_size(const allowlist_t *self)
{
    return zhashx_size(self->guests);
}

const guest_t *
allowlist_find(const allowlist_t *self, const char *key)
{
    const guest_t *guest = zhashx_lookup(self->guests, key);

    return guest && !guest->is_doubled ? guest : NULL;
}

/* --- one certificate ---------------------------------------------------------------------- */

static char *
copy_meta(zcert_t *cert, const char *name)
{
    const char *value = zcert_meta(cert, name);

    return value ? tm_str_dup(tm_str(value)) : NULL;
}

static tm_err_t
read_guest(const char *path, const char *name, guest_t **ret_guest, char *detail, size_t size)
{
    zcert_t *cert = NULL;
    tm_err_t err = tm_curve_public(path, &cert, detail, size);
    const char *role;
    guest_t *guest;

    if (err)
        return err;
    role = zcert_meta(cert, "role");
    guest = zmalloc(sizeof(*guest));
    memcpy(guest->key, zcert_public_txt(cert), sizeof(guest->key));
    snprintf(guest->name, sizeof(guest->name), "%.*s", (int)(strlen(name) - strlen(".cert")),
             name);
    guest->queues = copy_meta(cert, "queues");
    guest->services = copy_meta(cert, "services");
    guest->roles = role ? tm_roles_parse(role) : TM_BY_PEERS;
    if (guest->roles) {
        *ret_guest = guest;
    } else {
        snprintf(detail, size, "%s: its role is not of producer, worker and monitor", path);
        guest_destroy((void **)&guest);
        err = TM_BAD_SETTING;
    }
    zcert_destroy(&cert);
    return err;
}

static void
add_guest(zhashx_t *guests, guest_t *guest)
{
    guest_t *other = zhashx_lookup(guests, guest->key);
    char detail[256];

    if (!other) {
        zhashx_insert(guests, guest->key, guest);
        return;
    }
    snprintf(detail, sizeof(detail), "%s.cert and %s.cert have the same key: neither counts",
             other->name, guest->name);
    texts_complain("security.certificate", detail);
    other->is_doubled = true;
    guest_destroy((void **)&guest);
}

/* --- the directory ------------------------------------------------------------------------ */

bool
allowlist_is_name(tm_str_t name)
{
    return texts_is_name(name, true) && name.size <= TM_NAME_MAX && name.data[0] != '.';
}

static int
is_certificate(const struct dirent *entry)
{
    const char *end = strrchr(entry->d_name, '.');

    return end && strcmp(end, ".cert") == 0 &&
           allowlist_is_name((tm_str_t){entry->d_name, (size_t)(end - entry->d_name)});
}

/* What changes when the directory or a file in it does, contents unread. */
static uint64_t
print_of(int directory, struct dirent *const *entries, int count, bool *ret_is_fresh)
{
    uint64_t print = TEXTS_HASH;
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    *ret_is_fresh = false;
    for (int i = 0; i < count; i++) {
        struct stat st;
        if (fstatat(directory, entries[i]->d_name, &st, 0) < 0)
            memset(&st, 0, sizeof(st));
        print = texts_hash(print, entries[i]->d_name, strlen(entries[i]->d_name) + 1);
        print = texts_hash(print, &st.st_ino, sizeof(st.st_ino));
        print = texts_hash(print, &st.st_size, sizeof(st.st_size));
        print = texts_hash(print, &st.st_mtim, sizeof(st.st_mtim));
        print = texts_hash(print, &st.st_ctim, sizeof(st.st_ctim));
        *ret_is_fresh = *ret_is_fresh || now.tv_sec - st.st_ctim.tv_sec < FRESH_S;
    }
    return print | 1; /* never 0 */
}

/* Complaints are made once for each state of the directory. */
static tm_err_t
read_all(const allowlist_t *self, struct dirent *const *entries, int count, bool is_quiet,
         zhashx_t *guests)
{
    for (int i = 0; i < count; i++) {
        char path[PATH_BYTES], detail[2048];
        guest_t *guest = NULL;
        tm_err_t err;

        snprintf(path, sizeof(path), "%s/%s", self->path, entries[i]->d_name);
        err = read_guest(path, entries[i]->d_name, &guest, detail, sizeof(detail));
        if (err == TM_NO_MEMORY)
            return err;
        if (err && !is_quiet)
            texts_complain("security.certificate", detail);
        if (!err)
            add_guest(guests, guest);
    }
    return TM_OK;
}

static tm_err_t
cannot_read(allowlist_t *self, bool *ret_is_changed, char *detail, size_t size)
{
    bool passes = errno == EMFILE || errno == ENFILE || errno == ENOMEM;

    snprintf(detail, size, "cannot read the directory of allowed certificates %s: %s",
             self->path, strerror(errno));
    *ret_is_changed = !passes && allowlist_size(self) > 0;
    if (!passes) {
        zhashx_purge(self->guests);
        self->seen = 0;
    }
    return passes ? TM_NO_MEMORY : TM_BAD_SETTING;
}

static tm_err_t
renew(allowlist_t *self, int directory, struct dirent *const *entries, int count,
      bool *ret_is_changed)
{
    bool is_fresh;
    uint64_t print = print_of(directory, entries, count, &is_fresh);
    bool is_same = print == self->seen;
    zhashx_t *guests;
    tm_err_t err;

    *ret_is_changed = false;
    if (is_same && !self->is_fresh)
        return TM_OK;
    guests = guests_new();
    err = read_all(self, entries, count, is_same, guests);
    if (err) {
        zhashx_destroy(&guests);
        return err;
    }
    zhashx_destroy(&self->guests);
    self->guests = guests;
    self->seen = print;
    self->is_fresh = is_fresh;
    *ret_is_changed = true;
    return TM_OK;
}

tm_err_t
allowlist_read(allowlist_t *self, bool *ret_is_changed, char *detail, size_t detail_size)
{
    int directory = open(self->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct dirent **entries = NULL;
    tm_err_t err = TM_TOO_LARGE;
    int count =
        directory < 0 ? -1 : scandirat(directory, ".", &entries, is_certificate, alphasort);

    if (count < 0) {
        err = cannot_read(self, ret_is_changed, detail, detail_size);
    } else if (count > CERTIFICATES_MAX) {
        *ret_is_changed = false;
        snprintf(detail, detail_size, "%s holds more than %d certificates", self->path,
                 CERTIFICATES_MAX);
    } else {
        err = renew(self, directory, entries, count, ret_is_changed);
        if (err)
            snprintf(detail, detail_size, "no descriptors or memory to read %s", self->path);
    }
    for (int i = 0; i < count; i++)
        free(entries[i]);
    free(entries);
    if (directory >= 0)
        close(directory);
    return err;
}

/* --- a guest's queues and services -------------------------------------------------------- */

static bool
is_within(tm_str_t name, const char *names)
{
    for (const char *at = names; *at;) {
        size_t size;

        at += strspn(at, ", ");
        size = strcspn(at, ", ");
        if (size > 0 && size == name.size && memcmp(at, name.data, size) == 0)
            return true;
        at += size;
    }
    return false;
}

static bool
are_within(tm_str_t names, const char *allowed, tm_str_t *ret_refused)
{
    tm_str_t name;

    while (texts_cut_name(&names, &name))
        if (!is_within(name, allowed)) {
            *ret_refused = name;
            return false;
        }
    return true;
}

static bool
is_limited(const guest_t *self)
{
    return self->queues || self->services;
}

bool
guest_may_serve(const guest_t *self, tm_str_t queues, tm_str_t *ret_refused)
{
    return !is_limited(self) ||
           are_within(queues, self->queues ? self->queues : "", ret_refused);
}

bool
guest_may_answer(const guest_t *self, tm_str_t services, tm_str_t *ret_refused)
{
    return !is_limited(self) ||
           are_within(services, self->services ? self->services : "", ret_refused);
}
