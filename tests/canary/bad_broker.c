/* Messages to the broker that are not what PROTOCOL.md says, and bytes that are no messages.
 *
 * Behind each a PING is sent on the same connection: the broker answers in order, so what has
 * not come before its PONG was not answered, unless it had to ask the database. */
#include "tests/canary/bad_input.h"

#include <check.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "actors/kit/util/clock.h"
#include "proto/message.h"
#include "tests/support/pairs.h"
#include "tests/support/patience.h"

enum { PING_AGAIN_MS = 500 };

#define S(text)                \
    {                          \
        text, sizeof(text) - 1 \
    }
#define RAW(bytes) .raw = bytes, .raw_size = sizeof(bytes) - 1
#define SHA        "0123456789abcdef0123456789abcdef"

struct message {
    const char *name;
    const char *raw; /* the header frame, unless there is a msg or a make */
    size_t raw_size;
    bool has_no_body; /* no frame follows it */
    tm_msg_t msg;
    size_t body_size; /* of the msg, unless it has a body */
    void (*make)(zmsg_t *out);
    bool says_hello; /* before it, as a worker of a queue of its own that takes nothing */
    tm_msg_type_t answer;
    const char *code; /* of REJECTED, DROP, RESULT */
};

/* --- those that are made ------------------------------------------------------------------ */

static void
add(zmsg_t *out, struct bytes *header)
{
    zmsg_addmem(out, header->data, header->size);
    zmsg_addmem(out, NULL, 0);
    bytes_fini(header);
}

static void
deep(zmsg_t *out)
{
    struct bytes header = {0};

    bytes_text(&header, "\x82\x63");
    bytes_repeat(&header, "\x91", 8000);
    bytes_text(&header, "\x01\x01\x01");
    add(out, &header);
}

static void
too_long(zmsg_t *out)
{
    struct bytes header = {0};

    bytes_add(&header, "\x83\x00\x01\x01\x32\x02\xc5\x20\x00", 9);
    bytes_repeat(&header, "x", 8192);
    add(out, &header);
}

static void
queue_of_65(zmsg_t *out)
{
    struct bytes header = {0};

    bytes_add(&header, "\x85\x00\x01\x01\x01\x02\x01\x03\xc4\x10", 10);
    bytes_repeat(&header, "j", 16);
    bytes_add(&header, "\x04\xd9\x41", 3);
    bytes_repeat(&header, "q", 65);
    add(out, &header);
}

static void
ten_thousand_frames(zmsg_t *out)
{
    for (int i = 0; i < 10000; i++)
        zmsg_addmem(out, NULL, 0);
}

static void
three_frames(zmsg_t *out)
{
    tm_msg_t ping = {.type = TM_MSG_PING};

    ck_assert_int_eq(tm_msg_append(out, &ping), TM_OK);
    zmsg_addmem(out, "\x80", 1);
}

static void
thousand_hellos(zmsg_t *out)
{
    tm_msg_t hello = {.type = TM_MSG_HELLO, .hello = {.actor = S("x"), .queues = S(",,,,,")}};

    for (int i = 0; i < 1000; i++) {
        hello.hello.worker.bytes[0] = (uint8_t)i;
        hello.hello.worker.bytes[1] = (uint8_t)(i >> 8);
        ck_assert_int_eq(tm_msg_append(out, &hello), TM_OK);
    }
}

static void
deep_tune(zmsg_t *out)
{
    tm_msg_t msg = {.type = TM_MSG_SUBMIT,
                    .submit = {.job = {{2}}, .queue = S("tune"), .workspace = {{[15] = 1}}}};
    struct bytes body = {0};

    bytes_repeat(&body, "[", 1000000);
    msg.body = (tm_str_t){body.data, body.size};
    ck_assert_int_eq(tm_msg_append(out, &msg), TM_OK);
    bytes_fini(&body);
}

/* --- the table ---------------------------------------------------------------------------- */

#define MALFORMED    .answer = TM_MSG_REJECTED, .code = "BAD_MESSAGE"
#define UNKNOWN      .answer = TM_MSG_REJECTED, .code = "UNKNOWN_MESSAGE"
#define REFUSED(why) .answer = TM_MSG_REJECTED, .code = why
#define SILENCE      .answer = TM_MSG_NONE
#define SUBMIT(...)                \
    .msg = {.type = TM_MSG_SUBMIT, \
            .submit = {.job = {{1}}, .workspace = {{[15] = 1}}, __VA_ARGS__}}
#define PUT(...) .msg = {.type = TM_MSG_PUT, .put = {__VA_ARGS__}}
#define TUNE(json)                                                                   \
    .msg = {.type = TM_MSG_SUBMIT,                                                   \
            .submit = {.job = {{2}}, .workspace = {{[15] = 1}}, .queue = S("tune")}, \
            .body = S(json)}

static const struct message messages[] = {
    /* frames */
    {.name = "an empty frame", RAW(""), .has_no_body = true, MALFORMED},
    {.name = "two empty frames", RAW(""), MALFORMED},
    {.name = "a frame of random bytes",
     RAW("\xb1\x07\xc1\x90\x44\xff\x13\x37\x00\x5e"),
     .has_no_body = true,
     MALFORMED},
    {.name = "random bytes and a body", RAW("\xb1\x07\xc1\x90\x44\xff\x13\x37"), MALFORMED},
    {.name = "a header without a body",
     RAW("\x83\x00\x01\x01\x32\x02\x01"),
     .has_no_body = true,
     MALFORMED},
    {.name = "a pair and a header without a body", .make = three_frames, MALFORMED},
    {.name = "10,000 empty frames", .make = ten_thousand_frames, MALFORMED},
    /* headers */
    {.name = "8,000 lists in each other", .make = deep, MALFORMED},
    {.name = "a list of 2^26 items", RAW("\xdd\x03\xff\xff\xff\x01"), MALFORMED},
    {.name = "a map of 2^32 items", RAW("\xdf\xff\xff\xff\xff\x00"), MALFORMED},
    {.name = "a text of 2^32 bytes",
     RAW("\x83\x00\x01\x01\x32\x02\xdb\xff\xff\xff\xff"),
     MALFORMED},
    {.name = "bytes of 2^32", RAW("\x83\x00\x01\x01\x32\x63\xc6\xff\xff\xff\xff"), MALFORMED},
    {.name = "a header over 8192 bytes", .make = too_long, MALFORMED},
    {.name = "a list for a map", RAW("\x93\x01\x32\x01"), MALFORMED},
    {.name = "a map of no keys", RAW("\x80"), MALFORMED},
    {.name = "a key in words", RAW("\x83\x00\x01\x01\x32\xa1\x61\x01"), MALFORMED},
    {.name = "a key twice", RAW("\x84\x00\x01\x01\x32\x02\x01\x02\x01"), MALFORMED},
    {.name = "bytes behind the map", RAW("\x83\x00\x01\x01\x32\x02\x01\x00"), MALFORMED},
    {.name = "a number below 0", RAW("\x83\x00\x01\x01\x32\x02\xff"), MALFORMED},
    {.name = "a required field that is missing", RAW("\x82\x00\x01\x01\x01"), MALFORMED},
    {.name = "JSON", RAW("{\"type\":\"PING\"}"), MALFORMED},
    {.name = "another version", RAW("\x83\x00\x02\x01\x32\x02\x01"), REFUSED("BAD_VERSION")},
    {.name = "message 63", RAW("\x82\x00\x01\x01\x3f"), UNKNOWN},
    {.name = "message 2^64 - 1",
     RAW("\x82\x00\x01\x01\xcf\xff\xff\xff\xff\xff\xff\xff\xff"),
     UNKNOWN},
    /* what only a broker says */
    {.name = "ACCEPTED", .msg = {.type = TM_MSG_ACCEPTED}, REFUSED("NOT_FOUND")},
    {.name = "JOB", .msg = {.type = TM_MSG_JOB}, REFUSED("NOT_FOUND")},
    {.name = "WELCOME", .msg = {.type = TM_MSG_WELCOME}, REFUSED("NOT_FOUND")},
    {.name = "SETTLED", .msg = {.type = TM_MSG_SETTLED}, REFUSED("NOT_FOUND")},
    /* SUBMIT */
    {.name = "SUBMIT to a queue without a name",
     SUBMIT(.queue = S("")),
     REFUSED("BAD_REQUEST")},
    {.name = "SUBMIT to a path", SUBMIT(.queue = S("../tune")), REFUSED("BAD_REQUEST")},
    {.name = "SUBMIT to SQL", SUBMIT(.queue = S("';--")), REFUSED("BAD_REQUEST")},
    {.name = "SUBMIT to a name of 65 bytes", .make = queue_of_65, MALFORMED},
    {.name =
         "SUBMIT to a queue nobody serves", /* is kept for whom may come, until it expires */
     SUBMIT(.queue = S("nobody"), .has_expires_ms = true, .expires_ms = 1, .has_watch = true,
            .watch = true),
     .answer = TM_MSG_RESULT,
     .code = "EXPIRED"},
    {.name = "SUBMIT with a key and no hash",
     SUBMIT(.queue = S("q"), .has_key = true, .key = S("k")),
     REFUSED("BAD_REQUEST")},
    {.name = "SUBMIT with half a hash",
     SUBMIT(.queue = S("q"), .has_key = true, .key = S("k"), .has_request_hash = true,
            .request_hash = S("0123456789abcdef")),
     REFUSED("BAD_REQUEST")},
    {.name = "SUBMIT with an empty key",
     SUBMIT(.queue = S("q"), .has_key = true, .key = S(""), .has_request_hash = true,
            .request_hash = S(SHA)),
     REFUSED("BAD_REQUEST")},
    {.name = "SUBMIT with a parent",
     SUBMIT(.queue = S("q"), .has_parent = true),
     REFUSED("BAD_REQUEST")},
    {.name = "SUBMIT of a byte more than 1 MiB",
     SUBMIT(.queue = S("q")),
     .body_size = (1 << 20) + 1,
     REFUSED("TOO_LARGE")},
    {.name = "SUBMIT of 4 MiB",
     SUBMIT(.queue = S("q")),
     .body_size = 4 << 20,
     REFUSED("TOO_LARGE")},
    {.name = "SUBMIT of 32 MiB", /* ends the connection, which is made anew */
     SUBMIT(.queue = S("q")),
     .body_size = 32 << 20,
     SILENCE},
    {.name = "a tune of nothing", TUNE(""), REFUSED("BAD_REQUEST")},
    {.name = "a tune that is no JSON", TUNE("\xff{"), REFUSED("BAD_REQUEST")},
    {.name = "a tune without fields", TUNE("{}"), REFUSED("BAD_REQUEST")},
    {.name = "a tune of a million lists", .make = deep_tune, REFUSED("BAD_REQUEST")},
    {.name = "a tune of 2^40 trials",
     TUNE(
         "{\"search_type\":\"grid\",\"objective_type\":\"sharpe\",\"n_trials\":1099511627776}"),
     REFUSED("BAD_REQUEST")},
    {.name = "a tune of a workspace that is not there",
     .msg = {.type = TM_MSG_SUBMIT,
             .submit = {.job = {{2}}, .workspace = {{7}}, .queue = S("tune")},
             .body = S("{\"search_type\":\"x\",\"objective_type\":\"x\",\"n_trials\":1}")},
     REFUSED("WORKSPACE_NOT_FOUND")},
    /* PUT */
    {.name = "PUT with half a hash",
     PUT(.sha256 = S("0123"), .size = 1),
     REFUSED("BAD_REQUEST")},
    {.name = "PUT of nothing", PUT(.sha256 = S(SHA), .size = 0), REFUSED("BAD_REQUEST")},
    {.name = "PUT in the middle of a piece",
     PUT(.sha256 = S(SHA), .size = 9, .offset = 1),
     .body_size = 8,
     REFUSED("BAD_REQUEST")},
    {.name = "PUT behind the end",
     PUT(.sha256 = S(SHA), .size = 9, .offset = 4293918720),
     .body_size = 9,
     REFUSED("BAD_REQUEST")},
    {.name = "PUT of more than was said",
     PUT(.sha256 = S(SHA), .size = 9),
     .body_size = 10,
     REFUSED("BAD_REQUEST")},
    {.name = "PUT of 4 GB",
     PUT(.sha256 = S(SHA), .size = 4294967295),
     .body_size = 1 << 20,
     REFUSED("FILE_TOO_LARGE")},
    {.name = "PUT of other bytes than the hash says",
     PUT(.sha256 = S(SHA), .size = 9),
     .body_size = 9,
     REFUSED("DATASET_MISMATCH")},
    /* jobs that are not there */
    {.name = "STATUS of a job that is not there",
     .msg = {.type = TM_MSG_STATUS, .status = {.job = {{7}}}},
     .answer = TM_MSG_STATE},
    {.name = "SUBSCRIBE to a job that is not there",
     .msg = {.type = TM_MSG_SUBSCRIBE, .subscribe = {.job = {{7}}}},
     .answer = TM_MSG_STATE},
    /* workers */
    {.name = "DONE without HELLO", .msg = {.type = TM_MSG_DONE}, REFUSED("NOT_FOUND")},
    {.name = "FAIL without HELLO", .msg = {.type = TM_MSG_FAIL}, REFUSED("NOT_FOUND")},
    {.name = "HOLDING without HELLO", .msg = {.type = TM_MSG_HOLDING}, REFUSED("NOT_FOUND")},
    {.name = "CREDIT without HELLO", .msg = {.type = TM_MSG_CREDIT}, REFUSED("NOT_FOUND")},
    {.name = "BYE without HELLO", .msg = {.type = TM_MSG_BYE}, REFUSED("NOT_FOUND")},
    {.name = "PROGRESS without HELLO", .msg = {.type = TM_MSG_PROGRESS}, SILENCE},
    {.name = "HELLO a thousand times, as another each time",
     .make = thousand_hellos,
     .answer = TM_MSG_WELCOME},
    {.name = "HELLO with credit over its limit",
     RAW("\x86\x00\x01\x01\x0f\x02\xa1x\x03\xc4\x10jjjjjjjjjjjjjjjj\x04\xa1q\x05\xce\x00\x01"
         "\x00\x01"),
     MALFORMED},
    {.name = "HELLO with an id of 15 bytes",
     RAW("\x86\x00\x01\x01\x0f\x02\xa1x\x03\xc4\x0fjjjjjjjjjjjjjjj\x04\xa1q\x05\x01"),
     MALFORMED},
    {.name = "HELLO with a name that is not UTF-8",
     RAW("\x86\x00\x01\x01\x0f\x02\xa2\xed\xa0\x03\xc4\x10jjjjjjjjjjjjjjjj\x04\xa1q\x05\x01"),
     MALFORMED},
    {.name = "DONE for a job not held",
     .says_hello = true,
     .msg = {.type = TM_MSG_DONE, .done = {.job = {{7}}, .attempt = 1}},
     .answer = TM_MSG_SETTLED},
    {.name = "DONE for a job not held, of the largest attempt",
     .says_hello = true,
     .msg = {.type = TM_MSG_DONE, .done = {.job = {{7}}, .attempt = UINT32_MAX}},
     .answer = TM_MSG_SETTLED},
    {.name = "FAIL for a job not held",
     .says_hello = true,
     .msg = {.type = TM_MSG_FAIL, .fail = {.job = {{7}}, .attempt = 1, .code = S("';--")}},
     .answer = TM_MSG_SETTLED},
    {.name = "HOLDING a job that is not there",
     .says_hello = true,
     .msg = {.type = TM_MSG_HOLDING, .holding = {.job = {{7}}, .attempt = UINT32_MAX}},
     .answer = TM_MSG_DROP,
     .code = "LEASE_LOST"},
    {.name = "PROGRESS of a job not held",
     .says_hello = true,
     .msg = {.type = TM_MSG_PROGRESS, .progress = {.job = {{7}}, .done = 9, .total = 3}},
     SILENCE},
};

/* --- sending and hearing ------------------------------------------------------------------ */

static void
send_one(zsock_t *socket, const tm_msg_t *msg)
{
    zmsg_t *out = zmsg_new();

    ck_assert_int_eq(tm_msg_append(out, msg), TM_OK);
    ck_assert_int_eq(zmsg_send(&out, socket), 0);
}

static void
send_hello(zsock_t *socket)
{
    tm_msg_t hello = {.type = TM_MSG_HELLO,
                      .hello = {.worker = {{9}}, .actor = S("bad"), .queues = S("bad.queue")}};

    send_one(socket, &hello);
}

static void
send_bad(zsock_t *socket, const struct message *row)
{
    zmsg_t *out = zmsg_new();
    struct bytes body = {0};
    tm_msg_t msg = row->msg;

    if (row->make) {
        row->make(out);
    } else if (row->msg.type) {
        bytes_repeat(&body, "x", row->body_size);
        if (row->body_size)
            msg.body = (tm_str_t){body.data, body.size};
        ck_assert_int_eq(tm_msg_append(out, &msg), TM_OK);
    } else {
        zmsg_addmem(out, row->raw, row->raw_size);
        if (!row->has_no_body)
            zmsg_addmem(out, NULL, 0);
    }
    ck_assert_int_eq(zmsg_send(&out, socket), 0);
    bytes_fini(&body);
}

struct heard {
    bool has_pong, has_answer;
    char code[80], other[200]; /* the last that was not expected */
};

static tm_str_t
code_of(const tm_msg_t *msg)
{
    if (msg->type == TM_MSG_REJECTED)
        return msg->rejected.code;
    if (msg->type == TM_MSG_DROP)
        return msg->drop.code;
    return msg->type == TM_MSG_RESULT ? msg->result.code : tm_str("");
}

static bool
is_expected_beside(const struct message *row, tm_msg_type_t type)
{
    return type == TM_MSG_PONG || (row->says_hello && type == TM_MSG_WELCOME) ||
           (row->answer == TM_MSG_RESULT && type == TM_MSG_ACCEPTED);
}

static void
hear(const struct message *row, zmsg_t *message, struct heard *heard)
{
    tm_pairs_t pairs = tm_pairs(message);
    tm_msg_t msg;

    while (tm_pairs_next(&pairs, &msg)) {
        bool is_right = tm_str_is(code_of(&msg), row->code ? row->code : "");

        if (msg.type == row->answer && is_right)
            heard->has_answer = true;
        else if (!is_expected_beside(row, msg.type))
            tm_msg_print(&msg, heard->other, sizeof(heard->other));
        heard->has_pong |= msg.type == TM_MSG_PONG;
    }
}

static const char *
message_fault(const struct message *row)
{
    static char text[300];
    tm_msg_t ping = {.type = TM_MSG_PING};
    struct heard heard = {.has_answer = row->answer == TM_MSG_NONE};
    int64_t end_ms = clock_ms() + PATIENCE_MS;
    zsock_t *socket = zsock_new_dealer(bad_system_broker());

    zsock_set_linger(socket, 0);
    zsock_set_rcvtimeo(socket, PING_AGAIN_MS);
    if (row->says_hello)
        send_hello(socket);
    send_bad(socket, row);
    send_one(socket, &ping);
    while (!(heard.has_pong && heard.has_answer) && !heard.other[0] && clock_ms() < end_ms) {
        zmsg_t *message = zmsg_recv(socket);

        if (message)
            hear(row, message, &heard);
        else
            send_one(socket, &ping); /* the first may have been lost with its connection */
        zmsg_destroy(&message);
    }
    zsock_destroy(&socket);
    snprintf(text, sizeof(text), "%s, %s, heard %s",
             heard.has_answer ? "answered" : "no answer", heard.has_pong ? "alive" : "no PONG",
             heard.other[0] ? heard.other : "nothing else");
    return heard.has_pong && heard.has_answer && !heard.other[0] ? NULL : text;
}

/* --- bytes that are no messages ----------------------------------------------------------- */

static const struct {
    const char *name, *bytes;
    size_t size;
} streams[] = {
#define B(name, bytes)                 \
    {                                  \
        name, bytes, sizeof(bytes) - 1 \
    }
    B("nothing, to the broker's socket", ""),
    B("a request of HTTP, to the broker's socket", "GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
    B("random bytes, to the broker's socket",
      "\x16\x03\x01\x02\xff\x00\x01\x00\x01\xfc\x03\x03"),
    B("half a greeting of ZMTP", "\xff\x00\x00\x00\x00\x00\x00\x00\x01\x7f\x03"),
    B("a greeting of ZMTP, and a frame of 2^63 bytes",
      "\xff\x00\x00\x00\x00\x00\x00\x00\x01\x7f\x03\x00NULL\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
      "\0\0"
      "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
      "\x02\x7f\xff\xff\xff\xff\xff\xff\xff"),
    B("ZMTP of 1.0, and a frame of 2^63 bytes", "\xff\x7f\xff\xff\xff\xff\xff\xff\xff\x00"),
#undef B
};

static void
run_stream(size_t at)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    snprintf(to.sun_path, sizeof(to.sun_path), "%s", bad_system_broker() + strlen("ipc://"));
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
    ck_assert_int_eq(send(fd, streams[at].bytes, streams[at].size, MSG_NOSIGNAL),
                     (ssize_t)streams[at].size);
    bad_case(streams[at].name, LEAVES_NOTHING, NULL); /* while it is connected */
    close(fd);
}

void
bad_broker_run(void)
{
    for (size_t i = 0; i < sizeof(messages) / sizeof(messages[0]); i++)
        bad_case(messages[i].name, LEAVES_NOTHING, message_fault(&messages[i]));
    for (size_t i = 0; i < sizeof(streams) / sizeof(streams[0]); i++)
        run_stream(i);
}
