/* The files are read here and not by zcert_load, which prefers a neighbour called NAME_secret,
 * does not look at modes, takes a key that does not decode for zeros, and through zconfig
 * prints a line that it cannot read: it may hold the secret. */
#include "proto/curve.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/link/curve_inner.h"

#define FILE_BYTES_MAX 16384

struct text {
    char public_key[TM_CURVE_KEY + 1], secret_key[TM_CURVE_KEY + 1];
    zcert_t *meta; /* holds the metadata only */
};

__attribute__((format(printf, 3, 4))) static tm_err_t
fail(char *detail, size_t size, const char *format, ...)
{
    va_list values;

    va_start(values, format);
    vsnprintf(detail, size, format, values);
    va_end(values);
    return TM_BAD_SETTING;
}

/* ---- the text --------------------------------------------------------------------------- */

/* Cuts the line that `at` begins off the rest; without spaces at its end. */
static char *
cut_line(char **at)
{
    char *line = *at;
    char *end = line + strcspn(line, "\n");

    *at = *end ? end + 1 : end;
    *end = '\0';
    while (end > line && (end[-1] == ' ' || end[-1] == '\t' || end[-1] == '\r'))
        *--end = '\0';
    return line;
}

/* NAME = VALUE, the value quoted or not. */
static bool
cut_pair(char *line, char **ret_name, char **ret_value)
{
    char *name = line + strspn(line, " \t");
    char *equals = strchr(name, '=');
    char *value, *end;

    if (!equals)
        return false;
    value = equals + 1 + strspn(equals + 1, " \t");
    for (end = equals; end > name && (end[-1] == ' ' || end[-1] == '\t');)
        end--;
    *end = '\0';
    if (*value == '"' || *value == '\'') {
        size_t length = strlen(value);
        if (length < 2 || value[length - 1] != *value)
            return false;
        value[length - 1] = '\0';
        value++;
    }
    *ret_name = name;
    *ret_value = value;
    return *name != '\0';
}

static bool
set_key(char key[TM_CURVE_KEY + 1], const char *value)
{
    static const uint8_t zeros[32];
    uint8_t bytes[32];

    if (strlen(value) != TM_CURVE_KEY || !zmq_z85_decode(bytes, value) ||
        memcmp(bytes, zeros, sizeof bytes) == 0)
        return false;
    memcpy(key, value, TM_CURVE_KEY + 1);
    return true;
}

static bool
take_line(struct text *self, char *line, char section[16])
{
    char *name, *value;

    if (line[strspn(line, " \t")] == '\0' || line[strspn(line, " \t")] == '#')
        return true;
    if (*line != ' ' && *line != '\t') {
        snprintf(section, 16, "%s", line);
        return true;
    }
    if (!cut_pair(line, &name, &value))
        return false;
    if (strcmp(section, "metadata") == 0)
        zcert_set_meta(self->meta, name, "%s", value);
    if (strcmp(section, "curve") != 0)
        return true;
    if (strcmp(name, "public-key") == 0)
        return set_key(self->public_key, value);
    return strcmp(name, "secret-key") != 0 || set_key(self->secret_key, value);
}

static tm_err_t
parse(struct text *self, char *bytes, const char *path, char *detail, size_t size)
{
    char section[16] = "";
    int number = 0;

    for (char *at = bytes; *at;) {
        number++;
        if (!take_line(self, cut_line(&at), section))
            return fail(detail, size, "%s is not a certificate: line %d cannot be read", path,
                        number);
    }
    if (!self->public_key[0])
        return fail(detail, size, "%s is not a certificate: it has no public-key", path);
    return TM_OK;
}

/* ---- the file --------------------------------------------------------------------------- */

static tm_err_t
fail_to_open(const char *path, char *detail, size_t size)
{
    bool passes = errno == EMFILE || errno == ENFILE || errno == ENOMEM;

    fail(detail, size, "cannot open the certificate %s: %s", path, strerror(errno));
    return passes ? TM_NO_MEMORY : TM_BAD_SETTING;
}

static tm_err_t
check_file(int fd, const char *path, bool is_secret, char *detail, size_t size)
{
    struct stat st;

    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
        return fail(detail, size, "the certificate %s is not a file", path);
    if (st.st_size > FILE_BYTES_MAX)
        return fail(detail, size, "%s is too large for a certificate", path);
    if (!is_secret)
        return TM_OK;
    if (st.st_uid != geteuid() && st.st_uid != 0)
        return fail(detail, size, "the secret certificate %s belongs to another user", path);
    if (st.st_mode & (st.st_uid == 0 ? 0137 : 0177))
        return fail(detail, size,
                    "others may read the secret certificate %s: its mode is %04o; "
                    "`chmod 600` it, and make a new one if others have seen it",
                    path, (unsigned)st.st_mode & 07777);
    return TM_OK;
}

static tm_err_t
read_file(const char *path, bool is_secret, char bytes[FILE_BYTES_MAX + 1], char *detail,
          size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    ssize_t got = 0;
    size_t length = 0;

    if (fd < 0)
        return fail_to_open(path, detail, size);
    tm_err_t err = check_file(fd, path, is_secret, detail, size);
    while (!err && (got = read(fd, bytes + length, FILE_BYTES_MAX - length)) > 0)
        length += (size_t)got;
    if (!err && got < 0)
        err = fail(detail, size, "cannot read the certificate %s: %s", path, strerror(errno));
    close(fd);
    bytes[length] = '\0';
    if (!err && strlen(bytes) != length)
        err = fail(detail, size, "%s is not a certificate: it is not text", path);
    return err;
}

static zcert_t *
cert_of(const struct text *text)
{
    uint8_t public_key[32] = {0}, secret_key[32] = {0};
    zcert_t *cert;

    zmq_z85_decode(public_key, text->public_key);
    if (text->secret_key[0])
        zmq_z85_decode(secret_key, text->secret_key);
    cert = zcert_new_from(public_key, secret_key);
    zlist_t *names = zcert_meta_keys(text->meta);
    for (char *name = zlist_first(names); name; name = zlist_next(names))
        zcert_set_meta(cert, name, "%s", zcert_meta(text->meta, name));
    zlist_destroy(&names);
    explicit_bzero(secret_key, sizeof secret_key);
    return cert;
}

static tm_err_t
check_keys(const struct text *text, bool is_secret, const char *path, char *detail, size_t size)
{
    char derived[TM_CURVE_KEY + 1];

    if (!is_secret)
        return text->secret_key[0] ? fail(detail, size,
                                          "%s holds a secret key where only the public "
                                          "certificate belongs; take it away from there",
                                          path)
                                   : TM_OK;
    if (!text->secret_key[0])
        return fail(detail, size, "%s has no secret-key: it is a public certificate", path);
    if (zmq_curve_public(derived, text->secret_key) != 0 ||
        strcmp(derived, text->public_key) != 0)
        return fail(detail, size, "the two keys in %s do not belong together", path);
    return TM_OK;
}

static tm_err_t
load(const char *path, bool is_secret, zcert_t **ret_cert, char *detail, size_t size)
{
    static const uint8_t none[32];
    char bytes[FILE_BYTES_MAX + 1];
    struct text text = {.meta = zcert_new_from(none, none)};
    tm_err_t err = read_file(path, is_secret, bytes, detail, size);

    if (!err)
        err = parse(&text, bytes, path, detail, size);
    if (!err)
        err = check_keys(&text, is_secret, path, detail, size);
    if (!err)
        *ret_cert = cert_of(&text);
    zcert_destroy(&text.meta);
    explicit_bzero(bytes, sizeof bytes);
    explicit_bzero(&text, sizeof text);
    return err;
}

tm_err_t
tm_curve_public(const char *path, zcert_t **ret_cert, char *detail, size_t detail_size)
{
    return load(path, false, ret_cert, detail, detail_size);
}

tm_err_t
tm_curve_secret(const char *path, zcert_t **ret_cert, char *detail, size_t detail_size)
{
    return load(path, true, ret_cert, detail, detail_size);
}

/* ---- endpoints -------------------------------------------------------------------------- */

/* Only what cannot mean another machine. */
static bool
is_loopback(const char *host)
{
    struct in_addr four;
    struct in6_addr six;

    if (inet_pton(AF_INET, host, &four) == 1)
        return ntohl(four.s_addr) >> 24 == 127;
    if (inet_pton(AF_INET6, host, &six) == 1)
        return IN6_IS_ADDR_LOOPBACK(&six);
    return strcmp(host, "localhost") == 0;
}

bool
tm_curve_is_local(const char *endpoint)
{
    const char *host, *colon;
    char text[64];
    size_t size;

    if (strncmp(endpoint, "ipc://", 6) == 0 || strncmp(endpoint, "inproc://", 9) == 0)
        return true;
    host = endpoint + 6;
    colon = strncmp(endpoint, "tcp://", 6) == 0 ? strrchr(host, ':') : NULL;
    if (!colon)
        return false;
    size = (size_t)(colon - host);
    if (size >= 2 && host[0] == '[' && host[size - 1] == ']') {
        host++;
        size -= 2;
    }
    if (size >= sizeof text)
        return false;
    memcpy(text, host, size);
    text[size] = '\0';
    return is_loopback(text);
}

/* ---- a peer's keys ---------------------------------------------------------------------- */

tm_err_t
keys_load(struct curve_keys *self, const struct tm_curve *curve, char *detail, size_t size)
{
    tm_err_t err;

    *self = (struct curve_keys){.allow_plain_tcp = curve->allow_plain_tcp};
    if (!curve->server && !curve->client)
        return TM_OK;
    if (!curve->server || !curve->client)
        return fail(detail, size,
                    "one certificate is not enough: a peer needs the broker's public one "
                    "and a secret one of its own");
    err = tm_curve_public(curve->server, &self->server, detail, size);
    if (!err)
        err = tm_curve_secret(curve->client, &self->client, detail, size);
    if (err)
        keys_fini(self);
    return err;
}

void
keys_fini(struct curve_keys *self)
{
    zcert_destroy(&self->server);
    zcert_destroy(&self->client);
}

bool
keys_may_connect(const struct curve_keys *self, const char *endpoint)
{
    return self->client || self->allow_plain_tcp || tm_curve_is_local(endpoint);
}

void
keys_apply(const struct curve_keys *self, zsock_t *socket)
{
    if (!self->client)
        return;
    zcert_apply(self->client, socket);
    zsock_set_curve_serverkey(socket, zcert_public_txt(self->server));
}

static tm_err_t
check_endpoints(const struct curve_keys *keys, const char *endpoints, char *detail, size_t size)
{
    char *list = strdup(endpoints);
    char *rest = NULL;
    tm_err_t err = list ? TM_OK : TM_NO_MEMORY;

    for (char *one = list ? strtok_r(list, ", ", &rest) : NULL; one && !err;
         one = strtok_r(NULL, ", ", &rest))
        if (!keys_may_connect(keys, one))
            err = fail(detail, size,
                       "%.900s leads off this machine: without certificates all that is said "
                       "there can be read and changed on the way",
                       one);
    free(list);
    return err;
}

tm_err_t
tm_curve_check(const struct tm_curve *self, const char *endpoints, char *detail,
               size_t detail_size)
{
    struct curve_keys keys;
    tm_err_t err = keys_load(&keys, self, detail, detail_size);

    if (err)
        return err;
    err = check_endpoints(&keys, endpoints ? endpoints : "", detail, detail_size);
    keys_fini(&keys);
    return err;
}
