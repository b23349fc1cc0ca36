/* records - what the explain process keeps in the database: texts, and what they cost.
 *
 * Each function sends one unit and returns; nothing of it blocks.
 */
#ifndef ACTORS_EXPLAIN_RECORDS_H
#define ACTORS_EXPLAIN_RECORDS_H

#include "actors/explain/prompt.h"
#include "actors/explain/statements.def"
#include "actors/kit/pg/pg.h"
#include "actors/kit/runtime/settings.h"

#define RECORDS_DAY_BYTES 16

/* What was added to a workspace's budget before a question was asked. */
struct records_hold {
    bool is_held;
    char day[RECORDS_DAY_BYTES]; /* UTC, as PostgreSQL writes it */
    int64_t tokens, microdollars;
};

enum { EXPLAIN_STATEMENTS(PG_STATEMENT_ID) STMT_COUNT };

/* What a pool that is given here has to prepare. */
extern const struct pg_statement records_statements[STMT_COUNT];

/* A row, body, provider, model, time, if the very prompt has been answered before. */
void records_find(pg_t *pg, const struct explain_question *question,
                  const uint8_t hash[SHA256_SIZE], pg_fn *fn, void *arg);
/* A row, the day, if the workspace may use so much more of today's budget. */
void records_reserve(pg_t *pg, const settings_t *settings, const tm_uuid_t *workspace,
                     const struct records_hold *most, pg_fn *fn, void *arg);
bool records_has_limit(const settings_t *settings); /* there is a budget to keep to */

/* The end of a question: what was held but not used is given back, and the text is kept, if
 * there is one; then its row, the time, is in the outcome's first result. False: there is
 * nothing to write, and fn is not called. */
struct records_end {
    const struct explain_question *question;
    const uint8_t *hash;
    const struct explain_answer *answer;
    const struct records_hold *hold;
    int64_t tokens, microdollars; /* used */
};
bool records_finish(pg_t *pg, const settings_t *settings, const struct records_end *end,
                    pg_fn *fn, void *arg);

void records_prune(pg_t *pg); /* budgets of days that nobody asks for any more */

#endif
