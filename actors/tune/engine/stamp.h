/* stamp - the time of a bar, from text.
 *
 * ISO dates: YYYY-MM-DD or YYYYMMDD, then optionally T or a blank, HH:MM, :SS, a fraction, and
 * Z or an offset (+02, +0200, +02:00); without offset, UTC. Or epoch seconds, or from 10^11 on
 * milliseconds, either with a fraction.
 */
#ifndef ENGINE_STAMP_H
#define ENGINE_STAMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

bool stamp_parse(const char *text, size_t size, int64_t *ret_ms);

#endif
