/* hash - FNV-1a of 64 bits, for tables in memory; not against whoever chooses the keys. */
#ifndef ACTORS_KIT_UTIL_HASH_H
#define ACTORS_KIT_UTIL_HASH_H

#include <stddef.h>
#include <stdint.h>

#define HASH_BEGIN UINT64_C(14695981039346656037)

/* Goes on from `hash`, which is HASH_BEGIN at first. */
static inline uint64_t
hash_bytes(uint64_t hash, const void *data, size_t size)
{
    const uint8_t *bytes = data;

    for (size_t i = 0; i < size; i++)
        hash = (hash ^ bytes[i]) * UINT64_C(1099511628211);
    return hash;
}

#endif
