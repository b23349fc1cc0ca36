#include "actors/kit/sentry/sentry_limits.h"

#include <string.h>

#include "actors/kit/sentry/retry_after.h"
#include "actors/kit/util/auto.h"

enum { USUAL_MS = 60000 };

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

/* What stands before the mark, without blanks around it; the mark is passed. NULL: all is read.
 */
static char *
next_part(char **rest, const char *mark)
{
    char *part = strsep(rest, mark), *end;

    if (!part)
        return NULL;
    part += strspn(part, " \t");
    end = part + strlen(part);
    while (end > part && strchr(" \t", end[-1]))
        *--end = '\0';
    return part;
}

/* `default` is what events without a type are; ours are errors. */
static void
read_categories(struct sentry_limits *self, char *list, int64_t until_ms)
{
    const char *name;

    if (!list || !list[0])
        limit_all(self, until_ms);
    while (list && (name = next_part(&list, ";"))) {
        if (strcmp(name, "default") == 0)
            limit(self, SENTRY_ERROR, until_ms);
        for (unsigned i = 0; i < SENTRY_CATEGORY_COUNT; i++)
            if (strcmp(name, names[i]) == 0)
                limit(self, (enum sentry_category)i, until_ms);
    }
}

void
sentry_limits_read(struct sentry_limits *self, const char *header, int64_t now_ms)
{
    tm_auto(tm_text) copy = strdup(header);
    char *rest = copy, *entry;

    while ((entry = next_part(&rest, ","))) {
        const char *seconds = entry[0] ? next_part(&entry, ":") : NULL;
        int64_t ms = seconds ? retry_after_ms(seconds, NULL, 0) : 0;

        if (seconds)
            read_categories(self, next_part(&entry, ":"), now_ms + (ms < 0 ? USUAL_MS : ms));
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
