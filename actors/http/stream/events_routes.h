/* events_routes - GET /admin/events/stream and /admin/events/status. */
#ifndef ACTORS_HTTP_STREAM_EVENTS_ROUTES_H
#define ACTORS_HTTP_STREAM_EVENTS_ROUTES_H

#include "actors/http/core/route.h"

route_fn events_stream, events_status;

#endif
