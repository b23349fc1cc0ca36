#include "actors/http/core/form.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "actors/kit/runtime/log.h"

struct form {
    struct form_field fields[FORM_FIELDS];
    size_t count;
    int spool;
    uint64_t max_file_bytes, file_size;
    bool has_file, is_refused;
    char file_name[FORM_FILE_NAME];
    digest_t *digest;
    uint8_t sha256[SHA256_SIZE];
    struct problem problem;
};

static void
make_directories(const char *dir)
{
    char path[1100];

    snprintf(path, sizeof(path), "%s", dir);
    for (char *at = strchr(path + 1, '/'); at; at = strchr(at + 1, '/')) {
        *at = '\0';
        mkdir(path, 0700); /* what cannot be made is found out by open */
        *at = '/';
    }
    mkdir(path, 0700);
}

static int
open_spool(const char *dir)
{
    char path[1200];
    int fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

    if (fd < 0 && errno == ENOENT) {
        make_directories(dir);
        fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    }
    if (fd >= 0)
        return fd;
    snprintf(path, sizeof(path), "%s/upload-XXXXXX", dir);
    fd = mkostemp(path, O_CLOEXEC); /* a file system without O_TMPFILE */
    if (fd >= 0)
        unlink(path);
    else
        log_error("http.spool_failed", "errno=%d", errno);
    return fd;
}

form_t *
form_new(const char *dir, uint64_t max_file_bytes)
{
    int spool = open_spool(dir);
    form_t *self;

    if (spool < 0)
        return NULL;
    self = zmalloc(sizeof(*self));
    self->spool = spool;
    self->max_file_bytes = max_file_bytes;
    self->digest = digest_new();
    return self;
}

void
form_destroy(form_t **self_p)
{
    form_t *self = *self_p;

    if (!self)
        return;
    for (size_t i = 0; i < self->count; i++)
        free(self->fields[i].data);
    close(self->spool);
    digest_destroy(&self->digest);
    free(self);
    *self_p = NULL;
}

static tm_err_t
refuse(form_t *self, tm_err_t err, const char *name, const char *why)
{
    char loc[FORM_NAME_MAX + 8];

    snprintf(loc, sizeof(loc), "body.%.*s", FORM_NAME_MAX, name);
    self->is_refused = true;
    problem_add(&self->problem, err, loc, "%s", why);
    return err;
}

/* Browsers of old sent whole paths; a name is for people, so what is not UTF-8 is replaced. */
static void
name_file(form_t *self, const char *filename)
{
    const char *base = filename ? filename : "";
    tm_str_t clean;

    for (const char *at = base; *at; at++)
        if (*at == '/' || *at == '\\')
            base = at + 1;
    clean = tm_text_clean(base, self->file_name, sizeof(self->file_name) - 1);
    self->file_name[clean.size] = '\0';
}

static tm_err_t
write_all(int fd, const char *data, size_t size)
{
    while (size) {
        ssize_t written = write(fd, data, size);

        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0) {
            log_error("http.spool_failed", "errno=%d", errno);
            return TM_BUSY;
        }
        data += written;
        size -= (size_t)written;
    }
    return TM_OK;
}

static tm_err_t
add_file(form_t *self, const char *filename, uint64_t offset, const void *data, size_t size)
{
    char why[96];

    if (offset == 0) {
        if (self->file_size)
            return refuse(self, TM_VALIDATION_FAILED, "file", "is sent twice; send one file");
        name_file(self, filename);
    }
    self->has_file = true;
    if (size > self->max_file_bytes - self->file_size) {
        snprintf(why, sizeof(why),
                 "the file is larger than %llu MiB, the most this server takes",
                 (unsigned long long)(self->max_file_bytes >> 20));
        return refuse(self, TM_FILE_TOO_LARGE, "file", why);
    }
    if (write_all(self->spool, data, size))
        return refuse(self, TM_BUSY, "file", "there is no room for uploads at the moment");
    digest_add(self->digest, data, size);
    self->file_size += size;
    return TM_OK;
}

static struct form_field *
find(form_t *self, const char *name)
{
    for (size_t i = 0; i < self->count; i++)
        if (strcmp(self->fields[i].name, name) == 0)
            return &self->fields[i];
    return NULL;
}

static tm_err_t
add_field(form_t *self, const char *name, uint64_t offset, const void *data, size_t size)
{
    struct form_field *field = find(self, name);
    char *grown;

    if (!field) {
        if (self->count == FORM_FIELDS)
            return refuse(self, TM_VALIDATION_FAILED, name, "the form has too many fields");
        field = &self->fields[self->count++];
        snprintf(field->name, sizeof(field->name), "%s", name);
    } else if (offset == 0 && field->size) {
        return refuse(self, TM_VALIDATION_FAILED, name, "is sent twice");
    }
    if (size > FORM_FIELD_BYTES - field->size)
        return refuse(self, TM_VALIDATION_FAILED, name, "is longer than 64 KiB");
    grown = realloc(field->data, field->size + size + 1);
    if (!grown)
        return refuse(self, TM_NO_MEMORY, name, "there is no memory for this field");
    if (size)
        memcpy(grown + field->size, data, size);
    field->data = grown;
    field->size += size;
    grown[field->size] = '\0';
    return TM_OK;
}

tm_err_t
form_part(form_t *self, const char *name, const char *filename, uint64_t offset,
          const void *data, size_t size)
{
    if (self->is_refused)
        return self->problem.err;
    if (!name || !*name || strlen(name) >= FORM_NAME_MAX)
        return refuse(self, TM_VALIDATION_FAILED, "part",
                      "a part has no name, or one over 63 bytes");
    if (strcmp(name, "file") == 0)
        return add_file(self, filename, offset, data, size);
    return add_field(self, name, offset, data, size);
}

void
form_end(form_t *self)
{
    digest_end(self->digest, self->sha256);
}

const struct problem *
form_error(const form_t *self)
{
    return self->is_refused ? &self->problem : NULL;
}

size_t
form_count(const form_t *self)
{
    return self->count;
}

const struct form_field *
form_at(const form_t *self, size_t index)
{
    return index < self->count ? &self->fields[index] : NULL;
}

const struct form_field *
form_find(const form_t *self, const char *name)
{
    for (size_t i = 0; i < self->count; i++)
        if (strcmp(self->fields[i].name, name) == 0)
            return &self->fields[i];
    return NULL;
}

bool
form_has_file(const form_t *self)
{
    return self->has_file;
}

const char *
form_file_name(const form_t *self)
{
    return self->file_name;
}

uint64_t
form_file_size(const form_t *self)
{
    return self->file_size;
}

const uint8_t *
form_file_sha256(const form_t *self)
{
    return self->sha256;
}

int
form_file(const form_t *self)
{
    lseek(self->spool, 0, SEEK_SET);
    return self->spool;
}

tm_err_t
form_file_read(const form_t *self, uint64_t offset, void *data, size_t size)
{
    char *at = data;

    while (size) {
        ssize_t got = pread(self->spool, at, size, (off_t)offset);

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return TM_INTERNAL;
        at += got;
        offset += (uint64_t)got;
        size -= (size_t)got;
    }
    return TM_OK;
}
