/* workspace - which workspace a request is for, when several places may say so.
 */
#ifndef ACTORS_HTTP_CORE_WORKSPACE_H
#define ACTORS_HTTP_CORE_WORKSPACE_H

#include "actors/http/core/problem.h"
#include "actors/kit/runtime/settings.h"

#define WORKSPACE_DEVELOPMENT "00000000-0000-0000-0000-000000000001"

struct workspace {
    tm_uuid_t id;
    bool is_known;
};

/* Notes what one place says (text may be NULL: nothing). A UUID that is none, or another than
 * was said before, goes into the problem. loc: "header.X-Workspace-Id", "query.workspace_id".
 */
void workspace_say(struct workspace *self, const char *loc, const char *text, size_t size,
                   struct problem *problem);
/* When nobody said anything: the development workspace in profile development, else a problem.
 */
void workspace_settle(struct workspace *self, const settings_t *settings,
                      struct problem *problem);

#endif
