/* redis_entries - events as entries of a Redis stream: "ID-0" [topic T workspace W text J]. */
#ifndef ACTORS_KIT_BUS_REDIS_ENTRIES_H
#define ACTORS_KIT_BUS_REDIS_ENTRIES_H

#include <hiredis/hiredis.h>

#include "actors/kit/bus/bus.h"

/* False: it is none of ours. Texts are borrowed from the reply. */
bool redis_entry(const redisReply *entry, struct bus_event *ret);
/* The number of the first entry of a range; -1: it is empty. */
int64_t redis_last(const redisReply *range);

#endif
