#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "actors/kit/util/auto.h"
#include "actors/kit/contracts/explain_call.h"
#include "tests/support/suite.h"

#define WORKSPACE "00000000-0000-0000-0000-000000000001"
#define RUN       "0198f000-0000-7000-8000-00000000000a"
#define STRATEGY  "8fd7589a-97c6-49bf-a65e-357fb063fe33"

static tm_uuid_t
id_of(const char *text)
{
    tm_uuid_t id;

    ck_assert_int_eq(tm_uuid_parse(text, strlen(text), &id), TM_OK);
    return id;
}

/* ' stands for ". */
static char *
quoted(const char *text)
{
    char *copy = strdup(text);

    for (char *at = copy; (at = strchr(at, '\''));)
        *at = '"';
    return copy;
}

/* --- questions ---------------------------------------------------------------------------- */

START_TEST(a_question_is_read_as_it_was_written)
{
    static const struct {
        enum explain_kind kind;
        const char *subject;
    } rows[] = {{EXPLAIN_TUNE, RUN}, {EXPLAIN_MATCH, RUN ":" STRATEGY}};

    for (size_t i = 0; i < 2; i++) {
        struct explain_question question = {.workspace = id_of(WORKSPACE),
                                            .kind = rows[i].kind,
                                            .subject = id_of(RUN),
                                            .strategy = id_of(STRATEGY),
                                            .verbosity = EXPLAIN_DETAILED,
                                            .facts = json_pack("{s:f}", "score", 0.1)};
        struct explain_question again;
        const char *what = NULL;
        char subject[EXPLAIN_SUBJECT_TEXT];
        tm_auto(tm_text) text = explain_question_text(&question);

        ck_assert_msg(explain_question_parse(text, strlen(text), &again, &what) == TM_OK,
                      "%s: %s", text, what);
        ck_assert_int_eq(again.kind, rows[i].kind);
        ck_assert_int_eq(again.verbosity, EXPLAIN_DETAILED);
        ck_assert_str_eq(explain_question_subject(&again, subject), rows[i].subject);
        ck_assert(tm_uuid_is(&again.workspace, &question.workspace));
        ck_assert(json_equal(again.facts, question.facts));
        explain_question_fini(&again);
        explain_question_fini(&question);
    }
}
END_TEST

/* The subject is a key of the cache: it has one form. */
START_TEST(a_subject_has_one_form)
{
    char *text = quoted("{'workspace':'" WORKSPACE "','kind':'match','subject':'"
                        "0198F000-0000-7000-8000-00000000000A:8FD7589A-97C6-49BF-A65E-"
                        "357FB063FE33','verbosity':'short','facts':{}}");
    char subject[EXPLAIN_SUBJECT_TEXT];
    struct explain_question question;
    const char *what = NULL;

    ck_assert_int_eq(explain_question_parse(text, strlen(text), &question, &what), TM_OK);
    ck_assert_str_eq(explain_question_subject(&question, subject), RUN ":" STRATEGY);
    explain_question_fini(&question);
    free(text);
}
END_TEST

#define WITH(workspace, kind, subject, verbosity, facts)                                      \
    "{'workspace':" workspace ",'kind':" kind ",'subject':" subject ",'verbosity':" verbosity \
    ",'facts':" facts "}"
#define W "'" WORKSPACE "'"
#define T "'" RUN "'"
#define M "'" RUN ":" STRATEGY "'"

static const struct {
    const char *text, *what;
} wrong_questions[] = {
    {"", "no JSON object"},
    {"[]", "no JSON object"},
    {"{", "no JSON object"},
    {"{'kind':'tune','kind':'match'}", "no JSON object"},
    {"{}", "workspace"},
    {WITH("1", "'tune'", T, "'short'", "{}"), "workspace"},
    {WITH("'x'", "'tune'", T, "'short'", "{}"), "workspace"},
    {WITH(W, "'wfo'", T, "'short'", "{}"), "kind"},
    {WITH(W, "null", T, "'short'", "{}"), "kind"},
    {WITH(W, "'tune'", M, "'short'", "{}"), "subject of a tune"},
    {WITH(W, "'tune'", "''", "'short'", "{}"), "subject of a tune"},
    {WITH(W, "'match'", T, "'short'", "{}"), "subject of a match"},
    {WITH(W, "'match'", "'" RUN "-" STRATEGY "'", "'short'", "{}"), "subject of a match"},
    {WITH(W, "'match'", "'" RUN ":" STRATEGY "x'", "'short'", "{}"), "subject of a match"},
    {WITH(W, "'tune'", T, "'long'", "{}"), "verbosity"},
    {WITH(W, "'tune'", T, "1", "{}"), "verbosity"},
    {WITH(W, "'tune'", T, "'short'", "[]"), "facts"},
    {WITH(W, "'tune'", T, "'short'", "null"), "facts"},
    {WITH(W, "'tune'", T, "'short'", "{'a':[[[[[[[[[[[[1]]]]]]]]]]]]}"), "no JSON object"},
};

START_TEST(a_wrong_question_is_told_what_is_wrong)
{
    char *text = quoted(wrong_questions[_i].text);
    struct explain_question question;
    const char *what = NULL;

    ck_assert_int_eq(explain_question_parse(text, strlen(text), &question, &what),
                     TM_BAD_REQUEST);
    ck_assert_msg(strstr(what, wrong_questions[_i].what) != NULL, "%s: %s", text, what);
    free(text);
}
END_TEST

START_TEST(a_question_is_bounded)
{
    size_t size = EXPLAIN_QUESTION_MAX + 1;
    char *text = malloc(size + 1);
    struct explain_question question;
    const char *what = NULL;

    memset(text, ' ', size);
    text[0] = '{';
    text[size - 1] = '}';
    text[size] = '\0';
    ck_assert_int_eq(explain_question_parse(text, size, &question, &what), TM_BAD_REQUEST);
    ck_assert_ptr_nonnull(strstr(what, "512 KiB"));
    free(text);
}
END_TEST

/* --- answers ------------------------------------------------------------------------------ */

START_TEST(an_answer_with_a_text_is_read_as_it_was_written)
{
    struct explain_answer answer = {.text = strdup("A \"plateau\".\n\nGood: 1 < 2, \xc3\xa9."),
                                    .provider = "openai",
                                    .model = "some/model:1",
                                    .cause = "ok",
                                    .is_cached = true,
                                    .generated_at = "2026-11-24T05:00:00.000Z",
                                    .latency_ms = 12};
    struct explain_answer again;
    const char *what = NULL;
    tm_auto(tm_text) text = explain_answer_text(&answer);

    ck_assert_msg(explain_answer_parse(text, strlen(text), &again, &what) == TM_OK, "%s", what);
    ck_assert_str_eq(again.text, answer.text);
    ck_assert_str_eq(again.provider, "openai");
    ck_assert_str_eq(again.model, "some/model:1");
    ck_assert_str_eq(again.cause, "ok");
    ck_assert_str_eq(again.generated_at, answer.generated_at);
    ck_assert(again.is_cached);
    ck_assert_int_eq(again.latency_ms, 12);
    explain_answer_fini(&again);
    explain_answer_fini(&answer);
}
END_TEST

START_TEST(an_answer_without_a_text_says_why)
{
    for (unsigned i = 0; i < EXPLAIN_REASON_COUNT; i++) {
        struct explain_answer answer = {
            .cause = "stalled", .reason = (enum explain_reason)i, .latency_ms = 30000};
        struct explain_answer again;
        const char *what = NULL;
        tm_auto(tm_text) text = explain_answer_text(&answer);

        ck_assert_ptr_nonnull(strstr(text, "\"text\":null"));
        ck_assert_ptr_nonnull(strstr(text, explain_reason_code((enum explain_reason)i)));
        ck_assert_int_eq(explain_answer_parse(text, strlen(text), &again, &what), TM_OK);
        ck_assert_ptr_null(again.text);
        ck_assert_uint_eq(again.reason, i);
        ck_assert_str_eq(again.cause, "stalled");
    }
}
END_TEST

#define ANSWER(text, more) "{'text':" text ",'cause':'ok','latency_ms':1" more "}"
#define REST               ",'provider':'p','model':'m','cache_hit':false,'generated_at':'x'"

static const struct {
    const char *text, *what;
} wrong_answers[] = {
    {"", "no JSON object"},
    {"{'text':{'a':1}}", "no JSON object"},
    {"{'text':null}", "cause"},
    {"{'text':null,'cause':'','latency_ms':1}", "cause"},
    {"{'text':null,'cause':'a cause whose name is longer than any','latency_ms':1}", "cause"},
    {"{'text':null,'cause':'ok'}", "latency_ms"},
    {"{'text':null,'cause':'ok','latency_ms':-1}", "latency_ms"},
    {"{'text':null,'cause':'ok','latency_ms':1.5}", "latency_ms"},
    {ANSWER("null", ""), "reason_code"},
    {ANSWER("null", ",'reason_code':'llm_bored'"), "reason_code"},
    {ANSWER("1", REST), "neither text nor null"},
    {ANSWER("''", REST), "bytes"},
    {ANSWER("'x'", ",'model':'m','cache_hit':false,'generated_at':'x'"), "provider"},
    {ANSWER("'x'", ",'provider':'p','model':'','cache_hit':false,'generated_at':'x'"),
     "provider"},
    {ANSWER("'x'", ",'provider':'p','model':'m','cache_hit':0,'generated_at':'x'"),
     "cache_hit"},
    {ANSWER("'x'", ",'provider':'p','model':'m','cache_hit':false"), "generated_at"},
    {ANSWER("'x'", ",'provider':'p','model':'m','cache_hit':false,'generated_at':'"
                   "2026-11-24T05:00:00.000000Z'"),
     "generated_at"},
};

START_TEST(a_wrong_answer_is_none)
{
    char *text = quoted(wrong_answers[_i].text);
    struct explain_answer answer;
    const char *what = NULL;

    ck_assert_int_eq(explain_answer_parse(text, strlen(text), &answer, &what), TM_BAD_MESSAGE);
    ck_assert_msg(strstr(what, wrong_answers[_i].what) != NULL, "%s: %s", text, what);
    free(text);
}
END_TEST

START_TEST(the_text_of_an_answer_is_bounded)
{
    for (size_t more = 0; more < 2; more++) {
        struct explain_answer answer = {
            .text = malloc(EXPLAIN_TEXT_MAX + 2), .provider = "p", .model = "m", .cause = "ok"};
        struct explain_answer again;
        const char *what = NULL;
        tm_auto(tm_text) text = NULL;

        strcpy(answer.generated_at, "x");
        memset(answer.text, '\n', EXPLAIN_TEXT_MAX + more);
        answer.text[EXPLAIN_TEXT_MAX + more] = '\0';
        text = explain_answer_text(&answer);
        ck_assert_int_eq(explain_answer_parse(text, strlen(text), &again, &what),
                         more ? TM_BAD_MESSAGE : TM_OK);
        if (!more)
            explain_answer_fini(&again);
        explain_answer_fini(&answer);
    }
}
END_TEST

/* API.md names the four; each has a sentence for people, which says nothing of the inside. */
START_TEST(each_reason_has_a_sentence)
{
    static const char *const codes[] = {"llm_timeout", "llm_unconfigured", "llm_error",
                                        "llm_rate_limit"};

    for (unsigned i = 0; i < EXPLAIN_REASON_COUNT; i++) {
        const char *sentence = explain_reason_sentence((enum explain_reason)i);
        enum explain_reason found;

        ck_assert_str_eq(explain_reason_code((enum explain_reason)i), codes[i]);
        ck_assert(explain_reason_find(codes[i], &found) && found == i);
        ck_assert(strlen(sentence) > 20 && sentence[strlen(sentence) - 1] == '.');
    }
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("explain call");
    TCase *tests = suite_case(suite, "explain call", NULL, NULL);

    suite_tests(tests, a_question_is_read_as_it_was_written, a_subject_has_one_form);
    suite_rows(tests, a_wrong_question_is_told_what_is_wrong, wrong_questions);
    suite_tests(tests, a_question_is_bounded, an_answer_with_a_text_is_read_as_it_was_written,
                an_answer_without_a_text_says_why);
    suite_rows(tests, a_wrong_answer_is_none, wrong_answers);
    suite_tests(tests, the_text_of_an_answer_is_bounded, each_reason_has_a_sentence);
    return suite_run(suite);
}
