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

#include "proto/message.h"
#include "proto/codec/uuid_map.h"
#include "tests/support/broker_world.h"

enum {
    PRODUCERS = 3,
    WORKERS = 4,
    PEERS = PRODUCERS + WORKERS,
    NOBODY = -1,
    HISTORY = 24,
    RECENT = 400, /* jobs that steps are about */
    CREDIT_MOST = 6,
    HELD_MOST = 64,
    CROSSING = 10, /* rounds in which a job may come that had been on its way */
    POISON = 3
};

enum model_state { M_SENT, M_WAITS, M_RUNS, M_DONE, M_DEAD, M_CANCELED };

struct model_job {
    tm_uuid_t id;
    enum model_state state;
    char queue[2];
    int holder; /* its worker; NOBODY unless it runs */
    uint32_t attempt, failures, crashes, max_attempts;
    bool is_touched;  /* in this round */
    bool is_ending;   /* its worker has said its end */
    bool is_doubted;  /* its worker has not named it: it is to be taken back */
    bool is_stopping; /* it was asked to stop while it ran */
    bool may_skip;    /* an attempt may be lost on its way, unheard */
    bool may_differ;  /* its end crossed that: done and canceled are both right */
    int watcher;      /* a producer, or NOBODY */
    const char *told; /* the state of its RESULT; NULL: none has come */
    int key;          /* 0: none */
    unsigned variant;
    bool is_checked; /* its end has been found in the database, or it never was a job */
};

/* What an answer makes true of its job or peer. */
enum act {
    ACT_NOTHING,
    ACT_NEW,   /* accepted, and was not there before */
    ACT_KNOWN, /* accepted as a duplicate */
    ACT_KEY,   /* accepted as the key's job, or refused for the key's other request */
    ACT_STATE,
    ACT_CANCEL,
    ACT_DONE,
    ACT_FAIL,      /* counted */
    ACT_GIVE_BACK, /* not counted */
    ACT_DIE,
    ACT_CREDIT, /* holds from now on */
    ACT_LEAVE
};

struct model_answer {
    tm_msg_type_t type, instead; /* either will do; instead TM_MSG_NONE: only `type` */
    uint64_t ref;                /* of those that carry one */
    struct model_job *job;
    uint32_t attempt;
    enum act act;
    bool is_taken;
};

struct model_held {
    struct model_job *job;
    uint32_t attempt;
};

struct model_peer {
    zsock_t *socket;
    zmsg_t *out; /* of this round */
    struct model_answer *answers;
    size_t answer_count, answer_limit;
    size_t open; /* answers still to come */
    bool is_touched;
    /* workers only */
    tm_uuid_t id;
    uint32_t credit, next_credit; /* as told and heard; as told */
    struct model_held held[HELD_MOST];
    size_t held_count;
    uint32_t former_credit; /* before it was told less; counts for `crossing` rounds */
    int crossing;
    bool has_left, is_greeting, is_replacing; /* the latter: till WELCOME */
};

struct model {
    struct broker_world *world;
    uint64_t seed, random, ref;
    struct model_peer peers[PEERS];
    struct model_job **jobs;
    size_t job_count, job_limit, first_live; /* jobs before are checked */
    size_t live;                             /* that wait or run */
    uuid_map_t *by_id;
    struct model_job *key_jobs[1 << 16]; /* by key, from 1 */
    int keys;
    int losing; /* rounds in which a job may be lost on its way to a worker who left for another
                 */
    unsigned long steps;
    char history[HISTORY][160];
    unsigned long acts[ACT_LEAVE + 1], dropped, ended[3]; /* done, dead, canceled */
};

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
