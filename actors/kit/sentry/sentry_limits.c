#include "actors/kit/sentry/sentry_limits.h"

#include <stdio.h>
#include <string.h>

#include "actors/kit/sentry/retry_after.h"
#include "proto/message.h"

enum { USUAL_MS = 60000, NUMBER_MAX = 31 };

static const char *const names[SENTRY_CATEGORY_COUNT] = {"error", "transaction"};

const char *
sentry_category_name(enum sentry_category category)
{
    return names[category];
}

static void
limit(struct sentry_limits *self, enum sentry_category category, int64_t until_ms)
{
    if (self->until_ms[category] < until_ms)
        self->until_ms[category] = until_ms;
}

static void
limit_all(struct sentry_limits *self, int64_t until_ms)
{
    for (unsigned i = 0; i < SENTRY_CATEGORY_COUNT; i++)
        limit(self, (enum sentry_category)i, until_ms);
}

/* What stands before the mark, which is passed; or all, if it is not there. */
static tm_str_t
cut(tm_str_t *rest, char mark)
{
    const char *at = rest->size ? memchr(rest->data, mark, rest->size) : NULL;
    tm_str_t part = {rest->data, at ? (size_t)(at - rest->data) : rest->size};

    rest->data += part.size + (at != NULL);
    rest->size -= part.size + (at != NULL);
    return part;
}

static tm_str_t
trimmed(tm_str_t text)
{
    while (text.size && (text.data[0] == ' ' || text.data[0] == '\t')) {
        text.data++;
        text.size--;
    }
    while (text.size && (text.data[text.size - 1] == ' ' || text.data[text.size - 1] == '\t'))
        text.size--;
    return text;
}

static int64_t
read_ms(tm_str_t text)
{
    char number[NUMBER_MAX + 1];
    int64_t ms = -1;

    if (text.size <= NUMBER_MAX) {
        snprintf(number, sizeof(number), "%.*s", (int)text.size, text.data);
        ms = retry_after_ms(number, NULL, 0);
    }
    return ms < 0 ? USUAL_MS : ms;
}

/* `default` is what events without a type are; ours are errors. */
static void
read_categories(struct sentry_limits *self, tm_str_t list, int64_t until_ms)
{
    if (list.size == 0)
        limit_all(self, until_ms);
    while (list.size) {
        tm_str_t name = trimmed(cut(&list, ';'));

        if (tm_str_is(name, "default"))
            limit(self, SENTRY_ERROR, until_ms);
        for (unsigned i = 0; i < SENTRY_CATEGORY_COUNT; i++)
            if (tm_str_is(name, names[i]))
                limit(self, (enum sentry_category)i, until_ms);
    }
}

void
sentry_limits_read(struct sentry_limits *self, const char *header, int64_t now_ms)
{
    tm_str_t rest = tm_str(header);

    while (rest.size) {
        tm_str_t entry = trimmed(cut(&rest, ','));
        tm_str_t seconds = trimmed(cut(&entry, ':'));

        if (seconds.size || entry.size)
            read_categories(self, trimmed(cut(&entry, ':')), now_ms + read_ms(seconds));
    }
}

void
sentry_limits_refused(struct sentry_limits *self, const char *retry_after, int64_t now_ms,
                      int64_t utc_ms)
{
    int64_t ms = retry_after ? retry_after_ms(retry_after, NULL, utc_ms) : -1;

    limit_all(self, now_ms + (ms < 0 ? USUAL_MS : ms));
}

bool
sentry_limits_has(const struct sentry_limits *self, enum sentry_category category,
                  int64_t now_ms)
{
    return now_ms < self->until_ms[category];
}
