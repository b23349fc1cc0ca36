#include "tests/support/curve_world.h"

#include <arpa/inet.h>
#include <check.h>
#include <fcntl.h>
#include <ftw.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "actors/kit/runtime/log.h"
#include "broker/broker.h"
#include "tests/support/meter.h"

static const char *const reasons[] = {
#define X(name) #name,
    CURVE_REASONS(X)
#undef X
};

/* --- files -------------------------------------------------------------------------------- */

void
curve_world_path(const struct curve_world *self, const char *file, char path[128])
{
    snprintf(path, 128, "%s/%s", self->dir, file);
}

void
curve_world_write(const struct curve_world *self, const char *file, const char *text)
{
    char path[128], fresh[128];
    FILE *out;

    curve_world_path(self, file, path);
    curve_world_path(self, "fresh", fresh);
    out = fopen(fresh, "w");
    ck_assert_ptr_nonnull(out);
    fputs(text, out);
    ck_assert_int_eq(fclose(out), 0);
    ck_assert_int_eq(rename(fresh, path), 0);
}

void
curve_world_remove(const struct curve_world *self, const char *file)
{
    char path[128];

    curve_world_path(self, file, path);
    ck_assert_int_eq(unlink(path), 0);
}

static void
save_pair(const struct curve_world *self, const char *name, zcert_t **cert_p)
{
    zcert_t *cert = *cert_p;
    char file[64], path[128];

    snprintf(file, sizeof(file), "%s.secret", name);
    curve_world_path(self, file, path);
    ck_assert_int_eq(zcert_save_secret(cert, path), 0);
    snprintf(file, sizeof(file), "%s.cert", name);
    curve_world_path(self, file, path);
    ck_assert_int_eq(zcert_save_public(cert, path), 0);
    zcert_destroy(cert_p);
}

void
curve_world_certify(struct curve_world *self, const char *name, const char *role,
                    const char *queues)
{
    zcert_t *cert = zcert_new();

    if (role)
        zcert_set_meta(cert, "role", "%s", role);
    if (queues)
        zcert_set_meta(cert, "queues", "%s", queues);
    save_pair(self, name, &cert);
}

void
curve_world_certify_server(struct curve_world *self, const char *name, const char *services)
{
    zcert_t *cert = zcert_new();

    zcert_set_meta(cert, "role", "worker");
    zcert_set_meta(cert, "services", "%s", services);
    save_pair(self, name, &cert);
}

/* --- the broker --------------------------------------------------------------------------- */

void
curve_world_set(struct curve_world *self, const char *format, ...)
{
    char assignment[700], detail[256];
    va_list values;

    va_start(values, format);
    vsnprintf(assignment, sizeof(assignment), format, values);
    va_end(values);
    ck_assert_msg(settings_set(self->settings, assignment, detail, sizeof(detail)) == TM_OK,
                  "%s", detail);
}

static int
free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    close(fd);
    return ntohs(address.sin_port);
}

void
curve_world_make(struct curve_world *self, pg_fixture_t *fixture)
{
    char allow[128];

    *self = (struct curve_world){.settings = settings_new(), .port = free_port()};
    self->url = pg_fixture_database(fixture);
    snprintf(self->dir, sizeof(self->dir), "/tmp/tm-curve-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(self->dir));
    snprintf(self->log, sizeof(self->log), "%s/log", self->dir);
    curve_world_path(self, "allow", allow);
    ck_assert_int_eq(mkdir(allow, 0700), 0);
    curve_world_certify(self, "broker", NULL, NULL);
    curve_world_certify(self, "allow/good", NULL, NULL);
    snprintf(self->endpoint, sizeof(self->endpoint), "tcp://127.0.0.1:%d", self->port);
    curve_world_set(self, "database.url=%s", self->url);
    curve_world_set(self, "broker.listen=%s", self->endpoint);
    curve_world_set(self, "broker.curve_secret=%s/broker.secret", self->dir);
    curve_world_set(self, "broker.curve_allow=%s", allow);
    curve_world_set(self, "broker.lease_ms=60000"); /* nothing ends by silence */
    curve_world_set(self, "broker.retry_base_ms=20");
    curve_world_set(self, "broker.retry_max_ms=40");
    self->refused = mmap(NULL, REASON_COUNT * sizeof(*self->refused), PROT_READ | PROT_WRITE,
                         MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(self->refused, MAP_FAILED);
}

static int
remove_entry(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st;
    (void)flag;
    (void)ftw;
    return remove(path);
}

void
curve_world_end(struct curve_world *self)
{
    if (self->pid) {
        kill(self->pid, SIGKILL);
        waitpid(self->pid, NULL, 0);
    }
    nftw(self->dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    munmap(self->refused, REASON_COUNT * sizeof(*self->refused));
    settings_destroy(&self->settings);
    free(self->url);
}

struct publisher {
    const meters_t *metrics;
    uint64_t *refused;
};

/* For as long as the process lives. */
static void *
publish(void *arg)
{
    const struct publisher *self = arg;

    for (;;) {
        for (size_t i = 0; i < REASON_COUNT; i++)
            __atomic_store_n(&self->refused[i],
                             meter_of(self->metrics, METRIC_PEERS_REFUSED, reasons[i]),
                             __ATOMIC_RELAXED);
        zclock_sleep(5);
    }
    return NULL;
}

__attribute__((noreturn)) static void
be_broker(const struct curve_world *self, int ready_fd)
{
    int log = open(self->log, O_WRONLY | O_CREAT | O_APPEND, 0600);
    meters_t *metrics = meters_new("broker");
    struct publisher publisher = {metrics, self->refused};
    pthread_t thread;
    sigset_t all, before;

    if (log < 0 || dup2(log, STDERR_FILENO) < 0 || dup2(log, STDOUT_FILENO) < 0)
        _exit(99);
    log_init("broker", LOG_AT_INFO);
    sigfillset(&all); /* signals are the broker's */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pthread_create(&thread, NULL, publish, &publisher);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    _exit(service_run(&broker_service, &(struct service_options){.settings = self->settings,
                                                                 .ready_fd = ready_fd,
                                                                 .meters = metrics}) == TM_OK
              ? 0
              : 1);
}

static bool
launch(struct curve_world *self)
{
    int ready[2];
    char byte;
    bool is_ready;

    ck_assert_int_eq(pipe(ready), 0);
    self->pid = fork();
    ck_assert_int_ge(self->pid, 0);
    if (self->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that is killed leaves nothing running */
        close(ready[0]);
        be_broker(self, ready[1]);
    }
    close(ready[1]);
    is_ready = read(ready[0], &byte, 1) == 1;
    close(ready[0]);
    return is_ready;
}

void
curve_world_start(struct curve_world *self)
{
    ck_assert_msg(launch(self), "the broker did not start");
}

int
curve_world_start_fails(struct curve_world *self)
{
    int status;

    ck_assert_msg(!launch(self), "the broker has started");
    ck_assert_int_eq(waitpid(self->pid, &status, 0), self->pid);
    self->pid = 0;
    ck_assert(WIFEXITED(status));
    return WEXITSTATUS(status);
}

char *
curve_world_log(const struct curve_world *self)
{
    FILE *in = fopen(self->log, "r");
    char *text = calloc(1, 1 << 20);

    ck_assert_ptr_nonnull(text);
    if (in) {
        text[fread(text, 1, (1 << 20) - 1, in)] = '\0';
        fclose(in);
    }
    return text;
}

uint64_t
curve_world_refused(const struct curve_world *self, curve_reason_t reason)
{
    return __atomic_load_n(&self->refused[reason], __ATOMIC_RELAXED);
}

/* --- peers -------------------------------------------------------------------------------- */

peer_end_t *
curve_world_peer_as(const struct curve_world *self, const char *name, const char *routing_id,
                    const char *server_key)
{
    char file[64], path[128];
    zsock_t *socket = zsock_new(ZMQ_DEALER);
    zcert_t *server, *own;

    curve_world_path(self, "broker.cert", path);
    server = zcert_load(path);
    snprintf(file, sizeof(file), "%s.secret", name);
    curve_world_path(self, file, path);
    own = zcert_load(path);
    ck_assert(server && own);
    zcert_apply(own, socket);
    zsock_set_curve_serverkey(socket, server_key ? server_key : zcert_public_txt(server));
    if (routing_id)
        zsock_set_identity(socket, routing_id);
    zsock_set_reconnect_ivl(socket, 20);
    ck_assert_int_eq(zsock_connect(socket, "%s", self->endpoint), 0);
    zcert_destroy(&server);
    zcert_destroy(&own);
    return peer_end_over(&socket);
}

peer_end_t *
curve_world_peer(const struct curve_world *self, const char *name)
{
    return curve_world_peer_as(self, name, NULL, NULL);
}
