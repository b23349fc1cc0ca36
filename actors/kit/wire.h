/* wire - how a process reaches its brokers, from the settings. */
#ifndef ACTORS_KIT_WIRE_H
#define ACTORS_KIT_WIRE_H

#include "actors/kit/settings.h"
#include "proto/curve.h"

/* The certificates of broker.curve_server and broker.curve_client; borrows from the settings.
 */
struct tm_curve wire_curve(const settings_t *settings);

/* When a client or worker could not be made: says which setting is wrong and what to do. */
void wire_explain(const settings_t *settings, char *detail, size_t detail_size);
void wire_complain(const settings_t *settings, const char *event); /* the same, to the log */

#endif
