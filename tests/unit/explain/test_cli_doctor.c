/* `tunemill doctor llm` as people meet it: the built program is run against stubs of providers,
 * its words and codes are read, and no key is among them. */
#include <check.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ops/cli/doctor.h"
#include "tests/support/command.h"
#include "tests/support/llm/llm_stub.h"
#include "tests/support/suite.h"

#define SECRET "s3cr3t"

static llm_stub_t *one, *two;
static struct command *last;

static void
setup(void)
{
    unsetenv("TUNEMILL_CONFIG");
    unsetenv("OPENROUTER_API_KEY");
    unsetenv("OLLAMA_BASE_URL");
    unsetenv("LLM_MODEL");
    setenv("OPENAI_API_KEY", "sk-" SECRET "-1", 1);
    setenv("ANTHROPIC_API_KEY", "sk-" SECRET "-2", 1);
    one = llm_stub_new();
    two = llm_stub_new();
    setenv("OPENAI_BASE_URL", llm_stub_url(one), 1);
    setenv("ANTHROPIC_BASE_URL", llm_stub_url(two), 1);
}

static void
teardown(void)
{
    ck_assert_ptr_null(strstr(last->out, SECRET));
    ck_assert_ptr_null(strstr(last->err, SECRET));
    command_destroy(&last);
    llm_stub_destroy(&one);
    llm_stub_destroy(&two);
}

/* tunemill doctor, with the words up to NULL. */
static const struct command *
doctor(const char *first, ...)
{
    const char *argv[20] = {TUNEMILL, "doctor", first};
    size_t count = 3;
    va_list words;

    va_start(words, first);
    while (first && count < 19 && (argv[count] = va_arg(words, const char *)))
        count++;
    va_end(words);
    command_destroy(&last);
    last = command_run(argv);
    ck_assert_ptr_nonnull(last);
    return last;
}

static void
expect(int code, const char *words)
{
    ck_assert_msg(last->code == code && strstr(last->out, words), "code %d, no \"%s\" in %s%s",
                  last->code, words, last->out, last->err);
}

START_TEST(a_chain_that_answers_is_shown_in_its_order)
{
    const char *first, *second;

    doctor("llm", NULL);
    expect(0, "it answers");
    first = strstr(last->out, "openai ");
    second = strstr(last->out, "anthropic ");
    ck_assert(first && second && first < second);
    expect(0, "gpt-4.1-mini");
    expect(0, "OPENROUTER_API_KEY is not set");
    expect(0, "OLLAMA_BASE_URL is not set");
    ck_assert_str_eq(last->err, "");
    ck_assert_uint_eq(llm_stub_requests(one), 1);
    ck_assert_uint_eq(llm_stub_requests(two), 1);
}
END_TEST

START_TEST(without_a_word_it_looks_at_the_models_too)
{
    doctor(NULL);
    expect(0, "it answers");
    doctor("--help", NULL);
    expect(0, "usage: tunemill doctor");
    doctor("lml", NULL);
    ck_assert_int_eq(last->code, 2);
    ck_assert_ptr_nonnull(strstr(last->err, "did you mean llm?"));
}
END_TEST

static const struct {
    struct llm_stub_step step;
    const char *words[3];
} failures[] = {
    {{.act = STUB_BODY, .status = 401, .body = "{\"error\":{\"code\":\"invalid_api_key\"}}"},
     {"it refuses the key", "Is the key whole", "invalid_api_key"}},
    {{.act = STUB_BODY, .status = 404, .body = "{\"error\":{\"code\":\"model_not_found\"}}"},
     {"no such model", "LLM_MODEL", "model_not_found"}},
    {{.act = STUB_BODY, .status = 402}, {"money", "Add credit", ""}},
    {{.act = STUB_BODY, .status = 429}, {"too many requests", "Wait", ""}},
    {{.act = STUB_BODY, .status = 503}, {"overloaded", "Try again later", ""}},
    {{.act = STUB_BODY, .body = "<html>"}, {"not JSON", "web page", ""}},
    {{.act = STUB_EMPTY}, {"without a text", "llm.max_tokens", ""}},
    {{.act = STUB_HANG}, {"did not begin to answer in time", "llm.first_byte_ms", ""}},
    {{.act = STUB_RESET}, {"no connection", "firewall", ""}},
};

START_TEST(what_is_wrong_is_said_with_what_to_do)
{
    llm_stub_script(one, &failures[_i].step, 1);
    doctor("llm", "--set", "llm.first_byte_ms=500", NULL);
    for (size_t i = 0; i < 3; i++)
        expect(1, failures[_i].words[i]);
    expect(1, "it answers"); /* the other one */
    ck_assert_uint_eq(llm_stub_requests(one), 1);
    ck_assert_str_eq(last->err, "");
}
END_TEST

START_TEST(nobody_at_the_address_is_said)
{
    llm_stub_refuse(one);
    doctor("llm", NULL);
    expect(1, "no connection, or it was lost");
    expect(1, "Is the address right");
}
END_TEST

START_TEST(a_certificate_that_nobody_signed_is_said)
{
    llm_stub_t *liar = llm_stub_tls_new();

    setenv("OPENAI_BASE_URL", llm_stub_url(liar), 1);
    doctor("llm", NULL);
    expect(1, "the encrypted connection failed");
    ck_assert_uint_eq(llm_stub_requests(liar), 0);
    llm_stub_destroy(&liar);
}
END_TEST

START_TEST(no_model_at_all_is_a_failure_with_advice)
{
    static const char *const variables[] = {"OPENAI_API_KEY", "OPENAI_BASE_URL",
                                            "ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL"};

    for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++)
        unsetenv(variables[i]);
    doctor("llm", NULL);
    expect(1, "No language model is set up");
    expect(1, "OPENAI_API_KEY is not set");
    doctor("llm", "--set", "llm.chain=", NULL);
    expect(1, "No language model is set up");
}
END_TEST

START_TEST(a_wrong_entry_is_a_failure_though_others_answer)
{
    doctor("llm", "--set", "llm.chain=openai,opneai", NULL);
    expect(1, "llm.chain names no such provider");
    expect(1, "it answers");
    setenv("ANTHROPIC_BASE_URL", "http://models.example", 1);
    doctor("llm", NULL);
    expect(1, "ANTHROPIC_BASE_URL is plain http");
    setenv("ANTHROPIC_BASE_URL", "https://me:" SECRET "@models.example", 1);
    doctor("llm", NULL);
    expect(1, "holds a user or a password");
}
END_TEST

static const char *
text_at(const json_t *row, const char *name)
{
    const char *text = json_string_value(json_object_get(row, name));

    return text ? text : "(none)";
}

START_TEST(scripts_read_it_as_json)
{
    static const struct llm_stub_step refusing = {.act = STUB_BODY, .status = 403};
    json_t *answer, *rows;

    llm_stub_script(two, &refusing, 1);
    doctor("llm", "--json", NULL);
    ck_assert_int_eq(last->code, 1);
    answer = json_loads(last->out, JSON_REJECT_DUPLICATES, NULL);
    rows = json_object_get(answer, "chain");
    ck_assert(json_is_false(json_object_get(answer, "ok")));
    ck_assert_uint_eq(json_array_size(rows), 4);
    ck_assert_str_eq(text_at(json_array_get(rows, 0), "state"), "ok");
    ck_assert_str_eq(text_at(json_array_get(rows, 0), "cause"), "ok");
    ck_assert_str_eq(text_at(json_array_get(rows, 0), "origin"), llm_stub_url(one));
    ck_assert_str_eq(text_at(json_array_get(rows, 1), "state"), "failed");
    ck_assert_str_eq(text_at(json_array_get(rows, 1), "cause"), "auth");
    ck_assert_int_eq(json_integer_value(json_object_get(json_array_get(rows, 1), "status")),
                     403);
    ck_assert_str_eq(text_at(json_array_get(rows, 2), "state"), "left out");
    ck_assert_str_eq(text_at(json_array_get(rows, 2), "what"), "OPENROUTER_API_KEY is not set");
    json_decref(answer);
}
END_TEST

START_TEST(every_cause_has_words_of_its_own)
{
    for (int i = 0; i < LLM_CAUSE_COUNT; i++) {
        struct doctor_words words = doctor_words((enum llm_cause)i, 0);

        ck_assert_str_ne(words.what, "");
        ck_assert_str_ne(words.what, llm_causes[(enum llm_cause)i].name);
    }
    ck_assert_str_ne(doctor_words(LLM_AUTH, 401).what, doctor_words(LLM_AUTH, 403).what);
    doctor("--help", NULL); /* there is always something that was said */
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("cli_doctor");
    TCase *tcase = suite_case(suite, "cli_doctor", setup, teardown);

    suite_tests(tcase, a_chain_that_answers_is_shown_in_its_order,
                without_a_word_it_looks_at_the_models_too);
    suite_rows(tcase, what_is_wrong_is_said_with_what_to_do, failures);
    suite_tests(tcase, nobody_at_the_address_is_said, a_certificate_that_nobody_signed_is_said,
                no_model_at_all_is_a_failure_with_advice,
                a_wrong_entry_is_a_failure_though_others_answer, scripts_read_it_as_json,
                every_cause_has_words_of_its_own);
    return suite_run(suite);
}
