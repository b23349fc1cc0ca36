/* topics - which events a reader wants. */
#ifndef ACTORS_KIT_BUS_TOPICS_H
#define ACTORS_KIT_BUS_TOPICS_H

#include <stdbool.h>
#include <stdint.h>

#include "actors/kit/bus/topics.def"
#include "proto/message.h"

enum {
#define T(NAME, topic, what) TOPIC_##NAME,
    TOPICS(T)
#undef T
        TOPIC_OTHER, /* any that is not in the table */
    TOPIC_COUNT
};

typedef uint32_t topics_t; /* a set of them */
#define TOPICS_ALL ((topics_t)(((topics_t)1 << TOPIC_COUNT) - 1))

unsigned topic_find(const char *topic); /* TOPIC_OTHER if it is not in the table */
const char *topic_name(unsigned topic); /* NULL behind the last */
static inline topics_t
topics_of(unsigned topic)
{
    return (topics_t)1 << topic;
}
/* "coverage,backtest.tune.completed": categories and topics; NULL or "" for every one. False:
 * *ret_wrong is what is neither, in the text. */
bool topics_parse(const char *text, topics_t *ret, tm_str_t *ret_wrong);

#endif
