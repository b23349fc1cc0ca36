#include "actors/kit/contracts/explain_tags.h"

void
explain_question_tag(const struct explain_question *self, struct sentry_notes *notes)
{
    const json_t *is_weak = json_object_get(self->facts, "weak_coverage");
    char id[TM_UUID_TEXT];

    if (!notes)
        return;
    sentry_tag(notes, "workspace_id", tm_uuid_text(&self->workspace, id));
    if (self->kind != EXPLAIN_MATCH)
        return;
    sentry_tag(notes, "strategy", tm_uuid_text(&self->strategy, id));
    sentry_tag(notes, "kb_confidence", self->confidence);
    if (json_is_boolean(is_weak))
        sentry_tag(notes, "kb_status", json_is_true(is_weak) ? "weak" : "covered");
}
