#include "actors/http/intake/intake.h"

#include "actors/http/core/answer.h"
#include "actors/http/core/sql.h"
#include "actors/http/core/statements.def"
#include "actors/kit/runtime/log.h"

void
intake_set_state(intake_t *self, intake_state_t next)
{
    static const char *const names[] = {
#define X(NAME, name) [INTAKE_##NAME] = name,
        INTAKE_STATES(X)
#undef X
    };
#define TO(NAME) (1u << INTAKE_##NAME)
    static const unsigned moves[] = {
        [INTAKE_RECEIVING] = TO(LOOKING_UP) | TO(ANSWERED),
        [INTAKE_LOOKING_UP] = TO(UPLOADING) | TO(ANSWERED),
        [INTAKE_UPLOADING] = TO(SUBMITTING) | TO(KEEPING) | TO(ANSWERED),
        [INTAKE_SUBMITTING] = TO(WAITING) | TO(RENDERING) | TO(ANSWERED),
        [INTAKE_WAITING] = TO(RENDERING),
        [INTAKE_RENDERING] = TO(WAITING) | TO(KEEPING) | TO(ANSWERED),
        [INTAKE_KEEPING] = TO(COMPUTING) | TO(FORGETTING) | TO(ANSWERED),
        [INTAKE_COMPUTING] = TO(FORGETTING) | TO(ANSWERED),
        [INTAKE_FORGETTING] = TO(ANSWERED),
        [INTAKE_ANSWERED] = 0,
    };
#undef TO

    assert(moves[self->state] & 1u << next);
    request_resume(self->request);
    log_debug("http.intake", "from=%s to=%s", names[self->state], names[next]);
    self->state = next;
}

void
intake_problem(intake_t *self, const struct problem *problem)
{
    intake_set_state(self, INTAKE_ANSWERED);
    answer_problem(self->request, problem);
}

void
intake_fail(intake_t *self, tm_err_t err, const char *detail)
{
    struct problem problem;

    problem_init(&problem, err, "%s", detail ? detail : "");
    intake_problem(self, &problem);
}

/* --- receiving ---------------------------------------------------------------------------- */

static void
destroy_intake(void *state)
{
    intake_t *self = state;

    self->kind->fini(self);
    intake_receive_destroy(&self->receive);
    tune_request_destroy(&self->tune);
    free(self);
}

void
intake_begin(request_t *request, const struct intake_kind *kind)
{
    intake_t *self = zmalloc(kind->size);
    struct problem problem = {0};

    self->kind = kind;
    self->request = request;
    self->bridge = request_bridge(request);
    request_keep(request, self, destroy_intake);
    self->receive = intake_receive_new(request, &problem);
    if (!self->receive)
        intake_problem(self, &problem);
}

bool
intake_body(request_t *request, const char *data, size_t size)
{
    intake_t *self = request_state(request);

    return self->receive && intake_receive_add(self->receive, data, size);
}

/* --- uploading ---------------------------------------------------------------------------- */

static void
on_uploaded(void *arg, tm_err_t err, const char *detail)
{
    request_t *request = request_resume(arg);
    intake_t *self = request_state(request);

    intake_receive_release(self->receive);
    if (err)
        intake_fail(self, err, detail);
    else if (!request_is_gone(request))
        self->kind->end(self);
    request_unref(&request);
}

static void
take_strategy(intake_t *self, const char *spec)
{
    struct problem problem = {0};

    tune_fields_strategy(self->tune, spec, &problem);
    if (problem.err) {
        intake_problem(self, &problem);
        return;
    }
    intake_set_state(self, INTAKE_UPLOADING);
    dataset_upload_start(&self->dataset, self->bridge->client,
                         intake_receive_form(self->receive), on_uploaded,
                         request_ref(self->request));
}

/* --- looking up --------------------------------------------------------------------------- */

static void
on_looked_up(void *arg, const struct pg_outcome *outcome)
{
    request_t *request = arg;
    intake_t *self = request_state(request);
    const PGresult *row = sql_rows(request, outcome, TM_STRATEGY_NOT_FOUND);

    if (row && !request_is_gone(request))
        take_strategy(self, pg_get(row, 0, 0));
    else
        intake_set_state(self, INTAKE_ANSWERED);
    request_unref(&request);
}

static void
look_up_strategy(intake_t *self)
{
    const char *id = tune_request_strategy_id(self->tune);
    pg_unit_t *unit;
    tm_uuid_t strategy;

    if (tm_uuid_parse(id, strlen(id), &strategy)) {
        intake_fail(self, TM_VALIDATION_FAILED, "strategy_entity_id is not a UUID");
        return;
    }
    intake_set_state(self, INTAKE_LOOKING_UP);
    unit = pg_unit_new(self->bridge->pg);
    pg_add(unit, CORE_WORKSPACE_KNOWN);
    pg_uuid(unit, &self->workspace.id);
    pg_add(unit, CORE_STRATEGY_SPEC);
    pg_uuid(unit, &self->workspace.id);
    pg_uuid(unit, &strategy);
    pg_send(&unit, on_looked_up, request_ref(self->request));
}

/* --- all has arrived ---------------------------------------------------------------------- */

static void
read_intake_form(intake_t *self, struct problem *problem)
{
    const form_t *form = intake_receive_form(self->receive);

    self->workspace = *request_workspace(self->request);
    self->tune = self->kind->new_request(self->bridge->settings);
    tune_fields_read(form, self->tune, &self->workspace, self->bridge->settings, problem);
    if (self->kind->check)
        self->kind->check(self, problem);
}

void
intake_run(request_t *request)
{
    intake_t *self = request_state(request);
    struct problem problem = {0};

    intake_receive_end(self->receive, &problem);
    if (!problem.err)
        read_intake_form(self, &problem);
    if (problem.err) {
        intake_receive_release(self->receive);
        intake_problem(self, &problem);
        return;
    }
    look_up_strategy(self);
}
