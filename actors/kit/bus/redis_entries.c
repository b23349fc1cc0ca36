#include "actors/kit/bus/redis_entries.h"

#include <stdlib.h>
#include <string.h>

static bool
is_text(const redisReply *reply)
{
    return reply->type == REDIS_REPLY_STRING && strlen(reply->str) == reply->len;
}

static int64_t
number(const redisReply *entry)
{
    if (entry->type != REDIS_REPLY_ARRAY || entry->elements != 2 || !is_text(entry->element[0]))
        return -1;
    return strtoll(entry->element[0]->str, NULL, 10);
}

static const char *
field(const redisReply *fields, const char *name)
{
    for (size_t i = 0; i + 1 < fields->elements; i += 2)
        if (is_text(fields->element[i]) && strcmp(fields->element[i]->str, name) == 0 &&
            is_text(fields->element[i + 1]))
            return fields->element[i + 1]->str;
    return NULL;
}

bool
redis_entry(const redisReply *entry, struct bus_event *ret)
{
    int64_t id = number(entry);
    const redisReply *fields = id >= 0 ? entry->element[1] : NULL;
    const char *workspace;

    if (!fields || fields->type != REDIS_REPLY_ARRAY)
        return false;
    workspace = field(fields, "workspace");
    *ret = (struct bus_event){
        .id = id, .topic = field(fields, "topic"), .text = field(fields, "text")};
    return workspace && ret->topic && ret->text &&
           tm_uuid_parse(workspace, strlen(workspace), &ret->workspace) == TM_OK;
}

int64_t
redis_last(const redisReply *range)
{
    return range->type == REDIS_REPLY_ARRAY && range->elements > 0 ? number(range->element[0])
                                                                   : -1;
}
