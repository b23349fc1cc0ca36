/* The chain as it is read from settings and environment, addresses, and what models cost. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "actors/explain/llm/addresses.h"
#include "actors/explain/llm/model_config.h"
#include "tests/support/suite.h"

static settings_t *settings;
static struct model_configs links;

static const char *const variables[] = {
    "OPENAI_API_KEY",     "OPENAI_BASE_URL",     "ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL",
    "OPENROUTER_API_KEY", "OPENROUTER_BASE_URL", "OLLAMA_BASE_URL"};

static void
setup(void)
{
    for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++)
        unsetenv(variables[i]);
    settings = settings_new();
}

static void
teardown(void)
{
    model_configs_fini(&links);
    settings_destroy(&settings);
}

static void
set(const char *assignment)
{
    char detail[256] = "";

    ck_assert_msg(settings_set(settings, assignment, detail, sizeof(detail)) == TM_OK, "%s",
                  detail);
}

static const struct model_config *
read_at(size_t index)
{
    model_configs_fini(&links);
    model_configs_read(&links, settings);
    ck_assert_uint_lt(index, links.count);
    return &links.items[index];
}

static void
expect_problem(size_t index, enum model_config_state state, const char *words)
{
    const struct model_config *link = read_at(index);

    ck_assert_msg(link->state == state && strstr(link->problem, words), "%d: %s", link->state,
                  link->problem);
}

/* --- links -------------------------------------------------------------------------------- */

START_TEST(without_keys_the_usual_chain_is_there_and_absent)
{
    expect_problem(0, MODEL_CONFIG_ABSENT, "OPENAI_API_KEY is not set");
    expect_problem(1, MODEL_CONFIG_ABSENT, "ANTHROPIC_API_KEY is not set");
    expect_problem(2, MODEL_CONFIG_ABSENT, "OPENROUTER_API_KEY is not set");
    expect_problem(3, MODEL_CONFIG_ABSENT, "OLLAMA_BASE_URL is not set");
    ck_assert_uint_eq(links.count, 4);
    setenv("OPENAI_API_KEY", " \n", 1);
    expect_problem(0, MODEL_CONFIG_ABSENT, "OPENAI_API_KEY is not set");
}
END_TEST

START_TEST(a_key_is_enough_for_a_provider_of_the_net)
{
    const struct model_config *link;

    setenv("ANTHROPIC_API_KEY", "sk-ant-1\n", 1); /* as a file's last line leaves it */
    link = read_at(1);
    ck_assert_int_eq(link->state, MODEL_CONFIG_USABLE);
    ck_assert_str_eq(link->key, "sk-ant-1");
    ck_assert_str_eq(link->url, "https://api.anthropic.com/v1/messages");
    ck_assert_str_eq(link->origin, "https://api.anthropic.com");
    ck_assert_str_eq(link->model, "claude-haiku-4-5");
    ck_assert_int_eq(link->facts.context, 200000);
    ck_assert(link->is_standard && !link->is_local);
}
END_TEST

START_TEST(a_server_on_this_machine_needs_no_key_and_costs_nothing)
{
    const struct model_config *link;

    setenv("OPENAI_BASE_URL", "http://127.0.0.1:8000/v1/", 1);
    link = read_at(0);
    ck_assert_int_eq(link->state, MODEL_CONFIG_USABLE);
    ck_assert_ptr_null(link->key);
    ck_assert_str_eq(link->url, "http://127.0.0.1:8000/v1/chat/completions");
    ck_assert_str_eq(link->origin, "http://127.0.0.1:8000");
    ck_assert(link->is_local && !link->is_standard);
    ck_assert_int_eq(llm_model_cost(&link->facts, 1000, 1000), 0);
    setenv("OLLAMA_BASE_URL", "http://localhost:11434", 1);
    link = read_at(3);
    ck_assert_int_eq(link->state, MODEL_CONFIG_USABLE);
    ck_assert_str_eq(link->url, "http://localhost:11434/api/chat");
}
END_TEST

START_TEST(a_key_that_could_be_no_header_is_refused)
{
    char longer[1200];

    setenv("OPENAI_API_KEY", "sk-1\r\nX-Evil: 1", 1);
    expect_problem(0, MODEL_CONFIG_WRONG, "OPENAI_API_KEY holds a space");
    ck_assert_ptr_null(strstr(links.items[0].problem, "sk-1"));
    setenv("OPENAI_API_KEY", "sk 1", 1);
    expect_problem(0, MODEL_CONFIG_WRONG, "OPENAI_API_KEY holds a space");
    memset(longer, 'x', sizeof(longer));
    longer[sizeof(longer) - 1] = '\0';
    setenv("OPENAI_API_KEY", longer, 1);
    expect_problem(0, MODEL_CONFIG_WRONG, "OPENAI_API_KEY is longer than");
}
END_TEST

START_TEST(an_address_that_would_show_the_key_is_refused)
{
    setenv("OPENAI_API_KEY", "sk-1", 1);
    setenv("OPENAI_BASE_URL", "http://models.example/v1", 1);
    expect_problem(0, MODEL_CONFIG_WRONG, "OPENAI_BASE_URL is plain http");
    ck_assert_ptr_null(links.items[0].url);
}
END_TEST

START_TEST(models_are_named_in_the_chain_or_by_llm_model)
{
    setenv("OPENAI_API_KEY", "sk-1", 1);
    setenv("ANTHROPIC_API_KEY", "sk-2", 1);
    set("llm.chain= openrouter , openai:gpt-4o ,anthropic, openai:ft:gpt-4o:me,openai");
    set("llm.model=mine");
    ck_assert_str_eq(read_at(1)->model, "gpt-4o");
    ck_assert_str_eq(links.items[0].model, "openai/gpt-4.1-mini"); /* is not there */
    ck_assert_str_eq(links.items[2].model, "mine");
    ck_assert_str_eq(links.items[3].model, "ft:gpt-4o:me");
    ck_assert_str_eq(links.items[4].model, "gpt-4.1-mini");
    ck_assert_uint_eq(links.count, 5);
}
END_TEST

START_TEST(what_is_wrong_in_the_chain_is_said)
{
    setenv("OPENAI_API_KEY", "sk-1", 1);
    set("llm.chain=opneai,openai:a,openai:a,openai:two words,openai:"
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
        "a");
    expect_problem(0, MODEL_CONFIG_WRONG, "no such provider");
    expect_problem(1, MODEL_CONFIG_USABLE, "");
    expect_problem(2, MODEL_CONFIG_WRONG, "twice");
    expect_problem(3, MODEL_CONFIG_WRONG, "a character that none has");
    expect_problem(4, MODEL_CONFIG_WRONG, "more than 80 bytes");
}
END_TEST

START_TEST(a_chain_may_be_empty_and_is_not_endless)
{
    char chain[1000] = "llm.chain=", *at = chain + strlen(chain);

    set("llm.chain=");
    model_configs_read(&links, settings);
    ck_assert_uint_eq(links.count, 0);
    set("llm.chain=,, ,");
    model_configs_read(&links, settings);
    ck_assert_uint_eq(links.count, 0);
    setenv("OPENAI_API_KEY", "sk-1", 1);
    for (int i = 0; i < 40; i++)
        at += snprintf(at, 16, "openai:m%d,", i);
    set(chain);
    expect_problem(MODEL_CONFIGS_MAX - 2, MODEL_CONFIG_USABLE, "");
    expect_problem(MODEL_CONFIGS_MAX - 1, MODEL_CONFIG_WRONG, "more than 15 models");
    ck_assert_uint_eq(links.count, MODEL_CONFIGS_MAX);
}
END_TEST

/* --- addresses ---------------------------------------------------------------------------- */

static const struct {
    const char *base, *path, *url, *origin, *wrong;
    bool is_local;
} addresses[] = {
    {"https://h/v1", "/chat/completions", "https://h/v1/chat/completions", "https://h", NULL,
     false},
    {"https://h/v1//", "/chat/completions", "https://h/v1/chat/completions", "https://h", NULL,
     false},
    {"https://h:8443", "/v1/messages", "https://h:8443/v1/messages", "https://h:8443", NULL,
     false},
    {"https://h/v1", "/v1/messages", "https://h/v1/messages", "https://h", NULL, false},
    {"https://h/v1/chat/completions", "/chat/completions", "https://h/v1/chat/completions",
     "https://h", NULL, false},
    {"https://h/v1/chat", "/chat/completions", "https://h/v1/chat/completions", "https://h",
     NULL, false},
    {"http://localhost:11434/api", "/api/chat", "http://localhost:11434/api/chat",
     "http://localhost:11434", NULL, true},
    {"HTTP://LocalHost", "/api/chat", "HTTP://LocalHost/api/chat", "http://LocalHost", NULL,
     true},
    {"http://127.9.9.9", "/x", "http://127.9.9.9/x", "http://127.9.9.9", NULL, true},
    {"http://[::1]:80", "/x", "http://[::1]:80/x", "http://[::1]:80", NULL, true},
    {"https://127.0.0.1", "/x", "https://127.0.0.1/x", "https://127.0.0.1", NULL, true},
    {"http://h/v1", "/x", NULL, NULL, "plain http", false},
    {"http://localhost.example", "/x", NULL, NULL, "plain http", false},
    {"http://127.0.0.1.example", "/x", NULL, NULL, "plain http", false},
    {"http://127.0.0.1@h", "/x", NULL, NULL, "user or a password", false},
    {"https://me:secret@h", "/x", NULL, NULL, "user or a password", false},
    {"http://[::ffff:10.0.0.1]", "/x", NULL, NULL, "plain http", false},
    {"http://0x0a000001", "/x", NULL, NULL, "plain http", false},
    {"http://169.254.169.254", "/x", NULL, NULL, "plain http", false},
    {"https://h/v1?key=1", "/x", NULL, NULL, "? or #", false},
    {"https://h/v1#x", "/x", NULL, NULL, "? or #", false},
    {"file:///etc/passwd", "/x", NULL, NULL, "neither https", false},
    {"ftp://h", "/x", NULL, NULL, "neither https", false},
    {"h/v1", "/x", NULL, NULL, "no URL", false},
    {"", "/x", NULL, NULL, "no URL", false},
    {"https://", "/x", NULL, NULL, "no URL", false},
    {"https://h\r\nHost: x", "/x", NULL, NULL, "no URL", false},
};

START_TEST(an_address_is_taken_or_refused_with_words)
{
    struct llm_address address = {.url = NULL};
    const char *wrong = llm_address_read(addresses[_i].base, addresses[_i].path, &address);

    if (addresses[_i].wrong) {
        ck_assert_msg(wrong && strstr(wrong, addresses[_i].wrong), "%s: %s", addresses[_i].base,
                      wrong ? wrong : address.url);
        return;
    }
    ck_assert_msg(wrong == NULL, "%s: %s", addresses[_i].base, wrong);
    ck_assert_str_eq(address.url, addresses[_i].url);
    ck_assert_str_eq(address.origin, addresses[_i].origin);
    ck_assert_int_eq(address.is_local, addresses[_i].is_local);
    llm_address_fini(&address);
}
END_TEST

/* --- models ------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    bool is_local;
    const char *list;
    int64_t context;
    double in, out;
} models[] = {
    {"gpt-4.1-mini", false, "", 1047576, 0.4, 1.6},
    {"gpt-4.1-mini-2025-04-14", false, "", 1047576, 0.4, 1.6},
    {"openai/gpt-4.1-mini", false, "", 1047576, 0.4, 1.6},
    {"claude-haiku-4-5-20251001", false, "", 200000, 1, 5},
    {"claude-haiku-4-5-latest", false, "", 200000, 1, 5},
    {"gpt-4.1-maxi", false, "", 0, 5, 25}, /* not known: dear */
    {"gpt-4", false, "", 0, 5, 25},
    {"llama3.2", true, "", 0, 0, 0},
    {"gpt-4o", true, "", 0, 0, 0}, /* whatever it is called */
    {"a", false, "a=1000/1.5/2,b=7/0/0", 1000, 1.5, 2},
    {"b", false, "a=1000/1.5/2,b=7/0/0", 7, 0, 0},
    {"b", true, "a=1000/1.5/2,b=7/0.5/0,", 7, 0.5, 0},
    {"gpt-4o", false, "gpt-4o=1/2/3", 1, 2, 3},
    {"a", false, "b=x/1/1,a=1/1/1", 0, 5, 25}, /* what follows a mistake is not used */
};

START_TEST(a_model_is_known_from_list_and_table)
{
    struct llm_model model =
        llm_model_find(models[_i].name, models[_i].is_local, models[_i].list);

    ck_assert_int_eq(model.context, models[_i].context);
    ck_assert_double_eq(model.in, models[_i].in);
    ck_assert_double_eq(model.out, models[_i].out);
}
END_TEST

START_TEST(a_list_of_models_that_is_none_is_noticed)
{
    static const char *const wrong[] = {"a",         "=1/1/1",          "a=1/1",    "a=1/1/1/1",
                                        "a=-1/1/1",  "a=1/x/1",         "a=1/1/1 ", "a=/1/1",
                                        "a=1/inf/1", "a=1/1/1,,b=1/1/1"};
    size_t size;

    ck_assert_ptr_null(llm_models_wrong("", &size));
    ck_assert_ptr_null(llm_models_wrong("a=1/1/1", &size));
    ck_assert_ptr_null(llm_models_wrong("a=1/1.5/0.25,b=2/0/0", &size));
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        ck_assert_msg(llm_models_wrong(wrong[i], &size) != NULL, "%s", wrong[i]);
    ck_assert_str_eq(llm_models_wrong("a=1/1/1,b=1,c=1/1/1", &size), "b=1,c=1/1/1");
    ck_assert_uint_eq(size, 3);
}
END_TEST

START_TEST(a_cost_is_rounded_up)
{
    const struct llm_model model = {.in = 0.1, .out = 0.4};

    ck_assert_int_eq(llm_model_cost(&model, 0, 0), 0);
    ck_assert_int_eq(llm_model_cost(&model, 1, 0), 1);
    ck_assert_int_eq(llm_model_cost(&model, 1000000, 1000000), 500000); /* half a dollar */
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("model_configs");
    TCase *tcase = suite_case(suite, "model_configs", setup, teardown);

    suite_tests(tcase, without_keys_the_usual_chain_is_there_and_absent,
                a_key_is_enough_for_a_provider_of_the_net,
                a_server_on_this_machine_needs_no_key_and_costs_nothing,
                a_key_that_could_be_no_header_is_refused,
                an_address_that_would_show_the_key_is_refused,
                models_are_named_in_the_chain_or_by_llm_model,
                what_is_wrong_in_the_chain_is_said, a_chain_may_be_empty_and_is_not_endless);
    suite_rows(tcase, an_address_is_taken_or_refused_with_words, addresses);
    suite_rows(tcase, a_model_is_known_from_list_and_table, models);
    suite_tests(tcase, a_list_of_models_that_is_none_is_noticed, a_cost_is_rounded_up);
    return suite_run(suite);
}
