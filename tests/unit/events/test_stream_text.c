/* The text of event streams: what is written is read as what was meant, by the rules that
 * browsers read by, and what cannot be is not written. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "actors/http/stream/ring.h"
#include "actors/http/stream/stream_text.h"
#include "tests/support/event_reader.h"
#include "tests/support/suite.h"

struct seen {
    size_t count;
    char id[64], type[64], data[256];
};

static void
see(void *arg, const char *id, const char *type, const char *data)
{
    struct seen *self = arg;

    self->count++;
    snprintf(self->id, sizeof(self->id), "%s", id);
    snprintf(self->type, sizeof(self->type), "%s", type);
    snprintf(self->data, sizeof(self->data), "%s", data);
}

/* Read whole, and a byte at a time. */
static void
read_back(const struct stream_text *text, struct seen *ret, bool by_byte)
{
    struct event_reader reader;

    memset(ret, 0, sizeof(*ret));
    event_reader_init(&reader, ret, see);
    for (size_t i = 0; by_byte && i < text->size; i++)
        event_reader_feed(&reader, text->data + i, 1);
    if (!by_byte)
        event_reader_feed(&reader, text->data, text->size);
    event_reader_fini(&reader);
}

static const struct {
    const char *name, *id, *event, *data;
    const char *read; /* NULL: nothing may be written */
} cases[] = {
    {"one line", "7", "a.b", "{\"x\":1}", "{\"x\":1}"},
    {"empty data is an event", "7", "a.b", "", ""},
    {"LF", "7", "a.b", "one\ntwo", "one\ntwo"},
    {"CR", "7", "a.b", "one\rtwo", "one\ntwo"},
    {"CRLF is one end", "7", "a.b", "one\r\ntwo", "one\ntwo"},
    {"LF CR are two", "7", "a.b", "one\n\rtwo", "one\n\ntwo"},
    {"an end at the end", "7", "a.b", "one\n", "one\n"},
    {"an end at the beginning", "7", "a.b", "\none", "\none"},
    {"only ends", "7", "a.b", "\n\n", "\n\n"},
    {"a blank line does not dispatch", "7", "a.b", "one\n\nid: 9\n\ntwo",
     "one\n\nid: 9\n\ntwo"},
    {"a field in the data", "7", "a.b", "event: evil", "event: evil"},
    {"a leading space stays", "7", "a.b", " one", " one"},
    {"a leading colon", "7", "a.b", ": one", ": one"},
    {"a byte order mark in the data", "7", "a.b", "\xef\xbb\xbfone", "\xef\xbb\xbfone"},
    {"no id", NULL, "a.b", "one", "one"},
    {"no name", "7", NULL, "one", "one"},
    {"LF in the id", "7\nevent: evil", "a.b", "one", NULL},
    {"CR in the id", "7\r", "a.b", "one", NULL},
    {"an empty id would be forgotten", "", "a.b", "one", NULL},
    {"LF in the name", "7", "a.b\ndata: evil", "one", NULL},
    {"CR in the name", "7", "a\rb", "one", NULL},
    {"an empty name", "7", "", "one", NULL},
};

START_TEST(an_event_is_read_as_it_was_meant)
{
    struct stream_text text = {NULL, 0, 0};
    bool is_written = stream_text_event(&text, cases[_i].id, cases[_i].event, cases[_i].data,
                                        strlen(cases[_i].data));
    struct seen seen;

    ck_assert_msg(is_written == (cases[_i].read != NULL), "%s", cases[_i].name);
    for (int by_byte = 0; by_byte < 2; by_byte++) {
        read_back(&text, &seen, by_byte);
        ck_assert_msg(seen.count == (cases[_i].read ? 1 : 0), "%s: %zu events", cases[_i].name,
                      seen.count);
        if (!cases[_i].read)
            continue;
        ck_assert_str_eq(seen.data, cases[_i].read);
        ck_assert_str_eq(seen.id, cases[_i].id ? cases[_i].id : "");
        ck_assert_str_eq(seen.type, cases[_i].event ? cases[_i].event : "message");
    }
    free(text.data);
}
END_TEST

START_TEST(comments_and_retry_are_no_events)
{
    struct stream_text text = {NULL, 0, 0};
    struct event_reader reader;
    struct seen seen = {0};

    stream_text_comment(&text, "connected\ndata: evil\n\n");
    stream_text_retry(&text, 3000);
    event_reader_init(&reader, &seen, see);
    event_reader_feed(&reader, text.data, text.size);
    ck_assert_uint_eq(seen.count, 0);
    ck_assert_uint_eq(reader.comments, 1);
    ck_assert_int_eq(reader.retry_ms, 3000);
    event_reader_fini(&reader);
    free(text.data);
}
END_TEST

START_TEST(an_id_from_a_client_is_digits)
{
    static const char *const wrong[] = {"",    "-1",  "1 ",  " 1",
                                        "1.5", "0x1", "abc", "1234567890123456789"};
    long long id;

    ck_assert(stream_id_parse("0", &id) && id == 0);
    ck_assert(stream_id_parse("999999999999999999", &id) && id == 999999999999999999);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        ck_assert_msg(!stream_id_parse(wrong[i], &id), "\"%s\"", wrong[i]);
}
END_TEST

/* --- the ring ----------------------------------------------------------------------------- */

static const struct ring_filter mine = {.workspace = {{[15] = 1}}, .topics = TOPICS_ALL};

static void
add(ring_t *ring, int64_t id, uint8_t workspace, const char *text)
{
    struct bus_event event = {
        .id = id, .topic = "backtest.tune.started", .text = text, .workspace = {{0}}};

    event.workspace.bytes[15] = workspace;
    ring_add(ring, &event);
}

/* All that the filter lets through from the place on, as one text. */
static char *
take_all(const ring_t *ring, const struct ring_filter *filter, uint64_t place)
{
    struct ring_slice slice;
    char *all = calloc(1, 1 << 20);
    size_t size = 0;

    do {
        ring_slice(ring, filter, place, 0, &slice);
        for (int i = 0; i < slice.count; i++) {
            memcpy(all + size, slice.pieces[i].iov_base, slice.pieces[i].iov_len);
            size += slice.pieces[i].iov_len;
        }
        place = slice.end;
    } while (slice.size > 0);
    ck_assert_uint_eq(place, ring_head(ring));
    return all;
}

static void
count_event(void *arg, const char *id, const char *type, const char *data)
{
    int64_t *last = arg;

    (void)type;
    (void)data;
    ck_assert_int_eq(strtoll(id, NULL, 10), *last + 1);
    *last = strtoll(id, NULL, 10);
}

START_TEST(the_ring_keeps_the_newest_within_its_events_and_bytes)
{
    ring_t *ring = ring_new(16, 4096);
    char body[700];
    uint64_t place;

    ring_clear(ring, 0);
    for (int64_t id = 1; id <= 1000; id++) {
        struct event_reader reader;
        int64_t first, last;
        size_t size = (size_t)(id * 37 % 600);
        char *all;

        memset(body, 'x', sizeof(body));
        body[size] = '\0';
        add(ring, id, 1, body);
        ck_assert_uint_le(ring_count(ring), 16);
        ck_assert_uint_ge(ring_count(ring), 1);
        ck_assert_int_eq(ring_last(ring), id);
        first = id - (int64_t)ring_count(ring);
        last = first;
        all = take_all(ring, &mine, ring_tail(ring));
        event_reader_init(&reader, &last, count_event);
        event_reader_feed(&reader, all, strlen(all));
        ck_assert_int_eq(last, id); /* all of them, whole and in order */
        event_reader_fini(&reader);
        free(all);
        ck_assert(ring_find(ring, first, &place) && place == ring_tail(ring));
        ck_assert(ring_find(ring, id, &place) && place == ring_head(ring));
        ck_assert(!ring_find(ring, first - 1, &place));
        ck_assert(!ring_find(ring, id + 1, &place));
    }
    ring_destroy(&ring);
}
END_TEST

START_TEST(an_event_larger_than_the_ring_leaves_a_gap_that_is_noticed)
{
    ring_t *ring = ring_new(16, 256);
    char body[1000];
    uint64_t before, place;

    memset(body, 'x', sizeof(body) - 1);
    body[sizeof(body) - 1] = '\0';
    ring_clear(ring, 0);
    add(ring, 1, 1, "a");
    before = ring_head(ring);
    add(ring, 2, 1, body);
    ck_assert_uint_gt(ring_tail(ring), before); /* whoever waited there is too slow */
    ck_assert(!ring_find(ring, 1, &place));
    ck_assert(ring_find(ring, 2, &place) && place == ring_head(ring));
    add(ring, 3, 1, "b");
    ck_assert(ring_find(ring, 2, &place) && place == ring_tail(ring));
    ring_destroy(&ring);
}
END_TEST

START_TEST(a_filter_lets_one_workspace_and_its_topics_through)
{
    struct ring_filter none = {.workspace = mine.workspace,
                               .topics = topics_of(TOPIC_WEAK_RUN_CREATED)};
    ring_t *ring = ring_new(64, 65536);
    struct ring_slice slice;
    char *all;

    ring_clear(ring, 0);
    for (int64_t id = 1; id <= 40; id++)
        add(ring, id, id % 4 == 0 ? 1 : 2, id % 4 == 0 ? "mine" : "other");
    all = take_all(ring, &mine, ring_tail(ring));
    ck_assert_ptr_nonnull(strstr(all, "id: 4\n"));
    ck_assert_ptr_nonnull(strstr(all, "id: 40\n"));
    ck_assert_ptr_null(strstr(all, "other"));
    ring_slice(ring, &none, ring_tail(ring), 0, &slice);
    ck_assert_uint_eq(slice.size, 0);
    ck_assert_uint_eq(slice.end, ring_head(ring));
    free(all);
    ring_destroy(&ring);
}
END_TEST

/* The kernel takes some bytes of a slice: the rest follows from there, to the last byte. */
START_TEST(what_was_sent_in_part_goes_on_where_it_stopped)
{
    ring_t *ring = ring_new(64, 65536);
    char *all, got[16384];

    ring_clear(ring, 0);
    for (int64_t id = 1; id <= 30; id++)
        add(ring, id, (uint8_t)(1 + (id % 3 == 0)), "some text of an event");
    all = take_all(ring, &mine, ring_tail(ring));
    for (size_t step = 1; step < 200; step += 7) {
        uint64_t place = ring_tail(ring);
        size_t skip = 0, size = 0;
        struct ring_slice slice;

        for (;;) {
            size_t sent = 0;

            ring_slice(ring, &mine, place, skip, &slice);
            if (slice.size == 0)
                break;
            for (int i = 0; i < slice.count && sent < step; i++) {
                size_t part = slice.pieces[i].iov_len < step - sent ? slice.pieces[i].iov_len
                                                                    : step - sent;
                memcpy(got + size, slice.pieces[i].iov_base, part);
                size += part;
                sent += part;
            }
            ring_advance(ring, &mine, sent, &place, &skip);
        }
        ck_assert_uint_eq(size, strlen(all));
        ck_assert_mem_eq(got, all, size);
    }
    free(all);
    ring_destroy(&ring);
}
END_TEST

START_TEST(topics_are_named_alone_or_by_category)
{
    topics_t topics;
    tm_str_t wrong;

    ck_assert(topics_parse(NULL, &topics, &wrong) && topics == TOPICS_ALL);
    ck_assert(topics_parse("", &topics, &wrong) && topics == TOPICS_ALL);
    ck_assert(topics_parse("coverage", &topics, &wrong));
    ck_assert_uint_eq(topics,
                      topics_of(TOPIC_WEAK_RUN_CREATED) | topics_of(TOPIC_WEAK_RUN_UPDATED));
    ck_assert(topics_parse("coverage,backtest.tune.failed", &topics, &wrong));
    ck_assert(topics & topics_of(TOPIC_TUNE_FAILED));
    ck_assert(!(topics & topics_of(TOPIC_TUNE_STARTED)));
    ck_assert(!topics_parse("coverage,nothing", &topics, &wrong));
    ck_assert(tm_str_is(wrong, "nothing"));
    ck_assert(!topics_parse("coverage,", &topics, &wrong));
    ck_assert(!topics_parse("backtest", &topics, &wrong));
    ck_assert_uint_eq(topic_find("backtest.tune.progress"), TOPIC_TUNE_PROGRESS);
    ck_assert_uint_eq(topic_find("custom.thing"), TOPIC_OTHER);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("stream_text");
    TCase *text = suite_case(suite, "text", NULL, NULL),
          *ring = suite_case(suite, "ring", NULL, NULL);

    suite_rows(text, an_event_is_read_as_it_was_meant, cases);
    suite_tests(text, comments_and_retry_are_no_events, an_id_from_a_client_is_digits,
                topics_are_named_alone_or_by_category);
    suite_tests(ring, the_ring_keeps_the_newest_within_its_events_and_bytes,
                an_event_larger_than_the_ring_leaves_a_gap_that_is_noticed,
                a_filter_lets_one_workspace_and_its_topics_through,
                what_was_sent_in_part_goes_on_where_it_stopped);
    return suite_run(suite);
}
