#include "tests/support/sentry_world.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include "tests/support/patience.h"

enum { SOON_S = PATIENCE_MS / 1000, LOOK_US = 5000 };

const struct llm_stub_step sentry_takes = {
    .act = STUB_BODY, .body = "{\"id\":\"fc6d8c0c43fc4630ad850ee518f1b9d0\"}"};

char *
sentry_dsn_of(const llm_stub_t *stub)
{
    const char *address = strstr(llm_stub_url(stub), "://") + 3;
    char *text = NULL;

    ck_assert_int_gt(asprintf(&text, "http://" SENTRY_KEY "@%s/42", address), 0);
    return text;
}

/* --- members ------------------------------------------------------------------------------ */

json_t *
json_at(const json_t *root, const char *path)
{
    char name[64];
    const json_t *at = root;

    while (at && *path) {
        size_t size = strcspn(path, "/");

        snprintf(name, sizeof(name), "%.*s", (int)size, path);
        at = json_is_array(at) ? json_array_get(at, strtoul(name, NULL, 10))
                               : json_object_get(at, name);
        path += size + (path[size] != '\0');
    }
    return (json_t *)(uintptr_t)at;
}

const char *
json_text_at(const json_t *root, const char *path)
{
    const char *text = json_string_value(json_at(root, path));

    return text ? text : "";
}

/* --- envelopes ---------------------------------------------------------------------------- */

/* One line of JSON, which ends in \n alone; *at moves behind it. */
static json_t *
read_line(const char **at, const char *end)
{
    const char *newline = memchr(*at, '\n', (size_t)(end - *at));
    json_t *line;

    ck_assert_msg(newline != NULL, "a header has no end: %s", *at);
    ck_assert(newline > *at && newline[-1] == '}');
    line = json_loadb(*at, (size_t)(newline - *at), JSON_REJECT_DUPLICATES, NULL);
    ck_assert_msg(json_is_object(line), "no header: %.*s", (int)(newline - *at), *at);
    *at = newline + 1;
    return line;
}

static void
read_item(struct envelope *self, const char **at, const char *end)
{
    json_t *header = read_line(at, end);
    json_int_t length = json_integer_value(json_object_get(header, "length"));
    size_t i = self->count++;

    ck_assert_uint_lt(i, ENVELOPE_ITEMS);
    ck_assert(length > 0 && *at + length <= end);
    self->items[i].header = header;
    self->items[i].type = json_string_value(json_object_get(header, "type"));
    self->items[i].payload = json_loadb(*at, (size_t)length, JSON_REJECT_DUPLICATES, NULL);
    ck_assert_ptr_nonnull(self->items[i].type);
    ck_assert_msg(json_is_object(self->items[i].payload), "no payload of %lld bytes: %s",
                  (long long)length, *at);
    *at += length;
    ck_assert_msg(*at == end || **at == '\n', "more than the length says: %s", *at);
    *at += *at < end;
}

/* At most one event or transaction, whose id the header has. */
static void
check_ids(const struct envelope *self)
{
    const char *id = json_text_at(self->header, "event_id");
    size_t count = 0;

    for (size_t i = 0; i < self->count; i++)
        if (strcmp(self->items[i].type, "client_report") != 0) {
            count++;
            ck_assert_str_eq(json_text_at(self->items[i].payload, "event_id"), id);
        }
    ck_assert_uint_le(count, 1);
    if (count) {
        ck_assert_uint_eq(strlen(id), 32);
        ck_assert_uint_eq(strspn(id, "0123456789abcdef"), 32);
    }
    ck_assert_uint_eq(strlen(json_text_at(self->header, "sent_at")),
                      strlen("2026-11-24T02:30:00.123Z"));
}

void
envelope_read(llm_stub_t *stub, size_t n, struct envelope *ret)
{
    const char *at, *end;

    *ret = (struct envelope){.request = llm_stub_request(stub, n)};
    ck_assert_ptr_nonnull(ret->request);
    at = strstr(ret->request, "\r\n\r\n");
    ck_assert_ptr_nonnull(at);
    at += 4;
    end = at + strlen(at);
    ret->header = read_line(&at, end);
    while (at < end)
        read_item(ret, &at, end);
    ck_assert_uint_gt(ret->count, 0);
    check_ids(ret);
}

void
envelope_fini(struct envelope *self)
{
    for (size_t i = 0; i < self->count; i++) {
        json_decref(self->items[i].header);
        json_decref(self->items[i].payload);
    }
    json_decref(self->header);
    free(self->request);
}

json_t *
envelope_item(const struct envelope *self, const char *type)
{
    for (size_t i = 0; i < self->count; i++)
        if (strcmp(self->items[i].type, type) == 0)
            return self->items[i].payload;
    return NULL;
}

const char *
envelope_head(const struct envelope *self, const char *name)
{
    static char value[1000];
    const char *at = self->request;

    value[0] = '\0';
    while ((at = strstr(at, "\r\n")) && strncmp(at, "\r\n\r\n", 4) != 0) {
        at += 2;
        if (strncasecmp(at, name, strlen(name)) == 0 && at[strlen(name)] == ':') {
            at += strlen(name) + 2;
            snprintf(value, sizeof(value), "%.*s", (int)strcspn(at, "\r"), at);
            break;
        }
    }
    return value;
}

/* --- waiting ------------------------------------------------------------------------------ */

static time_t
now_s(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec;
}

void
sentry_await(llm_stub_t *stub, size_t count)
{
    const time_t end_s = now_s() + SOON_S;

    while (llm_stub_requests(stub) < count) {
        ck_assert_msg(now_s() < end_s, "%zu of %zu requests came", llm_stub_requests(stub),
                      count);
        usleep(LOOK_US);
    }
}

/* The payload of the first such item whose member at `path` is `value`, or NULL. */
static json_t *
find(llm_stub_t *stub, const char *type, const char *path, const char *value)
{
    json_t *found = NULL;

    for (size_t n = 0; !found && n < llm_stub_requests(stub); n++) {
        struct envelope envelope;
        json_t *payload;

        envelope_read(stub, n, &envelope);
        payload = envelope_item(&envelope, type);
        if (payload && strcmp(json_text_at(payload, path), value) == 0)
            found = json_incref(payload);
        envelope_fini(&envelope);
    }
    return found;
}

static json_t *
await(llm_stub_t *stub, const char *type, const char *path, const char *value)
{
    const time_t end_s = now_s() + SOON_S;
    json_t *found;

    while (!(found = find(stub, type, path, value))) {
        ck_assert_msg(now_s() < end_s, "no %s %s came", type, value);
        usleep(LOOK_US);
    }
    return found;
}

json_t *
sentry_await_event(llm_stub_t *stub, const char *type)
{
    return await(stub, "event", "exception/values/0/type", type);
}

json_t *
sentry_await_transaction(llm_stub_t *stub, const char *name)
{
    return await(stub, "transaction", "transaction", name);
}

bool
sentry_has_text(llm_stub_t *stub, const char *text)
{
    bool has = false;

    for (size_t n = 0; !has && n < llm_stub_requests(stub); n++) {
        char *request = llm_stub_request(stub, n);

        has = request && strstr(request, text);
        free(request);
    }
    return has;
}
