/* Answers kept by bytes: what stays, what leaves, and whose they are. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "actors/tune/recompute/answer_cache.h"
#include "tests/support/suite.h"

#define ROOM 65536

static answer_cache_t *cache;

static void
set_up(void)
{
    cache = answer_cache_new(ROOM);
}

static void
tear_down(void)
{
    answer_cache_destroy(&cache);
}

static struct answer_key
key(uint8_t workspace, uint8_t run, uint32_t points)
{
    struct answer_key key = {.points = points};

    key.workspace.bytes[0] = workspace;
    key.run.bytes[15] = run;
    return key;
}

static void
put(const struct answer_key *where, const char *version, char letter, size_t size)
{
    char *text = malloc(size + 1);

    ck_assert_ptr_nonnull(text);
    memset(text, letter, size);
    text[size] = '\0';
    answer_cache_put(cache, where, version, 7, &text);
    ck_assert_ptr_null(text);
}

START_TEST(an_answer_is_found_by_workspace_run_and_points)
{
    const struct answer_key mine = key(1, 1, 10);
    const struct answer_key others[] = {key(2, 1, 10), key(1, 2, 10), key(1, 1, 11)};
    const answer_t *answer;

    put(&mine, "1.2", 'a', 100);
    answer = answer_cache_find(cache, &mine);
    ck_assert_ptr_nonnull(answer);
    ck_assert_uint_eq(answer->size, 100);
    ck_assert_uint_eq(strlen(answer->text), 100);
    ck_assert_str_eq(answer->version, "1.2");
    ck_assert_int_eq(answer->seen_ms, 7);
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        ck_assert_ptr_null(answer_cache_find(cache, &others[i]));
}
END_TEST

START_TEST(a_newer_answer_takes_the_place_of_the_older)
{
    const struct answer_key mine = key(1, 1, 10);
    size_t bytes;

    put(&mine, "1", 'a', 1000);
    bytes = answer_cache_bytes(cache);
    put(&mine, "2", 'b', 1000);
    ck_assert_uint_eq(answer_cache_bytes(cache), bytes);
    ck_assert_str_eq(answer_cache_find(cache, &mine)->version, "2");
    ck_assert_int_eq(answer_cache_find(cache, &mine)->text[0], 'b');
}
END_TEST

START_TEST(the_least_recently_used_leave_first)
{
    for (uint8_t i = 0; i < 60; i++) {
        const struct answer_key one = key(1, i, 10), first = key(1, 0, 10);

        put(&one, "1", 'a', 4000);
        ck_assert_ptr_nonnull(answer_cache_find(cache, &one));
        ck_assert_ptr_nonnull(
            answer_cache_find(cache, &first)); /* which is used all the time */
        ck_assert_uint_le(answer_cache_bytes(cache), ROOM);
    }
    for (uint8_t i = 1; i < 60; i++) {
        const struct answer_key one = key(1, i, 10);

        ck_assert((answer_cache_find(cache, &one) != NULL) == (i > 45));
    }
}
END_TEST

START_TEST(one_that_is_too_large_is_not_kept_and_drives_nobody_out)
{
    const struct answer_key small = key(1, 1, 10), large = key(1, 2, 10);

    put(&small, "1", 'a', 100);
    put(&large, "1", 'a', 100);
    put(&large, "2", 'b', ROOM);
    ck_assert_ptr_null(answer_cache_find(cache, &large));
    ck_assert_ptr_nonnull(answer_cache_find(cache, &small));
}
END_TEST

START_TEST(without_room_none_is_kept)
{
    const struct answer_key mine = key(1, 1, 10);

    answer_cache_destroy(&cache);
    cache = answer_cache_new(0);
    put(&mine, "1", 'a', 0);
    ck_assert_ptr_null(answer_cache_find(cache, &mine));
    ck_assert_uint_eq(answer_cache_bytes(cache), 0);
}
END_TEST

START_TEST(what_is_dropped_is_gone)
{
    const struct answer_key mine = key(1, 1, 10), other = key(1, 2, 10);

    put(&mine, "1", 'a', 100);
    put(&other, "1", 'a', 100);
    answer_cache_drop(cache, &mine);
    answer_cache_drop(cache, &mine);
    ck_assert_ptr_null(answer_cache_find(cache, &mine));
    ck_assert_ptr_nonnull(answer_cache_find(cache, &other));
    answer_cache_drop(cache, &other);
    ck_assert_uint_eq(answer_cache_bytes(cache), 0);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("answer_cache");
    TCase *tcase = suite_case(suite, "answers", set_up, tear_down);

    suite_tests(tcase, an_answer_is_found_by_workspace_run_and_points,
                a_newer_answer_takes_the_place_of_the_older,
                the_least_recently_used_leave_first,
                one_that_is_too_large_is_not_kept_and_drives_nobody_out,
                without_room_none_is_kept, what_is_dropped_is_gone);
    return suite_run(suite);
}
