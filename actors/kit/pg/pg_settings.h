/* pg_settings - the database that the settings name, as options of a pool or a connection. */
#ifndef ACTORS_KIT_PG_PG_SETTINGS_H
#define ACTORS_KIT_PG_PG_SETTINGS_H

#include "actors/kit/pg/pg.h"
#include "actors/kit/runtime/settings.h"

/* Where it is, how patient to be, and database.connections; the caller adds the rest. */
struct pg_options pg_settings_options(const settings_t *settings, meters_t *metrics,
                                      const char *application);

#endif
