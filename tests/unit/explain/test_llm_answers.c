/* What providers may send back, row by row, and what it is taken for. */
#include <check.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "actors/explain/llm/answers.h"
#include "tests/support/suite.h"

#define OPENAI    "openai"
#define ANTHROPIC "anthropic"
#define OLLAMA    "ollama"

static const struct llm_provider *
provider(const char *name)
{
    const struct llm_provider *found = llm_provider_find(name, strlen(name));

    ck_assert_ptr_nonnull(found);
    return found;
}

/* --- causes ------------------------------------------------------------------------------- */

/* The contract: what may be done after each, in the order of the columns. */
static const struct {
    enum llm_cause cause;
    const char *name, *reason;
    bool may_retry;
    enum llm_next next;
    bool counts;
    enum llm_cooldown cooldown;
} contract[] = {
    {LLM_OK, "ok", "", false, LLM_NEXT_NONE, false, LLM_COOLDOWN_NONE},
    {LLM_CONNECT, "connect", "llm_error", true, LLM_NEXT_ANY, true, LLM_COOLDOWN_NONE},
    {LLM_DNS, "dns", "llm_error", true, LLM_NEXT_ANY, true, LLM_COOLDOWN_NONE},
    {LLM_TLS, "tls", "llm_error", true, LLM_NEXT_ANY, true, LLM_COOLDOWN_NONE},
    {LLM_TIMEOUT_FIRST_BYTE, "timeout_first_byte", "llm_timeout", true, LLM_NEXT_ANY, true,
     LLM_COOLDOWN_NONE},
    {LLM_TIMEOUT_TOTAL, "timeout_total", "llm_timeout", true, LLM_NEXT_ANY, true,
     LLM_COOLDOWN_NONE},
    {LLM_STALLED, "stalled", "llm_timeout", true, LLM_NEXT_ANY, true, LLM_COOLDOWN_NONE},
    {LLM_RATE_LIMITED, "rate_limited", "llm_rate_limit", true, LLM_NEXT_ANY, false,
     LLM_COOLDOWN_TOLD},
    {LLM_QUOTA, "quota", "llm_rate_limit", false, LLM_NEXT_ANY, false, LLM_COOLDOWN_LONG},
    {LLM_OVERLOADED, "overloaded", "llm_error", true, LLM_NEXT_ANY, true, LLM_COOLDOWN_NONE},
    {LLM_SERVER_ERROR, "server_error", "llm_error", true, LLM_NEXT_ANY, true,
     LLM_COOLDOWN_NONE},
    {LLM_AUTH, "auth", "llm_error", false, LLM_NEXT_ANY, false, LLM_COOLDOWN_LONG},
    {LLM_BAD_REQUEST, "bad_request", "llm_error", false, LLM_NEXT_NONE, false,
     LLM_COOLDOWN_NONE},
    {LLM_CONTEXT_LENGTH, "context_length", "llm_error", false, LLM_NEXT_LARGER, false,
     LLM_COOLDOWN_NONE},
    {LLM_CONTENT_FILTER, "content_filter", "llm_error", false, LLM_NEXT_NONE, false,
     LLM_COOLDOWN_NONE},
    {LLM_EMPTY, "empty", "llm_error", true, LLM_NEXT_ANY, true, LLM_COOLDOWN_NONE},
    {LLM_BAD_JSON, "bad_json", "llm_error", true, LLM_NEXT_ANY, true, LLM_COOLDOWN_NONE},
    {LLM_SCHEMA, "schema", "llm_error", true, LLM_NEXT_ANY, true, LLM_COOLDOWN_NONE},
    {LLM_TOO_LARGE, "too_large", "llm_error", true, LLM_NEXT_ANY, true, LLM_COOLDOWN_NONE},
    {LLM_CANCELLED, "cancelled", "llm_error", false, LLM_NEXT_ANY, false, LLM_COOLDOWN_NONE},
    {LLM_BREAKER_OPEN, "breaker_open", "llm_error", false, LLM_NEXT_ANY, false,
     LLM_COOLDOWN_NONE},
    {LLM_COOLING_DOWN, "cooling_down", "llm_rate_limit", false, LLM_NEXT_ANY, false,
     LLM_COOLDOWN_NONE},
    {LLM_BUDGET, "budget", "llm_rate_limit", false, LLM_NEXT_ANY, false, LLM_COOLDOWN_NONE},
    {LLM_DISABLED, "disabled", "llm_unconfigured", false, LLM_NEXT_ANY, false,
     LLM_COOLDOWN_NONE},
};

START_TEST(every_cause_has_the_rule_of_the_contract)
{
    const struct llm_rule *rule = &llm_causes[contract[_i].cause];

    ck_assert_uint_eq(sizeof(contract) / sizeof(contract[0]), LLM_CAUSE_COUNT);
    ck_assert_int_eq(contract[_i].cause, _i);
    ck_assert_str_eq(llm_causes[contract[_i].cause].name, contract[_i].name);
    ck_assert_str_eq(llm_causes[contract[_i].cause].reason, contract[_i].reason);
    ck_assert_int_eq(rule->may_retry, contract[_i].may_retry);
    ck_assert_int_eq(rule->next, contract[_i].next);
    ck_assert_int_eq(rule->counts, contract[_i].counts);
    ck_assert_int_eq(rule->cooldown, contract[_i].cooldown);
}
END_TEST

/* --- answers ------------------------------------------------------------------------------ */

static const struct {
    const char *provider;
    int status;
    const char *body;
    enum llm_cause cause;
    const char *text, *what;
} answers[] = {
    /* texts */
    {OPENAI, 200, "{\"choices\":[{\"message\":{\"content\":\"Hi.\"}}]}", LLM_OK, "Hi.", ""},
    {OPENAI, 200, " \n\t {\"choices\":[{\"message\":{\"content\":\" \\n Hi. \\n\"}}]}\n",
     LLM_OK, "Hi.", ""},
    {OPENAI, 200, "{\"error\":null,\"choices\":[{\"message\":{\"content\":\"\xc3\xa9\"}}]}",
     LLM_OK, "\xc3\xa9", ""},
    {ANTHROPIC, 200,
     "{\"type\":\"message\",\"content\":[{\"type\":\"thinking\",\"thinking\":\"hm\"},"
     "{\"type\":\"text\",\"text\":\"One \"},{\"type\":\"text\",\"text\":\"two.\"}]}",
     LLM_OK, "One two.", ""},
    {OLLAMA, 200, "{\"message\":{\"content\":\"Hi.\"},\"done\":true}", LLM_OK, "Hi.", ""},
    /* no text */
    {OPENAI, 200, "", LLM_EMPTY, NULL, ""},
    {OPENAI, 200, "{\"choices\":[{\"message\":{\"content\":\"\"}}]}", LLM_EMPTY, NULL, ""},
    {OPENAI, 200, "{\"choices\":[{\"message\":{\"content\":\" \\n\\t\\r \"}}]}", LLM_EMPTY,
     NULL, ""},
    {OPENAI, 200,
     "{\"choices\":[{\"message\":{\"content\":null},\"finish_reason\":\"length\"}]}", LLM_EMPTY,
     NULL, ""},
    {ANTHROPIC, 200, "{\"content\":[]}", LLM_EMPTY, NULL, ""},
    {ANTHROPIC, 200, "{\"content\":[{\"type\":\"thinking\",\"thinking\":\"hm\"}]}", LLM_EMPTY,
     NULL, ""},
    {OLLAMA, 200, "{\"message\":{\"content\":\"\"},\"done\":true}", LLM_EMPTY, NULL, ""},
    /* filters */
    {OPENAI, 200,
     "{\"choices\":[{\"message\":{\"content\":\"part\"},\"finish_reason\":\"content_filter\"}]"
     "}",
     LLM_CONTENT_FILTER, NULL, ""},
    {OPENAI, 200, "{\"choices\":[{\"message\":{\"content\":null,\"refusal\":\"No.\"}}]}",
     LLM_CONTENT_FILTER, NULL, ""},
    {ANTHROPIC, 200, "{\"content\":[],\"stop_reason\":\"refusal\"}", LLM_CONTENT_FILTER, NULL,
     ""},
    {OPENAI, 400, "{\"error\":{\"code\":\"content_filter\",\"message\":\"filtered\"}}",
     LLM_CONTENT_FILTER, NULL, "content_filter"},
    {"openrouter", 403,
     "{\"error\":{\"code\":403,\"message\":\"flagged\",\"metadata\":{\"reasons\":[\"x\"]}}}",
     LLM_CONTENT_FILTER, NULL, ""},
    /* not JSON, or not the JSON that was meant */
    {OPENAI, 200, "<html>Welcome</html>", LLM_BAD_JSON, NULL, ""},
    {OPENAI, 200, "{\"choices\":[{\"message\":{\"content\":\"cut of", LLM_BAD_JSON, NULL, ""},
    {OPENAI, 200, "{\"choices\":[{\"message\":{\"content\":\"\xff\xfe\"}}]}", LLM_BAD_JSON,
     NULL, ""},
    {OPENAI, 200, "{\"choices\":[{\"message\":{\"content\":\"a\\u0000b\"}}]}", LLM_BAD_JSON,
     NULL, ""},
    {OPENAI, 200, "{\"choices\":[{\"message\":{\"content\":\"\\ud800\"}}]}", LLM_BAD_JSON, NULL,
     ""},
    {OPENAI, 200, "{\"choices\":1,\"choices\":2}", LLM_BAD_JSON, NULL, ""},
    {OPENAI, 200, "[]", LLM_SCHEMA, NULL, ""},
    {OPENAI, 200, "{}", LLM_SCHEMA, NULL, ""},
    {OPENAI, 200, "{\"choices\":[]}", LLM_SCHEMA, NULL, ""},
    {OPENAI, 200, "{\"choices\":[{\"message\":{\"content\":[{\"type\":\"text\"}]}}]}",
     LLM_SCHEMA, NULL, ""},
    {OPENAI, 200, "{\"choices\":[{\"message\":{\"content\":7}}]}", LLM_SCHEMA, NULL, ""},
    {ANTHROPIC, 200, "{\"content\":\"Hi.\"}", LLM_SCHEMA, NULL, ""},
    {ANTHROPIC, 200, "{\"content\":[\"Hi.\"]}", LLM_SCHEMA, NULL, ""},
    {ANTHROPIC, 200, "{\"content\":[{\"type\":\"text\",\"text\":7}]}", LLM_SCHEMA, NULL, ""},
    {ANTHROPIC, 200, "{\"choices\":[{\"message\":{\"content\":\"Hi.\"}}]}", LLM_SCHEMA, NULL,
     ""},
    {OLLAMA, 200, "{\"message\":{\"content\":\"Hi\"},\"done\":false}", LLM_SCHEMA, NULL, ""},
    {OLLAMA, 200, "{\"response\":\"Hi\",\"done\":true}", LLM_SCHEMA, NULL, ""},
    /* errors inside a 200 */
    {OPENAI, 200, "{\"error\":{\"message\":\"upstream died\",\"code\":502}}", LLM_SERVER_ERROR,
     NULL, ""},
    {OPENAI, 200, "{\"error\":{\"message\":\"busy\",\"code\":429}}", LLM_RATE_LIMITED, NULL,
     ""},
    {OPENAI, 200, "{\"error\":{\"message\":\"busy\",\"code\":503}}", LLM_OVERLOADED, NULL, ""},
    {OPENAI, 200, "{\"error\":{\"message\":\"no money\",\"code\":402}}", LLM_QUOTA, NULL, ""},
    {OPENAI, 200, "{\"error\":{\"type\":\"invalid_request_error\"}}", LLM_BAD_REQUEST, NULL,
     "invalid_request_error"},
    {OPENAI, 200, "{\"error\":{\"code\":\"rate_limit_exceeded\"}}", LLM_RATE_LIMITED, NULL,
     "rate_limit_exceeded"},
    {OPENAI, 200, "{\"error\":\"something\"}", LLM_SERVER_ERROR, NULL, ""},
    {OPENAI, 200, "{\"error\":{}}", LLM_SERVER_ERROR, NULL, ""},
    {OPENAI, 200, "{\"error\":true}", LLM_SERVER_ERROR, NULL, ""},
    {OPENAI, 200, "{\"choices\":[{\"error\":{\"code\":502},\"message\":{\"content\":\"x\"}}]}",
     LLM_SERVER_ERROR, NULL, ""},
    {OPENAI, 200,
     "{\"choices\":[{\"finish_reason\":\"error\",\"message\":{\"content\":\"x\"}}]}",
     LLM_SERVER_ERROR, NULL, ""},
    {ANTHROPIC, 200,
     "{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}"
     "}",
     LLM_OVERLOADED, NULL, "overloaded_error"},
    {ANTHROPIC, 200, "{\"type\":\"error\"}", LLM_SERVER_ERROR, NULL, "error"},
    {OLLAMA, 200, "{\"error\":\"out of memory\"}", LLM_SERVER_ERROR, NULL, ""},
    /* statuses alone */
    {OPENAI, 204, "", LLM_SCHEMA, NULL, ""},
    {OPENAI, 301, "", LLM_SCHEMA, NULL, ""},
    {OPENAI, 307, "", LLM_SCHEMA, NULL, ""},
    {OPENAI, 400, "", LLM_BAD_REQUEST, NULL, ""},
    {OPENAI, 401, "", LLM_AUTH, NULL, ""},
    {OPENAI, 402, "", LLM_QUOTA, NULL, ""},
    {OPENAI, 403, "", LLM_AUTH, NULL, ""},
    {OPENAI, 404, "", LLM_BAD_REQUEST, NULL, ""},
    {OPENAI, 408, "", LLM_TIMEOUT_TOTAL, NULL, ""},
    {OPENAI, 413, "", LLM_BAD_REQUEST, NULL, ""},
    {OPENAI, 422, "", LLM_BAD_REQUEST, NULL, ""},
    {OPENAI, 429, "", LLM_RATE_LIMITED, NULL, ""},
    {OPENAI, 500, "", LLM_SERVER_ERROR, NULL, ""},
    {OPENAI, 502, "<html>Bad Gateway</html>", LLM_SERVER_ERROR, NULL, ""},
    {OPENAI, 503, "", LLM_OVERLOADED, NULL, ""},
    {OPENAI, 504, "", LLM_SERVER_ERROR, NULL, ""},
    {OPENAI, 529, "", LLM_OVERLOADED, NULL, ""},
    /* what the body adds to a status */
    {OPENAI, 429,
     "{\"error\":{\"message\":\"m\",\"type\":\"insufficient_quota\",\"code\":\"insufficient_"
     "quota\"}}",
     LLM_QUOTA, NULL, "insufficient_quota"},
    {OPENAI, 429, "{\"error\":{\"type\":\"tokens\",\"code\":\"rate_limit_exceeded\"}}",
     LLM_RATE_LIMITED, NULL, "rate_limit_exceeded"},
    {ANTHROPIC, 429,
     "{\"type\":\"error\",\"error\":{\"type\":\"rate_limit_error\",\"message\":\"m\","
     "\"details\":{\"error_code\":\"enforced_spend_limit_reached\"}}}",
     LLM_QUOTA, NULL, "enforced_spend_limit_reached"},
    {ANTHROPIC, 429, "{\"type\":\"error\",\"error\":{\"type\":\"rate_limit_error\"}}",
     LLM_RATE_LIMITED, NULL, "rate_limit_error"},
    {ANTHROPIC, 400,
     "{\"error\":{\"type\":\"invalid_request_error\",\"message\":\"Your credit balance is too "
     "low "
     "to access the API.\"}}",
     LLM_QUOTA, NULL, "invalid_request_error"},
    {ANTHROPIC, 400,
     "{\"error\":{\"type\":\"invalid_request_error\",\"message\":\"You have reached your "
     "specified API usage limits.\"}}",
     LLM_QUOTA, NULL, "invalid_request_error"},
    {ANTHROPIC, 402, "{\"error\":{\"type\":\"billing_error\"}}", LLM_QUOTA, NULL,
     "billing_error"},
    {ANTHROPIC, 500, "{\"error\":{\"type\":\"overloaded_error\"}}", LLM_OVERLOADED, NULL,
     "overloaded_error"},
    {ANTHROPIC, 400,
     "{\"error\":{\"type\":\"invalid_request_error\",\"message\":\"prompt is too long: 210000 "
     "tokens > 200000 maximum\"}}",
     LLM_CONTEXT_LENGTH, NULL, "invalid_request_error"},
    {OPENAI, 400, "{\"error\":{\"code\":\"context_length_exceeded\"}}", LLM_CONTEXT_LENGTH,
     NULL, "context_length_exceeded"},
    {OPENAI, 400,
     "{\"object\":\"error\",\"message\":\"This model's maximum context length is 4096 "
     "tokens.\",\"type\":\"BadRequestError\",\"code\":400}",
     LLM_CONTEXT_LENGTH, NULL, "BadRequestError"},
    {OPENAI, 500,
     "{\"error\":{\"code\":500,\"message\":\"m\",\"type\":\"exceed_context_size_error\"}}",
     LLM_CONTEXT_LENGTH, NULL, "exceed_context_size_error"},
    {ANTHROPIC, 200, "{\"content\":[],\"stop_reason\":\"model_context_window_exceeded\"}",
     LLM_CONTEXT_LENGTH, NULL, ""},
    {OPENAI, 404, "{\"error\":{\"code\":\"model_not_found\"}}", LLM_BAD_REQUEST, NULL,
     "model_not_found"},
    {OPENAI, 401, "{\"error\":{\"code\":\"invalid_api_key\",\"message\":\"sk-1234\"}}",
     LLM_AUTH, NULL, "invalid_api_key"},
    {OPENAI, 500, "{\"error\":{\"type\":\"invalid_request_error\"}}", LLM_SERVER_ERROR, NULL,
     "invalid_request_error"},
    {OPENAI, 500, "{\"error\":{\"message\":\"maximum context length\"}}", LLM_SERVER_ERROR,
     NULL, ""},
    {OLLAMA, 404, "{\"error\":\"model 'x' not found\"}", LLM_BAD_REQUEST, NULL, ""},
    /* words that are none are not repeated */
    {OPENAI, 400, "{\"error\":{\"type\":\"two words\",\"code\":\"a\\nb\"}}", LLM_BAD_REQUEST,
     NULL, ""},
    {OPENAI, 400,
     "{\"error\":{\"type\":\"fine\",\"code\":"
     "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}}",
     LLM_BAD_REQUEST, NULL, "fine"},
    {OPENAI, 400, "{\"error\":[1,2]}", LLM_BAD_REQUEST, NULL, ""},
    {OPENAI, 400, "7", LLM_BAD_REQUEST, NULL, ""},
};

START_TEST(an_answer_is_taken_for_what_it_is)
{
    struct llm_answer answer;
    enum llm_cause cause = llm_answer_read(provider(answers[_i].provider), answers[_i].status,
                                           answers[_i].body, strlen(answers[_i].body), &answer);

    ck_assert_msg(cause == answers[_i].cause, "%s, not %s: %d %s", llm_causes[cause].name,
                  llm_causes[answers[_i].cause].name, answers[_i].status, answers[_i].body);
    ck_assert_str_eq(answer.what, answers[_i].what);
    if (answers[_i].text) {
        ck_assert_str_eq(answer.text, answers[_i].text);
        ck_assert_uint_eq(answer.size, strlen(answers[_i].text));
    } else
        ck_assert_ptr_null(answer.text);
    llm_answer_fini(&answer);
}
END_TEST

static const struct {
    const char *provider, *body;
    int64_t in, out;
    bool is_cut;
    const char *model;
} details[] = {
    {OPENAI,
     "{\"model\":\"gpt-4.1-mini-2025-04-14\",\"choices\":[{\"message\":{\"content\":\"x\"},"
     "\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":12}}",
     9, 12, false, "gpt-4.1-mini-2025-04-14"},
    {OPENAI,
     "{\"choices\":[{\"message\":{\"content\":\"x\"},\"finish_reason\":\"length\"}],\"usage\":{"
     "}}",
     -1, -1, true, ""},
    {OPENAI,
     "{\"model\":\"two words\",\"choices\":[{\"message\":{\"content\":\"x\"}}],\"usage\":"
     "{\"prompt_tokens\":-1,\"completion_tokens\":1e3}}",
     -1, -1, false, ""},
    {ANTHROPIC,
     "{\"model\":\"m\",\"content\":[{\"type\":\"text\",\"text\":\"x\"}],\"stop_reason\":"
     "\"max_tokens\",\"usage\":{\"input_tokens\":3,\"output_tokens\":0}}",
     3, 0, true, "m"},
    {ANTHROPIC,
     "{\"content\":[{\"type\":\"text\",\"text\":\"x\"}],\"stop_reason\":"
     "\"model_context_window_exceeded\",\"usage\":{\"input_tokens\":99999999999}}",
     -1, -1, true, ""},
    {OLLAMA,
     "{\"model\":\"llama3.2:3b\",\"message\":{\"content\":\"x\"},\"done\":true,\"done_reason\":"
     "\"length\",\"prompt_eval_count\":26,\"eval_count\":298}",
     26, 298, true, "llama3.2:3b"},
    {OLLAMA, "{\"message\":{\"content\":\"x\"},\"done\":true,\"done_reason\":\"stop\"}", -1, -1,
     false, ""},
};

START_TEST(tokens_model_and_length_are_read_where_they_are_told)
{
    struct llm_answer answer;
    const char *body = details[_i].body;

    ck_assert_int_eq(
        llm_answer_read(provider(details[_i].provider), 200, body, strlen(body), &answer),
        LLM_OK);
    ck_assert_int_eq(answer.tokens_in, details[_i].in);
    ck_assert_int_eq(answer.tokens_out, details[_i].out);
    ck_assert_int_eq(answer.is_cut, details[_i].is_cut);
    ck_assert_str_eq(answer.model, details[_i].model);
    llm_answer_fini(&answer);
}
END_TEST

/* --- requests ----------------------------------------------------------------------------- */

static json_t *
request_of(const char *name, bool is_standard)
{
    const struct llm_question question = {.model = "m\"1",
                                          .system = "Be brief.",
                                          .user = "\xc3\xa9 \"quoted\"\n",
                                          .max_tokens = 70,
                                          .is_standard = is_standard};
    char *text = llm_provider_request(provider(name), &question);
    json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, NULL);

    ck_assert_ptr_nonnull(root);
    ck_assert_str_eq(json_string_value(json_object_get(root, "model")), "m\"1");
    free(text);
    return root;
}

static void
expect_message(const json_t *root, size_t index, const char *role, const char *content)
{
    const json_t *message = json_array_get(json_object_get(root, "messages"), index);

    ck_assert_str_eq(json_string_value(json_object_get(message, "role")), role);
    ck_assert_str_eq(json_string_value(json_object_get(message, "content")), content);
}

static json_int_t
number(const json_t *root, const char *name)
{
    return json_integer_value(json_object_get(root, name));
}

START_TEST(what_speaks_like_openai_is_asked_by_messages)
{
    json_t *own = request_of(OPENAI, true), *other = request_of(OPENAI, false),
           *router = request_of("openrouter", true);

    expect_message(own, 0, "system", "Be brief.");
    expect_message(own, 1, "user", "\xc3\xa9 \"quoted\"\n");
    ck_assert(json_is_false(json_object_get(own, "stream")));
    ck_assert_int_eq(number(own, "max_completion_tokens"), 70);
    ck_assert_ptr_null(json_object_get(own, "max_tokens"));
    ck_assert_int_eq(number(other, "max_tokens"), 70);
    ck_assert_int_eq(number(router, "max_tokens"), 70);
    json_decref(own);
    json_decref(other);
    json_decref(router);
}
END_TEST

START_TEST(anthropic_is_asked_with_the_system_text_apart)
{
    json_t *root = request_of(ANTHROPIC, true);

    ck_assert_str_eq(json_string_value(json_object_get(root, "system")), "Be brief.");
    expect_message(root, 0, "user", "\xc3\xa9 \"quoted\"\n");
    ck_assert_uint_eq(json_array_size(json_object_get(root, "messages")), 1);
    ck_assert_int_eq(number(root, "max_tokens"), 70);
    json_decref(root);
}
END_TEST

START_TEST(ollama_is_asked_for_one_whole_answer)
{
    json_t *root = request_of(OLLAMA, false);

    expect_message(root, 0, "system", "Be brief.");
    expect_message(root, 1, "user", "\xc3\xa9 \"quoted\"\n");
    ck_assert(json_is_false(json_object_get(root, "stream")));
    ck_assert_int_eq(number(json_object_get(root, "options"), "num_predict"), 70);
    json_decref(root);
}
END_TEST

START_TEST(a_text_that_is_not_utf8_is_not_sent)
{
    const struct llm_question question = {.model = "m", .system = "s", .user = "\xff"};

    static const char *const names[] = {"openai", "anthropic", "openrouter", "ollama"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        ck_assert_ptr_null(
            llm_provider_request(llm_provider_find(names[i], strlen(names[i])), &question));
}
END_TEST

static const char *
header(const char *const *headers, const char *name)
{
    for (; *headers; headers++)
        if (strncmp(*headers, name, strlen(name)) == 0)
            return *headers + strlen(name);
    return "(absent)";
}

START_TEST(a_key_is_sent_as_the_provider_wants_it)
{
    char room[LLM_HEADERS_MAX][LLM_HEADER_MAX];
    const char *headers[LLM_HEADERS_MAX + 1];

    llm_provider_headers(provider(OPENAI), "sk-1", room, headers);
    ck_assert_str_eq(header(headers, "Authorization: "), "Bearer sk-1");
    ck_assert_str_eq(header(headers, "Content-Type: "), "application/json");
    llm_provider_headers(provider(ANTHROPIC), "sk-2", room, headers);
    ck_assert_str_eq(header(headers, "x-api-key: "), "sk-2");
    ck_assert_str_eq(header(headers, "anthropic-version: "), "2023-06-01");
    ck_assert_str_eq(header(headers, "Authorization: "), "(absent)");
    llm_provider_headers(provider(OLLAMA), NULL, room, headers);
    ck_assert_str_eq(header(headers, "Authorization: "), "(absent)");
    llm_provider_headers(provider(OPENAI), NULL, room, headers);
    ck_assert_str_eq(header(headers, "Authorization: "), "(absent)");
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("llm_answers");
    TCase *tcase = suite_case(suite, "llm_answers", NULL, NULL);

    suite_rows(tcase, every_cause_has_the_rule_of_the_contract, contract);
    suite_rows(tcase, an_answer_is_taken_for_what_it_is, answers);
    suite_rows(tcase, tokens_model_and_length_are_read_where_they_are_told, details);
    suite_tests(tcase, what_speaks_like_openai_is_asked_by_messages,
                anthropic_is_asked_with_the_system_text_apart,
                ollama_is_asked_for_one_whole_answer, a_text_that_is_not_utf8_is_not_sent,
                a_key_is_sent_as_the_provider_wants_it);
    return suite_run(suite);
}
