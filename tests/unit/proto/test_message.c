#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "proto/codec/fields.h"
#include "proto/message.h"
#include "tests/support/pairs.h"
#include "tests/support/suite.h"

static char long_text[TM_DETAIL_MAX + 1];

/* A value within the field's limit: the least, or the most. */
static void
fill_field(tm_msg_t *msg, const struct field *field, bool is_most)
{
    void *at = (char *)msg + field->at;
    tm_str_t str = {long_text, is_most ? field->limit : 0};

    *((bool *)msg + field->has_at) = is_most || field->required;
    if (!is_most && !field->required) {
        if (field->kind == KIND_STR || field->kind == KIND_BIN)
            *(tm_str_t *)at = tm_str("");
        return;
    }
    if (field->kind == KIND_U64)
        *(uint64_t *)at = is_most ? field->limit : 0;
    else if (field->kind == KIND_BOOL)
        *(bool *)at = is_most;
    else if (field->kind == KIND_UUID)
        memset(at, is_most ? 0xff : 0, sizeof(tm_uuid_t));
    else
        *(tm_str_t *)at = str;
}

static tm_msg_t
message_of(uint64_t type, bool is_most)
{
    tm_msg_t msg;
    const struct shape *shape = shape_of(type);

    memset(&msg, 0, sizeof msg);
    memset(long_text, 'x', sizeof long_text);
    msg.type = (tm_msg_type_t)type;
    msg.version = TM_PROTOCOL_VERSION;
    msg.body = tm_str("");
    for (size_t i = 0; i < shape->field_count; i++)
        fill_field(&msg, &shape->fields[i], is_most);
    return msg;
}

static size_t
encoded(uint64_t type, bool is_most, uint8_t buffer[TM_HEADER_MAX])
{
    tm_msg_t msg = message_of(type, is_most);
    return tm_msg_encode(&msg, buffer);
}

static bool
is_same_value(const struct field *field, const tm_msg_t *a, const tm_msg_t *b)
{
    const void *x = field_at(a, field), *y = field_at(b, field);

    if (field->kind == KIND_U64)
        return *(const uint64_t *)x == *(const uint64_t *)y;
    if (field->kind == KIND_BOOL)
        return *(const bool *)x == *(const bool *)y;
    if (field->kind == KIND_UUID)
        return tm_uuid_is(x, y);
    const tm_str_t *s = x, *t = y;
    return t->data && s->size == t->size && memcmp(s->data, t->data, s->size) == 0;
}

static void
assert_same(const tm_msg_t *a, const tm_msg_t *b)
{
    const struct shape *shape = shape_of((uint64_t)a->type);

    ck_assert_int_eq(a->type, b->type);
    for (size_t i = 0; i < shape->field_count; i++) {
        const struct field *field = &shape->fields[i];
        ck_assert_msg(is_same_value(field, a, b), "%s.%s", shape->name, field->name);
        ck_assert_msg(field_is_set(a, field) == field_is_set(b, field), "%s.has_%s",
                      shape->name, field->name);
    }
}

START_TEST(every_message_comes_back_as_it_went)
{
    uint8_t buffer[TM_HEADER_MAX];
    int count = 0;

    for (uint64_t type = 1; type < TM_MSG_LIMIT; type++)
        for (int is_most = 0; is_most < 2 && shape_of(type); is_most++) {
            tm_msg_t msg = message_of(type, is_most), back;
            size_t size = tm_msg_encode(&msg, buffer);
            ck_assert_msg(size > 0, "%s does not fit", shape_of(type)->name);
            ck_assert_int_eq(tm_msg_decode(buffer, size, &back, NULL), TM_OK);
            assert_same(&msg, &back);
            count++;
        }
    ck_assert_int_ge(count, 2L * 22);
}
END_TEST

START_TEST(every_value_over_its_limit_is_refused_by_both_sides)
{
    uint8_t buffer[TM_HEADER_MAX];

    for (uint64_t type = 1; type < TM_MSG_LIMIT; type++) {
        const struct shape *shape = shape_of(type);
        for (size_t i = 0; shape && i < shape->field_count; i++) {
            tm_msg_t msg = message_of(type, true);
            void *at = (char *)&msg + shape->fields[i].at;
            if (shape->fields[i].kind == KIND_U64 && shape->fields[i].limit < UINT64_MAX)
                (*(uint64_t *)at)++;
            else if (shape->fields[i].kind == KIND_STR || shape->fields[i].kind == KIND_BIN)
                ((tm_str_t *)at)->size++;
            else
                continue;
            ck_assert_uint_eq(tm_msg_encode(&msg, buffer), 0);
        }
    }
}
END_TEST

START_TEST(every_truncation_is_a_bad_message)
{
    uint8_t buffer[TM_HEADER_MAX];
    tm_msg_t msg;

    for (uint64_t type = 1; type < TM_MSG_LIMIT; type++)
        for (int is_most = 0; is_most < 2 && shape_of(type); is_most++) {
            size_t size = encoded(type, is_most, buffer);
            for (size_t cut = 0; cut < size; cut++) {
                uint8_t *exact = malloc(cut ? cut : 1); /* so that ASan sees a read beyond it */
                const char *what = NULL;
                memcpy(exact, buffer, cut);
                ck_assert_int_eq(tm_msg_decode(exact, cut, &msg, &what), TM_BAD_MESSAGE);
                ck_assert_ptr_nonnull(what);
                free(exact);
            }
        }
}
END_TEST

static void
try_mutations(uint8_t *frame, size_t size, size_t at)
{
    uint8_t original = frame[at];
    uint8_t again[TM_HEADER_MAX];
    tm_msg_t msg;

    for (int value = 0; value < 256; value++) {
        const char *what = NULL;
        frame[at] = (uint8_t)value;
        tm_err_t err = tm_msg_decode(frame, size, &msg, &what);
        ck_assert(err == TM_OK || err == TM_BAD_VERSION || err == TM_UNKNOWN_MESSAGE ||
                  (err == TM_BAD_MESSAGE && what));
        if (err == TM_OK) /* what is taken can be said again */
            ck_assert_uint_gt(tm_msg_encode(&msg, again), 0);
    }
    frame[at] = original;
}

START_TEST(every_changed_byte_is_taken_or_refused)
{
    uint8_t buffer[TM_HEADER_MAX];

    for (uint64_t type = 1; type < TM_MSG_LIMIT; type++)
        for (int is_most = 0; is_most < 2 && shape_of(type); is_most++) {
            size_t size = encoded(type, is_most, buffer);
            uint8_t *exact = malloc(size);
            memcpy(exact, buffer, size);
            for (size_t at = 0; at < size; at += at < 100 ? 1 : 37)
                try_mutations(exact, size, at);
            free(exact);
        }
}
END_TEST

/* PING, with bytes of a test's own after the version and the number. */
#define PING_START 0x00, 0x01, 0x01, 0x32

static const struct {
    const char *what;
    uint8_t frame[24];
    size_t size;
} refused[] = {
    {"map", {0x93, 0, 1, 1}, 4},
    {"too many keys", {0xde, 0x00, 0x41}, 3},
    {"too many keys", {0xdf, 0x03, 0xff, 0xff, 0xff, 0x01}, 6},
    {"missing", {0x82, PING_START}, 5},
    {"seq is of the wrong kind", {0x83, PING_START, 0x02, 0xc3}, 7},
    {"seq is of the wrong kind", {0x83, PING_START, 0x02, 0xff}, 7},
    {"seq is of the wrong kind", {0x83, PING_START, 0x02, 0xd0, 0x01}, 8},
    {"bytes follow", {0x83, PING_START, 0x02, 0x05, 0x00}, 8},
    {"twice", {0x84, PING_START, 0x02, 0x05, 0x02, 0x05}, 9},
    {"twice", {0x83, 0x00, 0x01, 0x00, 0x01, 0x01, 0x32}, 7},
    {"key", {0x83, PING_START, 0xa1, 'x', 0x05}, 8},
    {"key", {0x83, PING_START, 0xcd, 0x01, 0x00, 0x05}, 9},
    {"key", {0x83, PING_START, 0xff, 0x05}, 7},
    {"version", {0x82, 0x01, 0x32, 0x02, 0x05}, 5},
    {"number", {0x82, 0x00, 0x01, 0x02, 0x05}, 5},
    {"cut short", {0x84, PING_START, 0x02, 0x05, 0x09, 0xdd, 0x03, 0xff, 0xff, 0xff, 0x01}, 13},
    {"cut short", {0x84, PING_START, 0x02, 0x05, 0x09, 0xc6, 0xff, 0xff, 0xff, 0xff}, 12},
    {"cut short", {0x84, PING_START, 0x02, 0x05, 0x09, 0xc9, 0xff, 0xff, 0xff, 0xff, 0x01}, 13},
    {"malformed", {0x84, PING_START, 0x02, 0x05, 0x09, 0xc1}, 9},
};

START_TEST(a_malformed_frame_is_refused_with_its_reason)
{
    tm_msg_t msg;
    const char *what = NULL;

    tm_err_t err = tm_msg_decode(refused[_i].frame, refused[_i].size, &msg, &what);
    ck_assert_int_eq(err, TM_BAD_MESSAGE);
    ck_assert_msg(strstr(what, refused[_i].what) != NULL, "row %d says: %s", _i, what);
}
END_TEST

START_TEST(an_unknown_number_is_told_apart_and_its_pair_skipped)
{
    static const uint8_t unknown[] = {0x83, 0x00, 0x01, 0x01, 0xcd, 0xff, 0xff, 0x02, 0x05};
    tm_msg_t msg = {.type = TM_MSG_PING, .ping = {.seq = 7}};
    zmsg_t *zmsg = zmsg_new();
    tm_pairs_t pairs;

    ck_assert_int_eq(tm_msg_decode(unknown, sizeof unknown, &msg, NULL), TM_UNKNOWN_MESSAGE);
    for (int i = 0; i < 2; i++) {
        zmsg_addmem(zmsg, unknown, sizeof unknown);
        zmsg_addmem(zmsg, "body", 4);
    }
    ck_assert_int_eq(tm_msg_append(zmsg, &msg), TM_OK);
    pairs = tm_pairs(zmsg);
    ck_assert(tm_pairs_next(&pairs, &msg));
    ck_assert_uint_eq(msg.ping.seq, 7);
    ck_assert(!tm_pairs_next(&pairs, &msg) && pairs.err == TM_OK);
    zmsg_destroy(&zmsg);
}
END_TEST

START_TEST(an_unknown_key_of_any_kind_is_skipped)
{
    static const struct {
        uint8_t bytes[24];
        size_t size;
    } values[] = {
        {{0xc0}, 1},
        {{0xc3}, 1},
        {{0xe0}, 1},
        {{0xca, 1, 2, 3, 4}, 5},
        {{0xcb, 1, 2, 3, 4, 5, 6, 7, 8}, 9},
        {{0xd3, 1, 2, 3, 4, 5, 6, 7, 8}, 9},
        {{0xd4, 1, 2}, 3},
        {{0xd8, 1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}, 18},
        {{0xc7, 2, 9, 8, 7}, 5},
        {{0xd9, 2, 0xff, 0xff}, 4}, /* what nobody reads need not be text */
        {{0x92, 0x81, 0x01, 0x90, 0xa1, 'x'}, 6},
        {{0xdc, 0, 1, 0xde, 0, 1, 0xc0, 0xdd, 0, 0, 0, 0}, 12},
    };
    uint8_t frame[64] = {0x84, PING_START, 0x09};
    tm_msg_t msg;

    memcpy(frame + 6, values[_i].bytes, values[_i].size);
    memcpy(frame + 6 + values[_i].size, (uint8_t[]){0x02, 0x07}, 2);
    ck_assert_int_eq(tm_msg_decode(frame, 8 + values[_i].size, &msg, NULL), TM_OK);
    ck_assert_uint_eq(msg.ping.seq, 7);
}
END_TEST

START_TEST(nesting_is_followed_eight_deep_and_no_deeper)
{
    uint8_t frame[4096] = {0x84, PING_START, 0x02, 0x05, 0x09};
    tm_msg_t msg;
    const char *what = NULL;

    for (size_t depth = 1; depth <= 4000; depth += depth < 12 ? 1 : 997) {
        memset(frame + 8, 0x91, depth);
        frame[8 + depth] = 0xc0;
        tm_err_t err = tm_msg_decode(frame, 9 + depth, &msg, &what);
        ck_assert_int_eq(err, depth <= 8 ? TM_OK : TM_BAD_MESSAGE);
    }
    ck_assert_ptr_nonnull(strstr(what, "nested"));
}
END_TEST

START_TEST(another_version_is_named_as_such)
{
    static const uint8_t frame[] = {0x83, 0x00, 0x02, 0x01, 0x32, 0x02, 0x05};
    tm_msg_t msg;

    ck_assert_int_eq(tm_msg_decode(frame, sizeof frame, &msg, NULL), TM_BAD_VERSION);
}
END_TEST

START_TEST(an_empty_or_oversize_header_is_refused)
{
    uint8_t *frame = calloc(1, TM_HEADER_MAX + 1);
    tm_msg_t msg;

    ck_assert_int_eq(tm_msg_decode(frame, 0, &msg, NULL), TM_BAD_MESSAGE);
    ck_assert_int_eq(tm_msg_decode(frame, TM_HEADER_MAX + 1, &msg, NULL), TM_BAD_MESSAGE);
    free(frame);
}
END_TEST

START_TEST(a_refused_frame_leaves_the_result_alone)
{
    tm_msg_t msg = {.type = TM_MSG_BYE, .version = 77};

    ck_assert_int_eq(tm_msg_decode("\x93", 1, &msg, NULL), TM_BAD_MESSAGE);
    ck_assert_int_eq(msg.type, TM_MSG_BYE);
    ck_assert_uint_eq(msg.version, 77);
}
END_TEST

static const struct {
    const char *text;
    size_t size;
    bool is_text;
} texts[] = {
    {"plain", 5, true},
    {"\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80", 11, true},
    {"\xf4\x8f\xbf\xbf", 4, true},
    {"\xc0\xaf", 2, false},         /* overlong */
    {"\xe0\x80\xaf", 3, false},     /* overlong */
    {"\xed\xa0\x80", 3, false},     /* surrogate */
    {"\xf4\x90\x80\x80", 4, false}, /* above U+10FFFF */
    {"\xff", 1, false},
    {"\x80", 1, false},
    {"a\xe2\x82", 3, false}, /* cut */
    {"a\0b", 3, false},
};

START_TEST(a_text_field_takes_utf8_and_nothing_else)
{
    uint8_t frame[TM_HEADER_MAX];
    tm_msg_t msg = message_of(TM_MSG_REJECTED, false), back;
    const char *what = "";

    msg.rejected.detail = (tm_str_t){"zzzzzzzzzzz", texts[_i].size};
    msg.rejected.has_detail = true;
    size_t size = tm_msg_encode(&msg, frame);
    memcpy(frame + size - texts[_i].size, texts[_i].text, texts[_i].size);
    tm_err_t err = tm_msg_decode(frame, size, &back, &what);
    ck_assert_int_eq(err, texts[_i].is_text ? TM_OK : TM_BAD_MESSAGE);
    ck_assert(texts[_i].is_text || strstr(what, "UTF-8"));
    msg.rejected.detail.data = texts[_i].text;
    ck_assert((tm_msg_encode(&msg, frame) > 0) == texts[_i].is_text);
}
END_TEST

START_TEST(cleaning_makes_any_bytes_sendable)
{
    char buffer[8];

    tm_str_t clean = tm_text_clean("a\xff\xe2\x82\xac", buffer, sizeof buffer);
    ck_assert(clean.size == 5 && memcmp(clean.data, "a?\xe2\x82\xac", 5) == 0);
    clean = tm_text_clean("1234567\xe2\x82\xac", buffer, sizeof buffer);
    ck_assert_uint_eq(clean.size, 7); /* whole characters only */
    ck_assert_uint_eq(tm_text_clean(NULL, buffer, sizeof buffer).size, 0);
}
END_TEST

START_TEST(a_wrong_size_of_id_is_refused)
{
    static const uint8_t frame[] = {0x84, 0, 1, 1, 4, 2, 1, 3, 0xc4, 0x02, 0xaa, 0xbb};
    tm_msg_t msg;
    const char *what = "";

    ck_assert_int_eq(tm_msg_decode(frame, sizeof frame, &msg, &what), TM_BAD_MESSAGE);
    ck_assert_str_eq(what, "job is of the wrong kind");
}
END_TEST

START_TEST(pairs_are_walked_in_order_with_their_bodies)
{
    zmsg_t *zmsg = zmsg_new();
    tm_msg_t ping = {.type = TM_MSG_PING, .ping.seq = 1, .body = tm_str("first")}, msg;
    zframe_t *nothing = NULL;

    ck_assert_int_eq(tm_msg_append(zmsg, &ping), TM_OK);
    ping.ping.seq = 2;
    ck_assert_int_eq(tm_msg_append_frame(zmsg, &ping, &nothing), TM_OK);
    tm_pairs_t pairs = tm_pairs(zmsg);
    ck_assert(tm_pairs_next(&pairs, &msg));
    ck_assert(msg.ping.seq == 1 && tm_str_is(msg.body, "first"));
    ck_assert(tm_pairs_next(&pairs, &msg));
    ck_assert(msg.ping.seq == 2 && msg.body.size == 0 && msg.body.data);
    ck_assert(!tm_pairs_next(&pairs, &msg));
    ck_assert_int_eq(pairs.err, TM_OK);
    zmsg_destroy(&zmsg);
}
END_TEST

START_TEST(a_header_without_a_body_is_refused)
{
    zmsg_t *zmsg = zmsg_new();
    tm_msg_t msg;

    zmsg_addmem(zmsg, "\x83\x00\x01\x01\x32\x02\x05", 7);
    tm_pairs_t pairs = tm_pairs(zmsg);
    ck_assert(!tm_pairs_next(&pairs, &msg));
    ck_assert_int_eq(pairs.err, TM_BAD_MESSAGE);
    ck_assert(!tm_pairs_next(&pairs, &msg));
    zmsg_destroy(&zmsg);
}
END_TEST

START_TEST(a_field_over_its_limit_leaves_the_message_unchanged)
{
    zmsg_t *zmsg = zmsg_new();
    tm_msg_t msg = {.type = TM_MSG_CREDIT, .credit.credit = 70000};

    ck_assert_int_eq(tm_msg_append(zmsg, &msg), TM_TOO_LARGE);
    ck_assert_uint_eq(zmsg_size(zmsg), 0);
    zmsg_destroy(&zmsg);
}
END_TEST

START_TEST(a_log_line_shows_texts_escaped_and_keys_by_size)
{
    char line[600];
    tm_msg_t msg = message_of(TM_MSG_SUBMIT, false);

    msg.submit.queue = tm_str("tu ne\n=x");
    msg.submit.key = tm_str("secret");
    msg.submit.has_key = true;
    msg.body = tm_str("abc");
    tm_msg_print(&msg, line, sizeof line);
    ck_assert_ptr_nonnull(strstr(line, "SUBMIT ref=0 "));
    ck_assert_ptr_nonnull(strstr(line, "queue=tu\\x20ne\\x0a\\x3dx"));
    ck_assert_ptr_nonnull(strstr(line, "key=6"));
    ck_assert_ptr_null(strstr(line, "secret"));
    ck_assert_ptr_nonnull(strstr(line, "body=3"));
}
END_TEST

START_TEST(a_log_line_is_cut_to_any_buffer)
{
    char line[600];

    for (size_t size = 0; size < sizeof line; size++) {
        tm_msg_t msg = message_of(TM_MSG_SUBMIT, true);
        memset(line, 'z', sizeof line);
        tm_msg_print(&msg, line, size);
        ck_assert(size == 0 || memchr(line, '\0', size));
        ck_assert_int_eq(line[size], 'z');
    }
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("message");
    TCase *codec = suite_case(suite, "codec", NULL, NULL);

    suite_tests(codec, every_message_comes_back_as_it_went,
                every_value_over_its_limit_is_refused_by_both_sides,
                every_truncation_is_a_bad_message, every_changed_byte_is_taken_or_refused);
    suite_rows(codec, a_malformed_frame_is_refused_with_its_reason, refused);
    suite_tests(codec, an_unknown_number_is_told_apart_and_its_pair_skipped);
    tcase_add_loop_test(codec, an_unknown_key_of_any_kind_is_skipped, 0, 12);
    suite_tests(codec, nesting_is_followed_eight_deep_and_no_deeper,
                another_version_is_named_as_such, an_empty_or_oversize_header_is_refused,
                a_refused_frame_leaves_the_result_alone);
    suite_rows(codec, a_text_field_takes_utf8_and_nothing_else, texts);
    suite_tests(codec, cleaning_makes_any_bytes_sendable, a_wrong_size_of_id_is_refused,
                pairs_are_walked_in_order_with_their_bodies, a_header_without_a_body_is_refused,
                a_field_over_its_limit_leaves_the_message_unchanged,
                a_log_line_shows_texts_escaped_and_keys_by_size,
                a_log_line_is_cut_to_any_buffer);
    return suite_run(suite);
}
