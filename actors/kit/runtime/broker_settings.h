/* wire - how a process reaches its brokers, from the settings. */
#ifndef ACTORS_KIT_RUNTIME_BROKER_SETTINGS_H
#define ACTORS_KIT_RUNTIME_BROKER_SETTINGS_H

#include "actors/kit/runtime/settings.h"
#include "proto/curve.h"

/* The certificates of broker.curve_server and broker.curve_client; borrows from the settings.
 */
struct tm_curve broker_settings_curve(const settings_t *settings);

/* When a client or worker could not be made: says which setting is wrong and what to do. */
void broker_settings_explain(const settings_t *settings, char *detail, size_t detail_size);
void broker_settings_complain(const settings_t *settings,
                              const char *event); /* the same, to the log */

#endif
