/* chaos [--minutes M | --seconds S] [--seed S] [--brokers N] [--workers N] [--producers N]
 *       [--fault NAME] [--keep]
 *
 * A seed gives one order of faults, and what each does; the load beside them is as it comes.
 * Ends with one line of JSON; its status is 0 if no rule was broken. */
#include <errno.h>
#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/chaos/checker.h"
#include "tests/chaos/faults.h"

enum {
    RECOVER_MS = 30000, /* the bar for work to go on after a fault */
    QUIET_MS = 60000,
    STOP_MS = 20000,
    CHECK_ALL_EVERY = 40, /* faults; after the others, only jobs of late are looked at */
    PROGRESS = 30,        /* jobs acknowledged and ended after a fault: it goes on */
    BROKER_LIMIT_KB = (CHAOS_SANITIZED ? 2048 : 128) * 1024, /* sanitizers keep what is freed */
    FAULTS_LIMIT = 64
};

struct options {
    uint64_t seed;
    double seconds;
    unsigned brokers, workers, producers;
    const char *fault; /* NULL: all */
    bool keep;
};

struct run {
    struct options options;
    struct site site;
    uint64_t random;
    size_t deck[FAULTS_LIMIT], dealt;
    unsigned long injected[FAULTS_LIMIT], total;
    int broken;
    int64_t slowest_ms;
    const char *slowest;
    int64_t start_ms;
};

/* --- faults, one after the other ---------------------------------------------------------- */

static void
shuffle(struct run *self)
{
    for (size_t i = 0; i < fault_count; i++)
        self->deck[i] = i;
    for (size_t i = fault_count - 1; i > 0; i--) {
        size_t other = chaos_below(&self->random, (unsigned)i + 1), kept = self->deck[i];
        self->deck[i] = self->deck[other];
        self->deck[other] = kept;
    }
    self->dealt = 0;
}

/* All once, before any comes again. */
static size_t
deal(struct run *self)
{
    do {
        if (self->dealt == fault_count)
            shuffle(self);
        self->dealt++;
    } while (self->options.fault &&
             strcmp(self->options.fault, faults[self->deck[self->dealt - 1]].name) != 0);
    return self->deck[self->dealt - 1];
}

static void
break_rule(struct run *self, const char *what, const char *when)
{
    fprintf(stderr, "chaos: seed %llu, fault %lu (%s): %s\n",
            (unsigned long long)self->options.seed, self->total, when, what);
    self->broken++;
}

/* Work goes on when jobs are acknowledged, and end, that were not before. */
static void
await_recovery(struct run *self, const struct fault *fault)
{
    struct chaos_shared *shared = self->site.shared;
    unsigned long long acknowledged = atomic_load(&shared->acknowledged) + PROGRESS;
    unsigned long long ended = atomic_load(&shared->ended) + PROGRESS;
    int64_t begin_ms = chaos_ms(), took_ms;

    while ((atomic_load(&shared->acknowledged) < acknowledged ||
            atomic_load(&shared->ended) < ended) &&
           chaos_ms() < begin_ms + RECOVER_MS)
        site_pause(&self->site, 1);
    took_ms = chaos_ms() - begin_ms;
    if (took_ms >= RECOVER_MS)
        break_rule(self, "work has not gone on", fault->name);
    if (took_ms > self->slowest_ms) {
        self->slowest_ms = took_ms;
        self->slowest = fault->name;
    }
}

static void
do_fault(struct run *self)
{
    size_t index = deal(self);
    const struct fault *fault = &faults[index];
    uint64_t random = self->options.seed * 1000003 + self->total;
    int broken;

    site_pause(&self->site, 50 + chaos_below(&random, 400));
    self->injected[index]++;
    self->total++;
    fprintf(stderr, "chaos: %.1f s: %s\n", (double)(chaos_ms() - self->start_ms) / 1000,
            fault->name);
    fault->inject(&self->site, &random);
    site_pause(&self->site,
               fault->least_ms + chaos_below(&random, fault->most_ms - fault->least_ms));
    if (fault->heal)
        fault->heal(&self->site);
    await_recovery(self, fault);
    broken = checker_check(&self->site,
                           self->total % CHECK_ALL_EVERY == 0 ? CHECK_ALL : CHECK_RECENT);
    if (broken)
        break_rule(self, "the rules above are broken", fault->name);
}

/* --- the run ------------------------------------------------------------------------------ */

static void
begin(struct run *self, pg_fixture_t *fixture)
{
    struct options *options = &self->options;
    struct site *site = &self->site;

    snprintf(site->directory, sizeof(site->directory), "/tmp/tunemill-chaos-XXXXXX");
    if (!mkdtemp(site->directory) || chmod(site->directory, 0755) != 0)
        abort();
    site->shared = chaos_map(site->directory, "shared", sizeof(*site->shared), true);
    site->shared->seed = options->seed;
    site->shared->brokers = options->brokers;
    site->shared->workers = options->workers;
    site->shared->producers = options->producers;
    site_start(site, fixture, "/proc/self/exe");
    checker_prepare(site->url);
    site_load(site);
    self->random = options->seed;
    self->dealt = fault_count;
    self->start_ms = chaos_ms();
}

static void
go_quiet(struct run *self)
{
    struct site *site = &self->site;

    faults_heal_all(site);
    atomic_store(&site->shared->phase, PHASE_QUIET);
    if (!site_await_producers(site, QUIET_MS))
        break_rule(self, "a producer has not heard of all its jobs", "at the end");
    if (checker_check(site, CHECK_QUIET))
        break_rule(self, "the rules above are broken", "at the end");
    if (site->unexplained)
        break_rule(self, "processes ended by themselves", "at the end");
    if (site->broker_kb > BROKER_LIMIT_KB)
        break_rule(self, "a broker took too much memory", "at the end");
}

/* Whatever any of them had started is a child of this process by now. */
static void
end(struct run *self, pg_fixture_t **fixture_p)
{
    int64_t end_ms = chaos_ms() + STOP_MS;
    pid_t pid = 0;

    if (!site_stop(&self->site, STOP_MS))
        break_rule(self, "a process did not end when asked", "at the end");
    pg_fixture_destroy(fixture_p);
    while (chaos_ms() < end_ms && (pid = waitpid(-1, NULL, WNOHANG)) >= 0)
        nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
    if (pid >= 0)
        break_rule(self, "a process was left behind", "at the end");
    if (self->broken || self->options.keep)
        fprintf(stderr, "chaos: journals and logs are in %s\n", self->site.directory);
    else
        site_remove(&self->site);
}

static void
report(const struct run *self, const struct counts *counts, double seconds)
{
    json_t *by_kind = json_object();
    json_t *line;
    char *text;

    for (size_t i = 0; i < fault_count; i++)
        if (self->injected[i])
            json_object_set_new(by_kind, faults[i].name,
                                json_integer((json_int_t)self->injected[i]));
    line = json_pack(
        "{s:I,s:f,s:i,s:I,s:o,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:s,s:i}", "seed",
        (json_int_t)self->options.seed, "seconds", seconds, "brokers",
        (int)self->options.brokers, "faults", (json_int_t)self->total, "faults_by_kind",
        by_kind, "submitted", (json_int_t)counts->submitted, "acknowledged",
        (json_int_t)counts->acknowledged, "runs", (json_int_t)counts->runs, "done",
        (json_int_t)counts->done, "dead", (json_int_t)counts->dead, "canceled",
        (json_int_t)counts->canceled, "refused", (json_int_t)counts->refused, "collateral",
        (json_int_t)counts->collateral, "lost", (json_int_t)counts->lost, "doubled",
        (json_int_t)counts->doubled, "broker_mb", (json_int_t)self->site.broker_kb / 1024,
        "slowest_recovery_ms", (json_int_t)self->slowest_ms, "slowest_recovery",
        self->slowest ? self->slowest : "", "broken", self->broken);
    text = json_dumps(line, JSON_COMPACT | JSON_REAL_PRECISION(5));
    puts(text);
    free(text);
    json_decref(line);
}

static int
chaos(const struct options *options)
{
    pg_fixture_t *fixture = pg_fixture_new();
    struct counts counts;
    static struct run self;
    double seconds;

    if (!fixture)
        return PG_FIXTURE_SKIP;
    self.options = *options;
    begin(&self, fixture);
    while ((double)(chaos_ms() - self.start_ms) < options->seconds * 1000 &&
           self.broken == 0) /* what comes after the first is its consequence */
        do_fault(&self);
    go_quiet(&self);
    seconds = (double)(chaos_ms() - self.start_ms) / 1000;
    checker_count(&self.site, &counts);
    end(&self, &fixture);
    report(&self, &counts, seconds);
    return self.broken == 0 ? 0 : 1;
}

/* --- options ------------------------------------------------------------------------------ */

static bool
is_fault(const char *name)
{
    for (size_t i = 0; i < fault_count; i++)
        if (strcmp(faults[i].name, name) == 0)
            return true;
    return false;
}

static bool
is_within(const struct options *self)
{
    return self->brokers >= 1 && self->brokers <= BROKERS_LIMIT && self->workers >= 1 &&
           self->workers <= PEERS_LIMIT && self->producers >= 1 &&
           self->producers <= PEERS_LIMIT && self->seconds > 0 &&
           (!self->fault || is_fault(self->fault));
}

static bool
parse(int argc, char **argv, struct options *ret)
{
    static const struct option names[] = {
        {"minutes", 1, NULL, 'm'}, {"seconds", 1, NULL, 't'}, {"seed", 1, NULL, 's'},
        {"brokers", 1, NULL, 'b'}, {"workers", 1, NULL, 'w'}, {"producers", 1, NULL, 'p'},
        {"fault", 1, NULL, 'f'},   {"keep", 0, NULL, 'k'},    {NULL, 0, NULL, 0}};
    int option;

    while ((option = getopt_long(argc, argv, "", names, NULL)) != -1) {
        const char *text = optarg ? optarg : "";
        unsigned number = (unsigned)strtoul(text, NULL, 10);

        if (option == 'm')
            ret->seconds = 60 * strtod(text, NULL);
        else if (option == 't')
            ret->seconds = strtod(text, NULL);
        else if (option == 's')
            ret->seed = strtoull(text, NULL, 10);
        else if (option == 'b')
            ret->brokers = number;
        else if (option == 'w')
            ret->workers = number;
        else if (option == 'p')
            ret->producers = number;
        else if (option == 'f')
            ret->fault = text;
        else if (option == 'k')
            ret->keep = true;
        else
            return false;
    }
    return optind == argc && is_within(ret);
}

static int
be(int argc, char **argv)
{
    static const struct {
        const char *name;
        int (*run)(const char *directory, unsigned index);
    } roles[] = {{"wire", wire_main},
                 {"worker", worker_main},
                 {"producer", producer_main},
                 {"stranger", stranger_main}};

    for (size_t i = 0; argc == 4 && i < sizeof(roles) / sizeof(roles[0]); i++)
        if (strcmp(argv[1], roles[i].name) == 0)
            return roles[i].run(argv[2], (unsigned)strtoul(argv[3], NULL, 10));
    return -1;
}

int
main(int argc, char **argv)
{
    struct options options = {.seed = (uint64_t)time(NULL),
                              .seconds = 60,
                              .brokers = 2,
                              .workers = 3,
                              .producers = 4};
    int code = be(argc, argv);

    if (code >= 0)
        return code;
    if (!parse(argc, argv, &options)) {
        fprintf(stderr,
                "usage: chaos [--minutes M | --seconds S] [--seed S] [--brokers 1..%d]\n"
                "             [--workers 1..%d] [--producers 1..%d] [--fault NAME] [--keep]\n"
                "faults:",
                BROKERS_LIMIT, PEERS_LIMIT, PEERS_LIMIT);
        for (size_t i = 0; i < fault_count; i++)
            fprintf(stderr, " %s", faults[i].name);
        fputc('\n', stderr);
        return 2;
    }
    fprintf(stderr, "chaos: seed %llu\n", (unsigned long long)options.seed);
    return chaos(&options);
}
