/* A name server that does not answer: the look-up of one name never ends while an ask is made.
 *
 * getaddrinfo is this file's own for one name; libcurl, which calls it in a thread, finds it
 * here. */
#include <dlfcn.h>
#include <netdb.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/explain/llm_help.h"
#include "tests/unit/explain/test_llm.h"
#include "tests/support/suite.h"

#define SLOW_NAME "slow.invalid"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int waiting; /* look-ups of the slow name */
static bool is_over;

typedef int look_up_fn(const char *, const char *, const struct addrinfo *, struct addrinfo **);

static int
wait_for_over(void)
{
    pthread_mutex_lock(&lock);
    waiting++;
    while (!is_over)
        pthread_cond_wait(&changed, &lock);
    waiting--;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
    return EAI_AGAIN;
}

int
getaddrinfo(const char *name, const char *service, const struct addrinfo *hints,
            struct addrinfo **ret)
{
    static look_up_fn *real;

    if (name && strcmp(name, SLOW_NAME) == 0)
        return wait_for_over();
    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
    return real(name, service, hints, ret);
}

static void
end_look_ups(void)
{
    pthread_mutex_lock(&lock);
    is_over = true;
    pthread_cond_broadcast(&changed);
    while (waiting > 0)
        pthread_cond_wait(&changed, &lock);
    pthread_mutex_unlock(&lock);
}

START_TEST(a_name_that_is_looked_up_for_ever_holds_nobody_up)
{
    static struct llm_told told[4];

    setenv("OPENAI_BASE_URL", "https://" SLOW_NAME, 1);
    llm_set(LLM_CHAIN_OF_TWO);
    llm_set("llm.connect_ms=100");
    llm_start();
    for (size_t i = 0; i < 4; i++)
        llm_begin(&told[i]);
    llm_wait(4);
    for (size_t i = 0; i < 4; i++)
        llm_expect(&told[i], LLM_OK, "two");
    ck_assert_uint_eq(llm_counted("openai", "one", "dns", METRIC_LLM_REQUESTS), 4);
    pthread_mutex_lock(&lock);
    ck_assert_int_eq(waiting, 4); /* still */
    pthread_mutex_unlock(&lock);
    end_look_ups();
}
END_TEST

TCase *
llm_names_case(void)
{
    TCase *tcase = case_new("names", llm_setup, llm_teardown);

    suite_tests(tcase, a_name_that_is_looked_up_for_ever_holds_nobody_up);
    return tcase;
}
