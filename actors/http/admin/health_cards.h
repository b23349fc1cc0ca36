/* health_cards - the board as HTML: what is wrong, then a card for each component, worst first.
 */
#ifndef ACTORS_HTTP_ADMIN_HEALTH_CARDS_H
#define ACTORS_HTTP_ADMIN_HEALTH_CARDS_H

#include "actors/kit/health/components.h"

/* Markup, in which all that others said is escaped. The caller frees it. */
char *health_cards(const components_t *board, const settings_t *settings, int64_t now_ms,
                   int64_t utc_ms);

#endif
