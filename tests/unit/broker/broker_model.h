/* broker_model - what a broker should do, small enough to be seen through: jobs, who holds
 * them, and what each word of a peer changes. Steps are random words; what comes back is held
 * against the model at once, and the database at each checkpoint.
 *
 * Steps come in rounds. Within a round no job is touched twice, so that the order in which
 * peers are heard decides nothing; a round is over when every answer that it asked for has
 * come.
 */
#ifndef TESTS_UNIT_BROKER_BROKER_MODEL_H
#define TESTS_UNIT_BROKER_BROKER_MODEL_H

#include "tests/unit/broker/broker_model_state.h"

/* --- broker_model.c: jobs, rounds --------------------------------------------------------- */

void model_init(struct model *self, struct broker_world *world, uint64_t seed);
void model_fini(struct model *self);

unsigned model_below(struct model *self, unsigned limit); /* random */
struct model_peer *model_worker(struct model *self, int index);
struct model_job *model_add(struct model *self);
void model_know(struct model *self, struct model_job *job); /* it may be named from now on */

/* Fails the test: prints the seed and the last steps. */
void __attribute__((noreturn, format(printf, 2, 3)))
model_wrong(struct model *self, const char *format, ...);
void __attribute__((format(printf, 2, 3)))
model_note(struct model *self, const char *format, ...); /* a step */
const char *model_state_name(enum model_state state);

void model_say(struct model *self, int peer, const tm_msg_t *msg);
/* What must come from the broker for what was just said. */
void model_expect(struct model *self, int peer, const struct model_answer *answer);
void model_begin_round(struct model *self);
void model_end_round(struct model *self); /* sends, and waits for every answer */
void model_listen(struct model *self, int wait_ms);

/* A connection or a worker is no more: jobs on their way to it are lost, and given again. */
void model_lose_messages(struct model *self);
void model_forget_held(struct model_peer *worker, const struct model_job *job,
                       uint32_t attempt);

/* --- broker_model_hear.c: what comes back ------------------------------------------------- */

void model_hear(struct model *self, int peer, const tm_msg_t *msg);
void model_set(struct model *self, struct model_job *job, enum model_state state);
/* The attempt counts as failed; the job waits again, unless it is over. */
void model_fail(struct model *self, struct model_job *job, bool is_crash);

/* --- broker_model_steps.c: what is said --------------------------------------------------- */

void model_step(struct model *self);
void model_greet(struct model *self); /* a HELLO of some kind: the first step of a round */
/* No job is on its way to this worker when it returns: it wants none, and what was asked of the
 * database before has been answered. */
void model_rest(struct model *self, int worker);
/* A worker's HELLO; how many of its jobs it names: all or some. A worker replaced is another
 * from then on, and its jobs have crashed. */
enum hello { HELLO_ALL, HELLO_SOME, HELLO_REPLACED };
void model_hello(struct model *self, int worker, enum hello how);

#endif
