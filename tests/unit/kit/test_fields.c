/* One value, a table of them, and what is said of each that is wrong: from text and from JSON.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "actors/kit/fields/fields.h"
#include "tests/support/suite.h"

#define ID       "8fd7589a-97c6-49bf-a65e-357fb063fe33"
#define WORDS    "grid random tpe"
#define COUNT(t) (int)(sizeof(t) / sizeof((t)[0]))

static const field_t count_row = {FIELD_IS_INT("count", 1, 200)};
static const field_t seed_row = {FIELD_IS_INT("seed", -9007199254740991.0, 9007199254740991.0)};
static const field_t share_row = {FIELD_IS_NUMBER("share", 0.01, 0.5)};
static const field_t text_row = {FIELD_IS_TEXT("text", 2, 4)};
static const field_t prose_row = {FIELD_IS_TEXT("prose", 2, 4), .flags = FIELD_CHARACTERS};
static const field_t choice_row = {FIELD_IS("how", CHOICE), .choices = WORDS};
static const field_t name_row = {FIELD_IS("name", NAME), .choices = "abc", .min = 1, .max = 3};
static const field_t bool_row = {FIELD_IS("is", BOOL)};
static const field_t uuid_row = {FIELD_IS("id", UUID)};
static const field_t date_row = {FIELD_IS("day", DATE), .err = TM_INVALID_DATE_FORMAT};
static const field_t time_row = {FIELD_IS("at", TIME)};
static const field_t object_row = {FIELD_IS("space", OBJECT), .max = 40, .most = 2};
static const field_t secret_row = {FIELD_IS_CHOICE("key", "a b"), .flags = FIELD_SECRET};

/* What a value is read from as text and as JSON, and the JSON it becomes; NULL: it has no such
 * form. */
static const struct {
    const field_t *row;
    const char *text, *json, *becomes;
} good[] = {
    {&count_row, "1", "1", "1"},
    {&count_row, "200", "200", "200"},
    {&count_row, "007", "7.0", "7"},
    {&seed_row, "-9007199254740991", "-9007199254740991", "-9007199254740991"},
    {&share_row, "0.01", "0.01", "0.01"},
    {&share_row, "5e-1", "5e-1", "0.5"},
    {&text_row, "ab", "\"ab\"", "\"ab\""},
    {&prose_row, "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9", "\"\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\"",
     "\"\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\""},
    {&choice_row, "tpe", "\"tpe\"", "\"tpe\""},
    {&name_row, "cab", "\"cab\"", "\"cab\""},
    {&bool_row, "true", "true", "true"},
    {&bool_row, "0", "false", "false"},
    {&bool_row, "on", NULL, "true"},
    {&bool_row, "no", NULL, "false"},
    {&bool_row, "True", NULL, "true"}, /* as Python writes it */
    {&bool_row, "FALSE", NULL, "false"},
    {&bool_row, "Yes", NULL, "true"},
    {&uuid_row, "8FD7589A-97C6-49bf-a65e-357fb063fe33", "\"" ID "\"", "\"" ID "\""},
    {&date_row, "2024-02-29", "\"2024-02-29\"", "\"2024-02-29\""},
    {&date_row, "2024-02-29T23:59", "\"2024-02-29T23:59\"", "\"2024-02-29T23:59\""},
    {&date_row, "2024-02-29 09:30:15.25-0330", "\"2024-02-29 09:30:15.25-0330\"",
     "\"2024-02-29 09:30:15.25-0330\""},
    {&time_row, "2026-03-01T12:30:00.123456Z", "\"2026-03-01T12:30:00.123456Z\"",
     "\"2026-03-01T12:30:00.123456Z\""},
    {&object_row, " {\"a\": [1]} ", "{\"a\":[1]}", "{\"a\":[1]}"},
};

static void
expect_becomes(const field_t *row, const struct field_value *value, const char *want)
{
    json_t *got = field_json(row, value), *wanted = json_loads(want, JSON_DECODE_ANY, NULL);

    ck_assert_msg(json_equal(got, wanted) == 1, "%s: not %s", row->name, want);
    json_decref(got);
    json_decref(wanted);
}

START_TEST(a_good_value_is_the_same_from_text_and_from_json)
{
    char why[FIELD_WHY] = "", *exact = malloc(strlen(good[_i].text));
    struct field_value value;

    memcpy(exact, good[_i].text, strlen(good[_i].text)); /* what lies behind is nobody's */
    ck_assert_msg(!field_from_text(good[_i].row, exact, strlen(good[_i].text), &value, why),
                  "%s: %s", good[_i].text, why);
    expect_becomes(good[_i].row, &value, good[_i].becomes);
    if (good[_i].row->kind == FIELD_OBJECT)
        json_decref(value.json);
    free(exact);
    if (!good[_i].json)
        return;
    json_t *json = json_loads(good[_i].json, JSON_DECODE_ANY, NULL);
    ck_assert_msg(!field_from_json(good[_i].row, json, &value, why), "%s: %s", good[_i].json,
                  why);
    expect_becomes(good[_i].row, &value, good[_i].becomes);
    json_decref(json);
}
END_TEST

#define COUNTS  " is not a whole number from 1 to 200"
#define SHARES  " is not a number from 0.01 to 0.5"
#define CHOICES " is not one of: grid random tpe"
#define DAYS    " is not a date, YYYY-MM-DD, or a date-time, as 2026-03-01T09:30"
#define TIMES   " is not a time in UTC since 1970, as 2026-03-01T12:30:00.000Z"

static const struct {
    const field_t *row;
    const char *text, *why;
} bad_texts[] = {
    {&count_row, "0", "\"0\"" COUNTS},
    {&count_row, "201", "\"201\"" COUNTS},
    {&count_row, "", "\"\"" COUNTS},
    {&count_row, "-", "\"-\"" COUNTS},
    {&count_row, "1.0", "\"1.0\"" COUNTS},
    {&count_row, "1e2", "\"1e2\"" COUNTS},
    {&count_row, " 1", "\" 1\"" COUNTS},
    {&count_row, "1x", "\"1x\"" COUNTS},
    {&count_row, "+1", "\"+1\"" COUNTS},
    {&count_row, "0x10", "\"0x10\"" COUNTS},
    {&count_row, "99999999999999999999999999999999999999",
     "\"99999999999999999999999999999999999999\"" COUNTS},
    {&count_row, "12345678901234567890123456789012345678901234567890123456789012345678901",
     "\"1234567890123456789012345678901234567890...\"" COUNTS},
    {&seed_row, "9007199254740992",
     "\"9007199254740992\" is not a whole number from -9007199254740991 to "
     "9007199254740991"},
    {&share_row, "nan", "\"nan\"" SHARES},
    {&share_row, "inf", "\"inf\"" SHARES},
    {&share_row, "1e999", "\"1e999\"" SHARES},
    {&share_row, "0x1p-2", "\"0x1p-2\"" SHARES},
    {&share_row, "0,2", "\"0,2\"" SHARES},
    {&share_row, "0.5001", "\"0.5001\"" SHARES},
    {&share_row, "e", "\"e\"" SHARES},
    {&text_row, "a", "has 1 bytes, allowed are 2 to 4"},
    {&text_row, "\xc3\xa9\xc3\xa9\xc3\xa9", "has 6 bytes, allowed are 2 to 4"},
    {&prose_row, "\xc3\xa9", "has 1 characters, allowed are 2 to 4"},
    {&choice_row, "GRID", "\"GRID\"" CHOICES},
    {&choice_row, "gri", "\"gri\"" CHOICES},
    {&choice_row, "grid random", "\"grid random\"" CHOICES},
    {&choice_row, "", "\"\"" CHOICES},
    {&choice_row, " ", "\" \"" CHOICES},
    {&name_row, "abca", "\"abca\" is not 1 to 3 characters of: abc"},
    {&name_row, "x", "\"x\" is not 1 to 3 characters of: abc"},
    {&bool_row, "yess", "\"yess\" is not true or false"},
    {&bool_row, "2", "\"2\" is not true or false"},
    {&bool_row, "tru", "\"tru\" is not true or false"},
    {&bool_row, "", "\"\" is not true or false"},
    {&uuid_row, "8fd7589a", "\"8fd7589a\" is not a UUID"},
    {&uuid_row, "8fd7589a+97c6-49bf-a65e-357fb063fe33",
     "\"8fd7589a+97c6-49bf-a65e-357fb063fe33\" is not a UUID"},
    {&uuid_row, "8fd7589a-97c6-49bf-a65e-357fb063fe3g",
     "\"8fd7589a-97c6-49bf-a65e-357fb063fe3g\" is not a UUID"},
    {&date_row, "2023-02-29", "\"2023-02-29\"" DAYS},
    {&date_row, "1900-02-29", "\"1900-02-29\"" DAYS},
    {&date_row, "02/03/2020", "\"02/03/2020\"" DAYS},
    {&date_row, "2023-01-01T24:00", "\"2023-01-01T24:00\"" DAYS},
    {&date_row, "2023-01-01T00:60", "\"2023-01-01T00:60\"" DAYS},
    {&date_row, "2023-01-01T00:00:60", "\"2023-01-01T00:00:60\"" DAYS},
    {&date_row, "2023-01-01T00:00:", "\"2023-01-01T00:00:\"" DAYS},
    {&date_row, "2023-01-01T00:00:00.", "\"2023-01-01T00:00:00.\"" DAYS},
    {&date_row, "2023-01-01T", "\"2023-01-01T\"" DAYS},
    {&date_row, "2023-01-01x00:00", "\"2023-01-01x00:00\"" DAYS},
    {&date_row, "2023-01-01T00:00z", "\"2023-01-01T00:00z\"" DAYS},
    {&date_row, "2023-01-01T00:00+9", "\"2023-01-01T00:00+9\"" DAYS},
    {&date_row, "2023-01-01T00:00+09:00x", "\"2023-01-01T00:00+09:00x\"" DAYS},
    {&date_row, "2023-01-01T00:00+19:00", "\"2023-01-01T00:00+19:00\"" DAYS},
    {&date_row, "2023-01-01+09:00", "\"2023-01-01+09:00\"" DAYS},
    {&time_row, "2026-03-01", "\"2026-03-01\"" TIMES},
    {&time_row, "2026-02-30T00:00:00Z", "\"2026-02-30T00:00:00Z\"" TIMES},
    {&time_row, "1969-01-01T00:00:00Z", "\"1969-01-01T00:00:00Z\"" TIMES},
    {&time_row, "2026-03-01T00:00:00", "\"2026-03-01T00:00:00\"" TIMES},
    {&object_row, "[1]", "is not a JSON object"},
    {&object_row, "{\"a\":1,\"b\":2,\"c\":3}", "it is not a JSON object of at most 2 names"},
    {&object_row, "{\"a\":1,\"a\":2}",
     "is not valid JSON: line 1, column 10: duplicate object key near '\"a\"'"},
    {&object_row, "{\"a\":\"01234567890123456789012345678901234567890\"}",
     "is longer than 40 bytes"},
    {&object_row, "{\"a\":[[[[[[[[1]]]]]]]]}", "is nested deeper than 8 levels"},
    {&secret_row, "hunter2", "it is not one of: a b"},
};

START_TEST(a_wrong_text_is_refused_with_what_was_seen_and_what_is_allowed)
{
    char why[FIELD_WHY] = "";
    struct field_value value;
    tm_err_t err = field_from_text(bad_texts[_i].row, bad_texts[_i].text,
                                   strlen(bad_texts[_i].text), &value, why);

    ck_assert_int_eq(err, field_err(bad_texts[_i].row));
    ck_assert_str_eq(why, bad_texts[_i].why);
}
END_TEST

static const struct {
    const field_t *row;
    const char *json, *why;
} bad_json[] = {
    {&count_row, "0", "0" COUNTS},
    {&count_row, "1.5", "1.5" COUNTS},
    {&count_row, "\"5\"", "\"5\"" COUNTS},
    {&count_row, "true", "true" COUNTS},
    {&count_row, "[]", "a list" COUNTS},
    {&count_row, "{}", "an object" COUNTS},
    {&share_row, "null", "null" SHARES},
    {&share_row, "1e300", "1e+300" SHARES},
    {&text_row, "5", "5 is not a text of 2 to 4 bytes"},
    {&prose_row, "[]", "a list is not a text of 2 to 4 characters"},
    {&choice_row, "\"x\"", "\"x\"" CHOICES},
    {&bool_row, "1", "1 is not true or false"},
    {&bool_row, "\"true\"", "\"true\" is not true or false"},
    {&uuid_row, "5", "5 is not a UUID"},
    {&date_row, "20240101", "20240101" DAYS},
    {&object_row, "[]", "a list is not a JSON object of at most 2 names"},
    {&object_row, "{\"a\":1,\"b\":2,\"c\":3}", "it is not a JSON object of at most 2 names"},
};

START_TEST(a_wrong_json_value_is_refused_with_the_same_sentence)
{
    json_t *json = json_loads(bad_json[_i].json, JSON_DECODE_ANY, NULL);
    char why[FIELD_WHY] = "";
    struct field_value value;

    ck_assert_int_eq(field_from_json(bad_json[_i].row, json, &value, why),
                     field_err(bad_json[_i].row));
    ck_assert_str_eq(why, bad_json[_i].why);
    json_decref(json);
}
END_TEST

START_TEST(a_text_with_a_nul_within_is_no_value)
{
    char why[FIELD_WHY];
    struct field_value value;

    ck_assert(field_from_text(&count_row, "12\0004", 4, &value, why));
    ck_assert(field_from_text(&text_row, "a\0b", 3, &value, why));
    ck_assert_str_eq(why, "holds a zero byte");
    ck_assert(field_from_text(&choice_row, "grid\0x", 6, &value, why));
    ck_assert(field_from_text(&name_row, "a\0b", 3, &value, why));
    ck_assert(field_from_text(&date_row, "2020-01-0\0", 10, &value, why));
    ck_assert(field_from_text(&time_row, "2020-01-01T00:00:00Z\0", 21, &value, why));
}
END_TEST

/* --- tables ------------------------------------------------------------------------------- */

struct inner {
    double weight;
};

struct owner {
    uint32_t narrow;
    int64_t wide;
    double number;
    bool is, has_number;
    const char *text;
    char word[16], id[37];
    uint8_t uuid[16];
    json_t *list;
    struct inner inner;
};

static const field_t inner_rows[] = {
    {FIELD_IS_NUMBER("weight", 0, 1), .flags = FIELD_REQUIRED, FIELD_AT(struct inner, weight)}};
static const struct fields inner_table = FIELDS_OF(inner_rows);

static const field_t rows[] = {
    {FIELD_IS_INT("narrow", 0, 10), .standard = "3", FIELD_AT(struct owner, narrow)},
    {FIELD_IS_INT("wide", -10, 10), .flags = FIELD_OWN, FIELD_AT(struct owner, wide)},
    {FIELD_IS_NUMBER("number", 0, 1), .standard = "0.5", FIELD_AT(struct owner, number),
     FIELD_HAS(struct owner, has_number)},
    {FIELD_IS("is", BOOL), .standard = "true", FIELD_AT(struct owner, is)},
    {FIELD_IS_TEXT("text", 0, 9), .flags = FIELD_REQUIRED, FIELD_AT(struct owner, text)},
    {FIELD_IS_CHOICE("word", "one two"), FIELD_AT(struct owner, word)},
    {FIELD_IS("id", UUID), FIELD_AT(struct owner, id)},
    {FIELD_IS("uuid", UUID), FIELD_AT(struct owner, uuid)},
    {FIELD_IS("list", LIST), .min = 1, .max = 3, .most = 2, FIELD_AT(struct owner, list)},
    {FIELD_IS("inner", OBJECT), .members = &inner_table, FIELD_AT(struct owner, inner)},
    {FIELD_IS("file", FILE), .flags = FIELD_ELSEWHERE},
};
static const struct fields table = FIELDS_OF(rows);

struct told {
    char text[2000];
    tm_err_t first;
};

static void
tell(void *arg, tm_err_t err, const char *name, const char *why)
{
    struct told *told = arg;
    size_t used = strlen(told->text);

    if (!told->first)
        told->first = err;
    snprintf(told->text + used, sizeof(told->text) - used, "%s: %s\n", name, why);
}

static void
read_object(const char *text, struct owner *owner, struct told *told)
{
    json_t *object = json_loads(text, 0, NULL);

    ck_assert_ptr_nonnull(object);
    *told = (struct told){.first = TM_OK};
    fields_read(&table, object, owner, tell, told);
    json_decref(object);
}

START_TEST(an_object_goes_into_a_struct)
{
    json_t *object =
        json_pack("{s:i, s:i, s:f, s:b, s:s, s:s, s:s, s:s, s:[s], s:{s:i}}", "narrow", 7,
                  "wide", -7, "number", 0.25, "is", 1, "text", "abc", "word", "two", "id", ID,
                  "uuid", ID, "list", "x", "inner", "weight", 1);
    struct owner owner = {.narrow = 0};
    struct told told = {.first = TM_OK};

    fields_read(&table, object, &owner, tell, &told);
    ck_assert_str_eq(told.text, "");
    ck_assert_uint_eq(owner.narrow, 7);
    ck_assert_int_eq(owner.wide, -7);
    ck_assert_double_eq(owner.number, 0.25);
    ck_assert(owner.is && owner.has_number);
    ck_assert_str_eq(owner.text, "abc");
    ck_assert_str_eq(owner.word, "two");
    ck_assert_str_eq(owner.id, ID);
    ck_assert_uint_eq(owner.uuid[0], 0x8f);
    ck_assert_uint_eq(owner.uuid[15], 0x33);
    ck_assert_uint_eq(json_array_size(owner.list), 1);
    ck_assert_double_eq(owner.inner.weight, 1);
    json_decref(object);
}
END_TEST

START_TEST(what_is_not_given_has_its_default)
{
    struct owner owner = {.wide = 5};

    fields_default(&table, &owner);
    ck_assert_uint_eq(owner.narrow, 3);
    ck_assert_int_eq(owner.wide, 5);
    ck_assert_double_eq(owner.number, 0.5);
    ck_assert(owner.is && !owner.has_number);
}
END_TEST

START_TEST(every_fault_of_an_object_is_told_with_its_place)
{
    struct owner owner = {.narrow = 0};
    struct told told;

    read_object("{\"narow\":1,\"narrow\":11,\"number\":null,\"list\":[\"a\",5,\"abcd\"],"
                "\"inner\":{\"weigth\":1},\"file\":7}",
                &owner, &told);
    ck_assert_int_eq(told.first, TM_UNKNOWN_FIELD);
    ck_assert_str_eq(told.text, "narow: is not known here; did you mean narrow?\n"
                                "narrow: 11 is not a whole number from 0 to 10\n"
                                "text: is missing\n"
                                "list: a list is not a list of at most 2 texts\n"
                                "inner.weigth: is not known here; did you mean weight?\n"
                                "inner.weight: is missing\n");
    read_object("{\"text\":\"\",\"list\":[5,\"abcd\"]}", &owner, &told);
    ck_assert_str_eq(told.text, "list[0]: 5 is not a text of 1 to 3 characters\n"
                                "list[1]: has 4 characters, allowed are 1 to 3\n");
}
END_TEST

START_TEST(what_a_later_version_wrote_is_left_alone_where_that_is_asked_for)
{
    json_t *object = json_pack("{s:s, s:i}", "text", "", "later", 1);
    struct told told = {.first = TM_OK};

    fields_read_known(&table, object, NULL, tell, &told);
    ck_assert_str_eq(told.text, "");
    json_decref(object);
}
END_TEST

START_TEST(a_name_is_known_in_its_sets_only)
{
    char why[FIELD_WHY];

    ck_assert_ptr_nonnull(fields_find(&table, FIELDS_ALL, "narrow"));
    ck_assert_ptr_null(fields_find(&table, FIELD_OWN, "narrow"));
    ck_assert_ptr_null(fields_find(&table, FIELDS_ALL, "Narrow"));
    ck_assert_ptr_nonnull(fields_find(&table, FIELD_OWN, "wide"));
    fields_unknown(&table, FIELD_OWN, "narrow", why);
    ck_assert_str_eq(why, "is not known here; known: wide");
    fields_unknown(&table, FIELDS_ALL, "something else", why);
    ck_assert_str_eq(why, "is not known here");
    ck_assert_ptr_null(fields_find(&table, 0, "wide"));
    fields_unknown(&table, 0, "wide", why);
    ck_assert_str_eq(why, "is not known here; nothing is taken");
}
END_TEST

static const struct {
    const char *name, *nearest;
} slips[] = {
    {"comission_bps", "commission_bps"},
    {"commision_bps", "commission_bps"},
    {"exit_lnog", "exit_long"},
    {"EXIT_LONG", "exit_long"},
    {"ntrials", "n_trials"},
    {"n-trials", "n_trials"},
    {"sead", "seed"},
    {"colour", NULL},
    {"x", NULL},
    {"", NULL},
};

START_TEST(the_nearest_name_is_a_slip_of_the_hand_away)
{
    static const char *const names[] = {"commission_bps", "slippage_bps", "exit_long",
                                        "exit_short",     "n_trials",     "seed"};
    const char *got = fields_nearest(slips[_i].name, names, 6);

    ck_assert_msg(slips[_i].nearest ? got && strcmp(got, slips[_i].nearest) == 0 : !got,
                  "%s: %s", slips[_i].name, got ? got : "(none)");
}
END_TEST

START_TEST(names_of_any_length_are_compared)
{
    char long_name[1000];

    memset(long_name, 'a', sizeof(long_name) - 1);
    long_name[sizeof(long_name) - 1] = '\0';
    ck_assert_uint_eq(fields_distance(long_name, "b"), 64);
    ck_assert_uint_eq(fields_distance("", "abc"), 3);
    ck_assert_uint_eq(fields_distance("abc", "ABC"), 0);
    ck_assert_uint_eq(fields_distance("lml", "llm"), 1);
    ck_assert_uint_eq(fields_distance("exit_lnog", "exit_long"), 1);
    ck_assert_uint_eq(fields_distance("abcd", "badc"), 2);
    ck_assert_uint_eq(fields_distance("kitten", "sitting"), 3);
}
END_TEST

static void
add_values(TCase *tcase)
{
    tcase_add_loop_test(tcase, a_good_value_is_the_same_from_text_and_from_json, 0,
                        COUNT(good));
    tcase_add_loop_test(tcase, a_wrong_text_is_refused_with_what_was_seen_and_what_is_allowed,
                        0, COUNT(bad_texts));
    tcase_add_loop_test(tcase, a_wrong_json_value_is_refused_with_the_same_sentence, 0,
                        COUNT(bad_json));
    tcase_add_test(tcase, a_text_with_a_nul_within_is_no_value);
}

static void
add_tables(TCase *tcase)
{
    tcase_add_test(tcase, an_object_goes_into_a_struct);
    tcase_add_test(tcase, what_is_not_given_has_its_default);
    tcase_add_test(tcase, every_fault_of_an_object_is_told_with_its_place);
    tcase_add_test(tcase, what_a_later_version_wrote_is_left_alone_where_that_is_asked_for);
    tcase_add_test(tcase, a_name_is_known_in_its_sets_only);
    tcase_add_loop_test(tcase, the_nearest_name_is_a_slip_of_the_hand_away, 0, COUNT(slips));
    tcase_add_test(tcase, names_of_any_length_are_compared);
}

TCase *written_values(void); /* test_fields_written.c */

int
main(void)
{
    Suite *suite = suite_create("fields");
    TCase *tcase = suite_case(suite, "fields", NULL, NULL);

    add_values(tcase);
    add_tables(tcase);
    suite_add_tcase(suite, written_values());
    return suite_run(suite);
}
