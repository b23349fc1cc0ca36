/* broker_model_state - what the model of broker_model.h knows: jobs, peers, and the answers
 * that are still to come. */
#ifndef TESTS_UNIT_BROKER_BROKER_MODEL_STATE_H
#define TESTS_UNIT_BROKER_BROKER_MODEL_STATE_H

#include "proto/codec/uuid_map.h"
#include "proto/message.h"
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

#endif
