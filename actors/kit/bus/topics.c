#include "actors/kit/bus/topics.h"

#include <string.h>

static const char *const names[] = {
#define T(NAME, topic, what) topic,
    TOPICS(T)
#undef T
        "other",
};

static const struct {
    const char *name, *prefix;
} categories[] = {
#define C(name, prefix) {name, prefix},
    TOPIC_CATEGORIES(C)
#undef C
};

unsigned
topic_find(const char *topic)
{
    unsigned i = 0;

    while (i < TOPIC_OTHER && strcmp(names[i], topic) != 0)
        i++;
    return i;
}

const char *
topic_name(unsigned topic)
{
    return topic < TOPIC_COUNT ? names[topic] : NULL;
}

static topics_t
with_prefix(const char *prefix)
{
    topics_t found = 0;

    for (unsigned i = 0; i < TOPIC_OTHER; i++)
        if (strncmp(names[i], prefix, strlen(prefix)) == 0)
            found |= topics_of(i);
    return found;
}

/* What one word of the list stands for; 0: nothing. */
static topics_t
meaning(tm_str_t word)
{
    for (size_t i = 0; i < sizeof(categories) / sizeof(categories[0]); i++)
        if (tm_str_is(word, categories[i].name))
            return with_prefix(categories[i].prefix);
    for (unsigned i = 0; i < TOPIC_OTHER; i++)
        if (tm_str_is(word, names[i]))
            return topics_of(i);
    return 0;
}

bool
topics_parse(const char *text, topics_t *ret, tm_str_t *ret_wrong)
{
    topics_t sum = 0;

    if (!text || !*text) {
        *ret = TOPICS_ALL;
        return true;
    }
    for (;;) {
        tm_str_t word = {text, strcspn(text, ",")};
        topics_t some = meaning(word);

        if (!some) {
            *ret_wrong = word;
            return false;
        }
        sum |= some;
        text += word.size;
        if (!*text)
            break;
        text++;
    }
    *ret = sum;
    return true;
}
