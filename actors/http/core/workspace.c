#include "actors/http/core/workspace.h"

#include <string.h>

void
workspace_say(struct workspace *self, const char *loc, const char *text, size_t size,
              struct problem *problem)
{
    tm_uuid_t id;

    if (!text)
        return;
    if (tm_uuid_parse(text, size, &id)) {
        problem_add(problem, TM_VALIDATION_FAILED, loc, "is not a UUID");
        return;
    }
    if (self->is_known && !tm_uuid_is(&self->id, &id)) {
        problem_add(problem, TM_WORKSPACE_MISMATCH, loc, "names another workspace than before");
        problem->err = TM_WORKSPACE_MISMATCH;
        return;
    }
    self->id = id;
    self->is_known = true;
}

void
workspace_settle(struct workspace *self, const settings_t *settings, struct problem *problem)
{
    if (self->is_known || problem->err)
        return;
    if (strcmp(settings->system_profile, "development") != 0) {
        problem_add(problem, TM_VALIDATION_FAILED, "header.X-Workspace-Id",
                    "is missing: name a workspace there, or as workspace_id");
        return;
    }
    if (tm_uuid_parse(WORKSPACE_DEVELOPMENT, strlen(WORKSPACE_DEVELOPMENT), &self->id))
        problem_add(problem, TM_INTERNAL, "header.X-Workspace-Id", "is missing");
    self->is_known = true;
}
