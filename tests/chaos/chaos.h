/* chaos - a queue under a load that is checked, while everything it stands on is broken.
 *
 *     main.c      the options, the run, its report
 *     site.c      the processes: starting, finding, killing, restarting
 *     faults.c    the table of faults; sessions.c those inside the database
 *     wire.c      every connection goes through this process, which can hold and cut it
 *     stranger.c  a peer that means no good
 *     producer.c, worker.c   the load, by the real client and worker libraries
 *     kinds.c     the jobs there are, and how each may end
 *     journal.c   what producers and workers wrote down
 *     checker.c   journals against database: the rules are in invariants.def
 *     faulty_libc.c   preloaded: a slow disk and a wrong clock
 *
 * Each role is a process of this program. They share one piece of memory, a file in the run's
 * directory; what must survive a kill stands in journals.
 */
#ifndef TESTS_CHAOS_CHAOS_H
#define TESTS_CHAOS_CHAOS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

enum { BROKERS_LIMIT = 4, PEERS_LIMIT = 8, PHASE_LOAD = 0, PHASE_QUIET = 1 };

/* --- connections: a link for each broker and side, one for each user of the database ------ */

enum link_kind { LINK_WORKERS, LINK_PRODUCERS, LINK_DATABASE, LINK_KINDS };
enum { LINKS = LINK_KINDS * (BROKERS_LIMIT + 1) }; /* the last database link is the workers' */
enum direction { UP, DOWN };                       /* up: to the broker or the database */

struct link {
    char door[128], target[128]; /* paths of sockets; door empty: there is none */
    atomic_bool is_held[2];      /* no byte passes, by direction */
    atomic_uint delay_ms;        /* each chunk waits so long, give or take two fifths */
    atomic_uint cuts;            /* one more: every connection is closed */
    atomic_uint truncations;     /* one more: in the middle of what is being sent */
    atomic_uint replays;         /* one more: what was said before is said once more */
    atomic_uint flips;           /* bits of each replay that are wrong */
};

struct chaos_shared {
    uint64_t seed;
    unsigned brokers, workers, producers;
    atomic_uint phase;
    atomic_uint storm;              /* not 0: all use the same few keys, of this number */
    atomic_uint poison;             /* jobs that kill their worker, still to be submitted */
    atomic_uint pairs[PEERS_LIMIT]; /* keys used so far by a pair of producers */
    atomic_uint crashes;            /* workers that such a job has ended */
    atomic_ullong submitted, acknowledged, ended, executed;
    char worker_endpoints[1024], producer_endpoints[1024], worker_database[256];
    char database[256]; /* straight, for what is not to be broken */
    struct link links[LINKS];
};

/* Read by faulty_libc.c as well */
struct faulty {
    atomic_llong sync_delay_us, clock_offset_us;
};

static inline struct link *
chaos_link(struct chaos_shared *shared, enum link_kind kind, unsigned broker)
{
    return &shared->links[(unsigned)kind * (BROKERS_LIMIT + 1) + broker];
}

void *chaos_map(const char *directory, const char *name, size_t size, bool is_new);
struct chaos_shared *chaos_shared(const char *directory);
int64_t chaos_ms(void); /* monotonic */

/* splitmix64: small, seeded, the same everywhere */
static inline uint64_t
chaos_random(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

static inline unsigned
chaos_below(uint64_t *state, unsigned limit)
{
    return limit ? (unsigned)(chaos_random(state) % limit) : 0;
}

/* Roles: what `chaos ROLE DIRECTORY INDEX` runs; each returns an exit status. */
int producer_main(const char *directory, unsigned index);
int worker_main(const char *directory, unsigned index);
int wire_main(const char *directory, unsigned index);
int stranger_main(const char *directory, unsigned index);

#endif
