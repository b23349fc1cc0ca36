/* Requests that are wrong before any form is read: what they ask for, how, and with which
 * headers. */
#include "tests/canary/bad_input.h"

#include <stdio.h>
#include <string.h>

#define ID                  "8fd7589a-97c6-49bf-a65e-357fb063fe33"

#define HOST                "Host: x\r\nConnection: close\r\n"
#define ASK(what, headers)  what " HTTP/1.1\r\n" HOST headers "\r\n"
#define GET(target)         ASK("GET " target, "")
#define KEPT(what, headers) what " HTTP/1.1\r\nHost: x\r\n" headers "\r\n"
#define FORM                "Content-Type: multipart/form-data; boundary=edge\r\n"
#define POST(headers)       ASK("POST /backtests/tune", headers)
#define PART(name)          "--edge\r\nContent-Disposition: form-data; name=\"" name "\"\r\n\r\n"
#define KEYED(key)          POST(FORM "Content-Length: 0\r\nX-Idempotency-Key: " key "\r\n")
#define LENGTH(value)       POST(FORM "Content-Length: " value "\r\n")

/* Answers */
#define NOT_FOUND .status = 404, .code = "NOT_FOUND"
#define INVALID   .status = 422, .code = "VALIDATION_FAILED"

struct request {
    const char *name;
    const char *text;
    size_t size; /* of the text; 0: it is terminated */
    void (*make)(struct bytes *out);
    bool then_leave;  /* the client has gone before any answer */
    int status;       /* 0: closed without an answer */
    const char *code; /* "": the library's own page, or no problem at all */
    const char *also;
};

/* --- those that are made ------------------------------------------------------------------ */

static void
thousand_headers(struct bytes *out)
{
    bytes_text(out, "GET /health HTTP/1.1\r\n" HOST);
    bytes_repeat(out, "X-A: b\r\n", 1000);
    bytes_text(out, "\r\n");
}

static void
long_header(struct bytes *out)
{
    bytes_text(out, "GET /health HTTP/1.1\r\n" HOST "X-A: ");
    bytes_repeat(out, "a", 65536);
    bytes_text(out, "\r\n\r\n");
}

static void
long_target(struct bytes *out)
{
    bytes_text(out, "GET /");
    bytes_repeat(out, "a", 65536);
    bytes_text(out, " HTTP/1.1\r\n" HOST "\r\n");
}

static void
many_arguments(struct bytes *out)
{
    bytes_text(out, "GET /backtests/tunes?a=b");
    bytes_repeat(out, "&limit=1", 1000);
    bytes_text(out, " HTTP/1.1\r\n" HOST "\r\n");
}

static void
long_id(struct bytes *out)
{
    bytes_text(out, "GET /backtests/tunes/");
    bytes_repeat(out, "0", 10000);
    bytes_text(out, " HTTP/1.1\r\n" HOST "\r\n");
}

static void
garbage(struct bytes *out)
{
    uint64_t state = 1;

    for (size_t i = 0; i < 100000; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        bytes_add(out, (char[]){(char)(state >> 56)}, 1);
    }
}

static void
stray_body(struct bytes *out)
{
    bytes_text(out, "GET /health HTTP/1.1\r\n" HOST "Content-Length: 1000000\r\n\r\n");
    bytes_repeat(out, "x", 1000000);
}

static void
key_of_201(struct bytes *out)
{
    bytes_text(out, "POST /backtests/tune HTTP/1.1\r\n" HOST FORM "X-Idempotency-Key: ");
    bytes_repeat(out, "k", 201);
    bytes_text(out, "\r\nContent-Length: 0\r\n\r\n");
}

/* --- the table ---------------------------------------------------------------------------- */

static const struct request requests[] = {
    /* where to */
    {.name = "no such path", .text = GET("/nowhere"), NOT_FOUND},
    {.name = "a path of nothing", .text = GET("/nothing"), NOT_FOUND},
    {.name = "a path that climbs",
     .text = GET("/strategies/../../../../etc/passwd"),
     NOT_FOUND},
    {.name = "a path that climbs, encoded",
     .text = GET("/strategies/..%2f..%2f..%2fetc%2fpasswd"),
     NOT_FOUND},
    {.name = "a path that ends in an encoded NUL", .text = GET("/health%00"), NOT_FOUND},
    {.name = "a path that is not UTF-8", .text = GET("/\xff\xfe"), NOT_FOUND},
    {.name = "a path of 64 KiB", .make = long_target, .status = 414, .code = ""},
    {.name = "a doubled slash", .text = GET("//health"), NOT_FOUND},
    /* how */
    {.name = "GET where POST is taken",
     .text = GET("/backtests/tune"),
     .status = 405,
     .code = "METHOD_NOT_ALLOWED",
     .also = "\r\nAllow: POST\r\n"},
    {.name = "DELETE where GET is taken",
     .text = ASK("DELETE /health", ""),
     .status = 405,
     .code = "METHOD_NOT_ALLOWED",
     .also = "\r\nAllow: GET, HEAD\r\n"},
    {.name = "PUT of a strategy",
     .text = ASK("PUT /strategies/" ID, "Content-Length: 2\r\n") "{}",
     .status = 405,
     .code = "METHOD_NOT_ALLOWED",
     .also = "\r\nAllow: GET, HEAD\r\n"},
    {.name = "a method nobody knows",
     .text = ASK("BREW /backtests/tunes", ""),
     .status = 405,
     .code = "METHOD_NOT_ALLOWED",
     .also = "\r\nAllow: GET, HEAD\r\n"},
    {.name = "a method in lower case",
     .text = ASK("get /health", ""),
     .status = 405,
     .code = "METHOD_NOT_ALLOWED"},
    /* queries */
    {.name = "limit -1",
     .text = GET("/backtests/tunes?limit=-1"),
     INVALID,
     .also = "query.limit"},
    {.name = "limit 0", .text = GET("/backtests/tunes?limit=0"), INVALID},
    {.name = "limit 10^9", .text = GET("/backtests/tunes?limit=1000000000"), INVALID},
    {.name = "limit that is no number", .text = GET("/strategies?limit=1e1"), INVALID},
    {.name = "limit that is empty", .text = GET("/strategies?limit="), INVALID},
    {.name = "limit without a value", .text = GET("/strategies?limit"), INVALID},
    {.name = "limit with an encoded NUL", .text = GET("/strategies?limit=1%00"), INVALID},
    {.name = "offset -1",
     .text = GET("/backtests/leaderboard?offset=-1"),
     INVALID,
     .also = "query.offset"},
    {.name = "offset over 64 bits",
     .text = GET("/backtests/tunes?offset=99999999999999999999999"),
     INVALID},
    {.name = "offset over 32 bits", .text = GET("/backtests/tunes?offset=2147483648"), INVALID},
    {.name = "the largest offset", /* is fine, and finds nothing */
     .text = GET("/backtests/tunes?offset=2147483647"),
     .status = 200,
     .code = "",
     .also = "\"items\" : []"},
    {.name = "limit twice", .text = GET("/strategies?limit=1&limit=2"), INVALID},
    {.name = "limit a thousand times", .make = many_arguments, .code = ""},
    {.name = "a parameter nobody knows",
     .text = GET("/strategies?drop=table"),
     .status = 422,
     .code = "UNKNOWN_FIELD",
     .also = "query.drop"},
    {.name = "a target with blanks",
     .text = GET("/backtests/tunes?status=' OR 1=1 --"),
     .code = ""},
    {.name = "a status that is SQL",
     .text = GET("/backtests/tunes?status='%20OR%201=1%20--"),
     INVALID},
    {.name = "a flag that is none", .text = GET("/backtests/tunes?valid_only=maybe"), INVALID},
    {.name = "a format nobody knows",
     .text = GET("/backtests/leaderboard?format=xlsx"),
     INVALID},
    {.name = "a tune that is not there",
     .text = GET("/backtests/tunes/" ID),
     .status = 404,
     .code = "TUNE_NOT_FOUND"},
    {.name = "trials of a tune that is not there",
     .text = GET("/backtests/tunes/" ID "/runs"),
     .status = 404,
     .code = "TUNE_NOT_FOUND"},
    {.name = "a strategy that is not there",
     .text = GET("/strategies/00000000-0000-0000-0000-0000000000ff"),
     .status = 404,
     .code = "STRATEGY_NOT_FOUND"},
    {.name = "an id of 10,000 digits", .make = long_id, INVALID, .also = "path.id"},
    {.name = "a workspace that is not there",
     .text = GET("/backtests/tunes?workspace_id=" ID),
     .status = 404,
     .code = "WORKSPACE_NOT_FOUND"},
    {.name = "two workspaces",
     .text = ASK("GET /backtests/tunes?workspace_id=" ID,
                 "X-Workspace-Id: 00000000-0000-0000-0000-000000000001\r\n"),
     .status = 400,
     .code = "WORKSPACE_MISMATCH"},
    {.name = "a workspace header that is SQL",
     .text = ASK("GET /backtests/tunes", "X-Workspace-Id: ' OR 1=1 --\r\n"),
     INVALID,
     .also = "header.X-Workspace-Id"},
    /* headers */
    {.name = "1000 headers", .make = thousand_headers, .status = 431, .code = ""},
    {.name = "a header of 64 KiB", .make = long_header, .status = 431, .code = ""},
    {.name = "a request id that is none", /* is replaced */
     .text = ASK("GET /health", "X-Request-Id: <script>\r\n"),
     .status = 200,
     .code = ""},
    {.name = "a trace that is none", /* starts a new one */
     .text = ASK("GET /health", "traceparent: 00-xyz\r\n"),
     .status = 200,
     .code = ""},
    {.name = "a header without a colon",
     .text = ASK("GET /health", "nonsense\r\n"),
     .status = 400,
     .code = ""},
    {.name = "another server's address", .text = GET("http://elsewhere/health"), NOT_FOUND},
    {.name = "a tunnel", .text = ASK("CONNECT x:443", ""), NOT_FOUND},
    {.name = "no host", .text = "GET /health HTTP/1.1\r\n\r\n", .status = 400, .code = ""},
    {.name = "a version nobody knows",
     .text = "GET /health HTTP/9.9\r\n" HOST "\r\n",
     .status = 505,
     .code = ""},
    /* bytes that are no request */
    {.name = "100,000 random bytes", .make = garbage, .code = ""},
    {.name = "a TLS greeting",
     .text = "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
     .size = 11,
     .code = ""},
    {.name = "a NUL in the path", /* ends it for the library; nothing of ours is behind it */
     .text = "GET /nowhere\0/health HTTP/1.1\r\n" HOST "\r\n",
     .size = sizeof("GET /nowhere\0/health HTTP/1.1\r\n" HOST "\r\n") - 1,
     NOT_FOUND},
    {.name = "a NUL in a header", /* ends it likewise */
     .text = "GET /health HTTP/1.1\r\n" HOST "X-Request-Id: b\0c\r\n\r\n",
     .size = sizeof("GET /health HTTP/1.1\r\n" HOST "X-Request-Id: b\0c\r\n\r\n") - 1,
     .status = 200,
     .code = "",
     .also = "\r\nX-Request-Id: b\r\n"},
    {.name = "only line ends", .text = "\r\n\r\n\r\n\r\n", .then_leave = true, .code = ""},
    {.name = "half a request line", .text = "GET /hea", .then_leave = true, .code = ""},
    {.name = "half a header",
     .text = "GET /health HTTP/1.1\r\nHost: x\r\nX-A",
     .then_leave = true,
     .code = ""},
    {.name = "half a header, and silence", /* until the idle time-out */
     .text = "GET /health HTTP/1.1\r\nHost: x\r\nX-A",
     .code = ""},
    {.name = "nothing at all", .text = "", .then_leave = true, .code = ""},
    /* bodies, by their headers */
    {.name = "10 GB are announced",
     .text = LENGTH("10737418240"),
     .status = 413,
     .code = "FILE_TOO_LARGE"},
    {.name = "10 GB are announced, and leave is asked to send them",
     .text = POST(FORM "Content-Length: 10737418240\r\nExpect: 100-continue\r\n"),
     .status = 413,
     .code = "FILE_TOO_LARGE"},
    {.name = "10^18 bytes are announced",
     .text = LENGTH("1000000000000000000"),
     .status = 413,
     .code = "FILE_TOO_LARGE"},
    {.name = "10^30 bytes are announced",
     .text = LENGTH("1000000000000000000000000000000"),
     .status = 413,
     .code = ""},
    {.name = "-1 bytes are announced", .text = LENGTH("-1"), .status = 400, .code = ""},
    {.name = "some bytes are announced", .text = LENGTH("some"), .status = 400, .code = ""},
    {.name = "more is announced than comes",
     .text = LENGTH("900") "--edge\r\n",
     .then_leave = true,
     .code = ""},
    {.name = "more is announced than comes, and silence",
     .text = LENGTH("900") "--edge\r\n",
     .code = ""},
    {.name = "a chunked body without an end",
     .text = POST(FORM "Transfer-Encoding: chunked\r\n") "8\r\n--edge\r\n\r\n",
     .then_leave = true,
     .code = ""},
    {.name = "a chunk of 2^64 bytes",
     .text = POST(FORM "Transfer-Encoding: chunked\r\n") "10000000000000000\r\n--edge",
     .status = 413,
     .code = ""},
    {.name = "a chunk of x bytes",
     .text = POST(FORM "Transfer-Encoding: chunked\r\n") "x\r\n--edge",
     .status = 400,
     .code = ""},
    {.name = "two lengths, and a request between them",
     .text = KEPT("POST /health", "Content-Length: 0\r\nContent-Length: 50\r\n") GET("/ready"),
     .status = 400,
     .code = "BAD_REQUEST"},
    {.name = "a length and chunks, and a request behind them",
     .text =
         KEPT("POST /nowhere",
              "Content-Length: 60\r\nTransfer-Encoding: chunked\r\n") "0\r\n\r\n" GET("/ready"),
     .status = 400,
     .code = "BAD_REQUEST"},
    {.name = "a transfer encoding nobody knows",
     .text = KEPT("GET /health", "Transfer-Encoding: gzip\r\n") "x",
     .code = ""},
    {.name = "a length with a sign", .text = LENGTH("+4") "abcd", .status = 400, .code = ""},
    {.name = "a megabyte with GET", .make = stray_body, .code = ""},
    {.name = "no body", .text = POST(FORM), INVALID, .also = "body.file"},
    {.name = "an empty body", .text = LENGTH("0"), INVALID, .also = "body.strategy_entity_id"},
    {.name = "a body of JSON",
     .text = POST("Content-Type: application/json\r\nContent-Length: 2\r\n") "{}",
     .status = 415,
     .code = "UNSUPPORTED_MEDIA_TYPE",
     .also = "\r\nAccept-Post: multipart/form-data\r\n"},
    {.name = "a body of no type",
     .text = POST("Content-Length: 2\r\n") "{}",
     .status = 415,
     .code = "UNSUPPORTED_MEDIA_TYPE"},
    {.name = "no boundary",
     .text = POST("Content-Type: multipart/form-data\r\nContent-Length: 8\r\n") "--edge\r\n",
     .status = 415,
     .code = "UNSUPPORTED_MEDIA_TYPE"},
    {.name = "an empty boundary",
     .text = POST(
         "Content-Type: multipart/form-data; boundary=\r\nContent-Length: 8\r\n") "--edge\r\n",
     .status = 415,
     .code = "UNSUPPORTED_MEDIA_TYPE"},
    {.name = "another boundary",
     .text = POST(
         "Content-Type: multipart/form-data; boundary=brink\r\nContent-Length: 12\r\n") "--"
                                                                                        "edge\r"
                                                                                        "\n\r\n"
                                                                                        "\r\n",
     .status = 400,
     .code = "BAD_REQUEST"},
    {.name = "a body that is no form",
     .text = LENGTH("12") "abcdefghijkl",
     .status = 400,
     .code = "BAD_REQUEST"},
    {.name = "a form that ends within a part",
     .text = LENGTH("56") PART("seed") "12",
     .status = 400,
     .code = "BAD_REQUEST"},
    /* idempotency keys */
    {.name = "a key of 201 characters",
     .make = key_of_201,
     .status = 422,
     .code = "IDEMPOTENCY_KEY_TOO_LONG"},
    {.name = "an empty key", .text = KEYED(""), INVALID, .also = "header.X-Idempotency-Key"},
    {.name = "an empty key in quotes", .text = KEYED("\"\""), INVALID},
    {.name = "a key with a control character", .text = KEYED("a\x01z"), INVALID},
    {.name = "a key that is not ASCII", .text = KEYED("sch\xc3\xb6n"), INVALID},
    {.name = "a key whose quote does not end", .text = KEYED("\"abc"), INVALID},
    {.name = "two keys",
     .text = KEYED("a\r\nIdempotency-Key: b"),
     .status = 400,
     .code = "BAD_REQUEST",
     .also = "header.Idempotency-Key"},
};

static void
run_request(const struct request *row)
{
    struct bytes bytes = {0};
    struct answer answer;

    if (row->make)
        row->make(&bytes);
    else
        bytes_add(&bytes, row->text, row->size ? row->size : strlen(row->text));
    bad_exchange(&bytes, row->then_leave, &answer);
    bad_case(row->name, LEAVES_NOTHING,
             answer_fault(&answer, row->status, row->code, row->also));
    answer_fini(&answer);
    bytes_fini(&bytes);
}

/* --- every id a path or a query takes, in every wrong form -------------------------------- */

static const struct {
    const char *before, *after, *where;
} places[] = {
    {"/backtests/tunes/", "", "path.id"},
    {"/backtests/tunes/", "/runs", "path.id"},
    {"/strategies/", "", "path.id"},
    {"/backtests/tunes?workspace_id=", "", "query.workspace_id"},
    {"/backtests/leaderboard?strategy_entity_id=", "", "query.strategy_entity_id"},
};

static const char *const wrong_ids[] = {
    "8fd7589a-97c6-49bf-a65e-357fb063fe3",
    ID "0",
    "zzzzzzzz-zzzz-zzzz-zzzz-zzzzzzzzzzzz",
    "'%20OR%201=1;--",
    ID "%00",
    ID "%00'",
    "%7B" ID "%7D",
    "%ff%fe",
};

static void
run_id(size_t place, const char *id)
{
    char name[240], text[400];
    struct request row = {.name = name, .text = text, INVALID, .also = places[place].where};

    snprintf(name, sizeof(name), "GET %s%s%s", places[place].before, id, places[place].after);
    snprintf(text, sizeof(text), "%s HTTP/1.1\r\n" HOST "\r\n", name);
    run_request(&row);
}

/* Uploads that are given up hold none of the places for uploads; there are 32. */
static void
run_given_up(void)
{
    struct bytes bytes = {0}, good = {0};
    struct answer answer;

    bytes_text(&bytes, LENGTH("900") "--edge\r\n");
    bytes_text(&good, POST(FORM));
    for (size_t i = 0; i < 40; i++) {
        bad_exchange(&bytes, true, &answer);
        answer_fini(&answer);
    }
    bad_exchange(&good, false, &answer);
    while (answer.status == 503) { /* the test's own time-out is the limit */
        answer_fini(&answer);
        bad_exchange(&good, false, &answer);
    }
    bad_case("forty uploads that are given up", LEAVES_NOTHING,
             answer_fault(&answer, 422, "VALIDATION_FAILED", "body.file"));
    answer_fini(&answer);
    bytes_fini(&good);
    bytes_fini(&bytes);
}

void
bad_http_run(void)
{
    for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++)
        run_request(&requests[i]);
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
        for (size_t k = 0; k < sizeof(wrong_ids) / sizeof(wrong_ids[0]); k++)
            run_id(i, wrong_ids[k]);
    run_given_up();
}
