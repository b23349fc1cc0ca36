#include "broker/wire/security.h"

#include <string.h>

#include "broker/base/texts.h"
#include "broker/wire/allowlist.h"

#define ZAP_ENDPOINT     "inproc://zeromq.zap.01"
#define ZAP_DOMAIN       "tunemill"
#define MONITOR_ENDPOINT "inproc://broker-handshakes"
#define LOOK_MS          1000
#define LINES_A_LOOK     10 /* refusals written to the log; the rest is counted only */

#ifndef ZMQ_ZAP_ENFORCE_DOMAIN /* a draft option in zmq.h; CZMQ built without drafts has its \
                                  own setter do nothing */
#define ZMQ_ZAP_ENFORCE_DOMAIN 93
#endif

#define EVENTS                                                                    \
    (ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_HANDSHAKE_SUCCEEDED |                         \
     ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL | \
     ZMQ_EVENT_HANDSHAKE_FAILED_AUTH)

/* Longer than a handshake may take, in looks. */
enum { HANDSHAKE_LOOKS = 7 };

struct security {
    loop_t *loop;
    const settings_t *settings;
    meters_t *metrics;
    peers_t *peers;
    security_revise_fn *on_revise;
    void *revise_arg;
    zsock_t *socket; /* the broker's, borrowed */
    zsock_t *zap, *monitor;
    allowlist_t *allowed;
    int timer;
    bool is_unreadable;                 /* the allow-list, as last logged */
    uint64_t lines, unsaid;             /* refusals since the last look */
    uint64_t accepted[HANDSHAKE_LOOKS]; /* connections, as counted at the last looks */
    uint64_t ended;                     /* handshakes, well or badly */
    size_t look;
    char what[TM_DETAIL_MAX]; /* of the last refusal by security_admit */
};

/* Reasons as in metrics. Text from outside (key, address) has been cut to its own alphabet. */
static void
refused(security_t *self, const char *reason, const char *about, const char *who,
        uint64_t times)
{
    meters_add(self->metrics, METRIC_PEERS_REFUSED, reason, times);
    if (self->lines++ < LINES_A_LOOK)
        log_warn("peer.refused", "reason=%s %s=\"%s\" times=%llu", reason, about, who,
                 (unsigned long long)times);
    else
        self->unsaid += times;
}

/* --- handshakes --------------------------------------------------------------------------- */

/* A ZAP request's frames. */
enum { VERSION, REQUEST, DOMAIN, ADDRESS, IDENTITY, MECHANISM, KEY, ZAP_FRAMES };

static const guest_t *
judge_handshake(security_t *self, zmsg_t *message, char key[TM_CURVE_KEY + 1])
{
    zframe_t *frames[ZAP_FRAMES] = {NULL};
    const guest_t *guest;

    frames[0] = zmsg_first(message);
    for (int i = 1; i < ZAP_FRAMES; i++)
        frames[i] = zmsg_next(message);
    if (!frames[KEY] || zframe_size(frames[KEY]) != 32 ||
        !zframe_streq(frames[MECHANISM], "CURVE") || !zframe_streq(frames[DOMAIN], ZAP_DOMAIN))
        return NULL;
    zmq_z85_encode(key, zframe_data(frames[KEY]), 32);
    guest = allowlist_find(self->allowed, key);
    if (!guest)
        refused(self, "unknown_key", "key", key, 1);
    return guest;
}

static void
answer_zap(security_t *self, zmsg_t *message)
{
    char key[TM_CURVE_KEY + 1] = "";
    const guest_t *guest = judge_handshake(self, message, key);
    char *version = zmsg_popstr(message), *request = zmsg_popstr(message);

    zstr_sendx(self->zap, "1.0", request ? request : "", guest ? "200" : "400",
               guest ? "OK" : "this key is not allowed", guest ? key : "", "", NULL);
    zstr_free(&version);
    zstr_free(&request);
}

static void
on_zap(void *arg)
{
    security_t *self = arg;

    while (zsock_events(self->zap) & ZMQ_POLLIN) {
        zmsg_t *message = zmsg_recv(self->zap);

        if (message)
            answer_zap(self, message);
        zmsg_destroy(&message);
    }
}

static const char *
protocol_reason(uint32_t value)
{
    if (value == ZMQ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH)
        return "not_curve"; /* a plain peer, most often */
    return value == ZMQ_PROTOCOL_ERROR_ZMTP_CRYPTOGRAPHIC ? "wrong_server_key" : "malformed";
}

static void
on_event(security_t *self, uint16_t event, uint32_t value, const char *endpoint)
{
    if (event == ZMQ_EVENT_ACCEPTED) {
        self->accepted[self->look]++;
        return;
    }
    self->ended++;
    if (event == ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL)
        refused(self, "incomplete", "endpoint", endpoint, 1);
    else if (event == ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL)
        refused(self, protocol_reason(value), "endpoint", endpoint, 1);
    /* HANDSHAKE_FAILED_AUTH is our own refusal, counted when it was made */
}

static void
on_monitor(void *arg)
{
    security_t *self = arg;

    while (zsock_events(self->monitor) & ZMQ_POLLIN) {
        zmsg_t *message = zmsg_recv(self->monitor);
        zframe_t *head = message ? zmsg_first(message) : NULL;
        uint16_t event;
        uint32_t value;

        if (head && zframe_size(head) == sizeof(event) + sizeof(value)) {
            memcpy(&event, zframe_data(head), sizeof(event));
            memcpy(&value, zframe_data(head) + sizeof(event), sizeof(value));
            on_event(self, event, value, self->settings->broker_listen);
        }
        zmsg_destroy(&message);
    }
}

/* What does not even greet as ZeroMQ does is closed by libzmq without an event of its own. Such
 * a connection is one that was accepted longer ago than a handshake takes, and whose handshake
 * has not ended. */
static void
count_garbage(security_t *self)
{
    size_t next = (self->look + 1) % HANDSHAKE_LOOKS;
    uint64_t due = self->accepted[next];
    uint64_t garbage = due > self->ended ? due - self->ended : 0;

    self->accepted[next] = self->accepted[self->look];
    self->look = next;
    self->ended += garbage;
    if (garbage > 0)
        refused(self, "garbage", "endpoint", self->settings->broker_listen, garbage);
}

/* --- the allow-list ----------------------------------------------------------------------- */

static void
revise_peers(security_t *self)
{
    peer_t *peer;

    for (size_t at = 0; (peer = peers_next(self->peers, &at));) {
        const guest_t *guest = peer->key[0] ? allowlist_find(self->allowed, peer->key) : NULL;

        if (guest)
            self->on_revise(self->revise_arg, peer, guest);
        else if (peer->key[0])
            peers_drop(self->peers, peer->id);
    }
}

static void
look_at_list(security_t *self)
{
    char detail[2048] = "";
    bool is_changed = false;
    tm_err_t err = allowlist_read(self->allowed, &is_changed, detail, sizeof(detail));

    if (err && !self->is_unreadable)
        texts_complain("security.allow", detail);
    self->is_unreadable = err != TM_OK;
    if (is_changed) {
        log_info("security.allow", "keys=%zu", allowlist_size(self->allowed));
        revise_peers(self);
    }
}

static void
on_look(void *arg)
{
    security_t *self = arg;

    self->lines = 0;
    if (self->unsaid > 0)
        log_warn("peer.refused", "more=%llu", (unsigned long long)self->unsaid);
    self->unsaid = 0;
    count_garbage(self);
    look_at_list(self);
}

/* --- opening ------------------------------------------------------------------------------ */

static tm_err_t
allow_plain(const settings_t *settings)
{
    char detail[2048];

    if (settings->broker_curve_allow[0])
        return texts_complain(
            "broker.security",
            "broker.curve_allow is set but broker.curve_secret is not: the broker "
            "would let everybody in");
    if (tm_curve_is_local(settings->broker_listen))
        return TM_OK;
    if (settings->broker_allow_plain_tcp) {
        log_warn("broker.plain",
                 "endpoint=%s what=\"anyone on the network can submit, take "
                 "and read jobs\"",
                 settings->broker_listen);
        return TM_OK;
    }
    snprintf(detail, sizeof(detail),
             "broker.listen: %s can be reached from other machines, and plain tcp is not safe "
             "there; make keys with `tunemill keys` and set broker.curve_secret and "
             "broker.curve_allow, or set broker.allow_plain_tcp=1 on a network where nobody "
             "else is",
             settings->broker_listen);
    return texts_complain("broker.security", detail);
}

static tm_err_t
load_keys(security_t *self, const settings_t *settings, zcert_t **ret_cert)
{
    char detail[2048] =
        "broker.curve_secret is set but broker.curve_allow is not: no key would "
        "be let in";
    bool is_changed;

    if (!settings->broker_curve_allow[0] ||
        tm_curve_secret(settings->broker_curve_secret, ret_cert, detail, sizeof(detail)))
        return texts_complain("broker.security", detail);
    self->allowed = allowlist_new(settings->broker_curve_allow);
    if (allowlist_read(self->allowed, &is_changed, detail, sizeof(detail)))
        return texts_complain("broker.security", detail);
    log_info("security.allow", "keys=%zu", allowlist_size(self->allowed));
    return TM_OK;
}

/* Without a domain that is enforced, libzmq lets any key in while nobody answers ZAP. */
static bool
set_options(zsock_t *socket, zcert_t *cert)
{
    int yes = 1;

    zcert_apply(cert, socket);
    zsock_set_zap_domain(socket, ZAP_DOMAIN);
    zsock_set_curve_server(socket, 1);
    return zsock_mechanism(socket) == ZMQ_CURVE &&
           zmq_setsockopt(zsock_resolve(socket), ZMQ_ZAP_ENFORCE_DOMAIN, &yes, sizeof(yes)) ==
               0;
}

/* The monitor's queue has no limit: libzmq's own thread would wait at it. */
static bool
open_sockets(security_t *self)
{
    self->zap = zsock_new(ZMQ_REP);
    self->monitor = zsock_new(ZMQ_PAIR);
    if (!self->zap || !self->monitor || zsock_bind(self->zap, "%s", ZAP_ENDPOINT) < 0)
        return false;
    zsock_set_rcvhwm(self->monitor, 0);
    return zmq_socket_monitor(zsock_resolve(self->socket), MONITOR_ENDPOINT, EVENTS) == 0 &&
           zsock_connect(self->monitor, "%s", MONITOR_ENDPOINT) == 0;
}

tm_err_t
security_open(loop_t *loop, const settings_t *settings, meters_t *metrics, zsock_t *socket,
              security_t **ret_security)
{
    security_t *self;
    zcert_t *cert = NULL;
    tm_err_t err;

    *ret_security = NULL;
    if (!settings->broker_curve_secret[0])
        return allow_plain(settings);
    self = zmalloc(sizeof(*self));
    *self = (security_t){
        .loop = loop, .settings = settings, .metrics = metrics, .socket = socket, .timer = -1};
    err = load_keys(self, settings, &cert);
    if (!err && (!set_options(socket, cert) || !open_sockets(self)))
        err = texts_complain("broker.security", "this libzmq cannot keep unknown keys out");
    zcert_destroy(&cert);
    if (err)
        security_destroy(&self);
    *ret_security = self;
    return err;
}

void
security_attach(security_t *self, peers_t *peers, security_revise_fn *on_revise, void *arg)
{
    self->peers = peers;
    self->on_revise = on_revise;
    self->revise_arg = arg;
    loop_socket(self->loop, self->zap, on_zap, self);
    loop_socket(self->loop, self->monitor, on_monitor, self);
    self->timer = loop_timer(self->loop, LOOK_MS, true, on_look, self);
}

void
security_destroy(security_t **self_p)
{
    security_t *self = *self_p;

    if (!self)
        return;
    if (self->timer >= 0) {
        loop_timer_end(self->loop, self->timer);
        loop_socket_end(self->loop, self->zap);
        loop_socket_end(self->loop, self->monitor);
    }
    zmq_socket_monitor(zsock_resolve(self->socket), NULL, 0);
    zsock_destroy(&self->monitor);
    zsock_destroy(&self->zap);
    allowlist_destroy(&self->allowed);
    free(self);
    *self_p = NULL;
}

/* --- messages ----------------------------------------------------------------------------- */

bool
security_hears(security_t *self, peer_t **from_p, zmq_msg_t *frame)
{
    const char *key = self ? zmq_msg_gets(frame, "User-Id") : NULL;
    const guest_t *guest;
    uint8_t route[256];

    if (!self || (key && strcmp((*from_p)->key, key) == 0))
        return true; /* a known peer's key is allowed: revise_peers sees to it */
    guest = key ? allowlist_find(self->allowed, key) : NULL;
    if (!guest || (*from_p)->key[0]) {
        memcpy(route, (*from_p)->route, sizeof(route));
        peers_drop(self->peers, (*from_p)->id);
        *from_p = guest ? peers_touch(self->peers, route + 1, route[0]) : NULL;
    }
    if (guest)
        memcpy((*from_p)->key, guest->key, sizeof(guest->key));
    else
        refused(self, key ? "revoked_key" : "anonymous", "key", key ? key : "", 1);
    return guest != NULL;
}

/* messages.def says who may say what, and where that is not all there is to it. */
static bool
fits_role(const guest_t *guest, const tm_msg_t *msg, bool is_follower)
{
    unsigned roles = tm_msg_roles(msg->type);

    if (msg->type == TM_MSG_SUBMIT && is_follower)
        roles = TM_BY_WORKER; /* jobs that follow a DONE are part of it */
    if (msg->type == TM_MSG_METRICS && msg->metrics.has_watch && msg->metrics.watch)
        roles = TM_BY_MONITOR;
    return (guest->roles & roles) != 0;
}

static tm_err_t
forbid(security_t *self, const char *reason, const guest_t *guest, const char **ret_what)
{
    refused(self, reason, "certificate", guest->name, 1);
    *ret_what = self->what;
    return TM_FORBIDDEN;
}

static tm_err_t
forbid_name(security_t *self, const char *what, tm_str_t name, const guest_t *guest,
            const char **ret_what)
{
    snprintf(self->what, sizeof(self->what), "the certificate %s does not allow the %s %.*s",
             guest->name, what, (int)(allowlist_is_name(name) ? name.size : 0), name.data);
    return forbid(self, what, guest, ret_what);
}

/* What it serves has to be allowed, and a worker's id is of the key that said it first. */
static tm_err_t
admit_hello(security_t *self, const guest_t *guest, const struct tm_hello *hello,
            const char *worker_key, const char **ret_what)
{
    tm_str_t name;

    if (!guest_may_serve(guest, hello->queues, &name))
        return forbid_name(self, "queue", name, guest, ret_what);
    if (hello->has_services && !guest_may_answer(guest, hello->services, &name))
        return forbid_name(self, "service", name, guest, ret_what);
    if (!worker_key || strcmp(worker_key, guest->key) == 0)
        return TM_OK;
    snprintf(self->what, sizeof(self->what), "the worker's id is not of the certificate %s",
             guest->name);
    return forbid(self, "worker", guest, ret_what);
}

tm_err_t
security_admit(security_t *self, const peer_t *from, const tm_msg_t *msg,
               const struct security_about *said, const char **ret_what)
{
    const guest_t *guest = self ? allowlist_find(self->allowed, from->key) : NULL;

    if (!self)
        return TM_OK;
    if (!guest)
        return TM_FORBIDDEN;
    if (!fits_role(guest, msg, said->is_follower)) {
        snprintf(self->what, sizeof(self->what), "the role of the certificate %s allows no %s",
                 guest->name, tm_msg_name(msg->type));
        return forbid(self, "role", guest, ret_what);
    }
    if (msg->type != TM_MSG_HELLO)
        return TM_OK;
    return admit_hello(self, guest, &msg->hello, said->worker_key, ret_what);
}
