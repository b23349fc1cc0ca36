/* health_page - GET /admin/system/health.json and the page of the same, from the bridge's
 * board.
 *
 * Both are made from memory: they ask nobody and are there while all else is not. The page is
 * whole without JavaScript; with it, it loads itself anew when the stream of events says
 * `system.health`, which the news send: at once when a component's state has changed, and else
 * every few seconds while anything was written on the board.
 */
#ifndef ACTORS_HTTP_ADMIN_HEALTH_PAGE_H
#define ACTORS_HTTP_ADMIN_HEALTH_PAGE_H

#include "actors/http/core/bridge.h"

typedef struct health_news health_news_t;
health_news_t *health_news_new(bridge_t *bridge); /* the board's changes are told to it */
void health_news_destroy(health_news_t **self_p);

#endif
