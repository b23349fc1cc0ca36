/* Items kept by cost: what stays, what leaves, and whose they are. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "actors/kit/util/lru.h"
#include "tests/support/suite.h"

#define ROOM 65536

struct key {
    uint32_t workspace, run, points;
};

struct item {
    struct lru_link link;
    struct key key;
    char letter;
};

static lru_t *cache;
static size_t freed;

static void
free_item(void **item_p)
{
    free(*item_p);
    *item_p = NULL;
    freed++;
}

static void
set_up(void)
{
    freed = 0;
    cache = lru_new(sizeof(struct key), ROOM, free_item);
}

static void
tear_down(void)
{
    lru_destroy(&cache);
    ck_assert_ptr_null(cache);
}

static void
put(struct key key, char letter, size_t cost)
{
    struct item *item = calloc(1, sizeof(*item));

    ck_assert_ptr_nonnull(item);
    item->key = key;
    item->letter = letter;
    lru_put(cache, item, cost);
}

static struct item *
find(struct key key)
{
    return lru_find(cache, &key);
}

START_TEST(an_item_is_found_by_its_whole_key)
{
    const struct key mine = {1, 1, 10}, others[] = {{2, 1, 10}, {1, 2, 10}, {1, 1, 11}};

    put(mine, 'a', 100);
    ck_assert_ptr_nonnull(find(mine));
    ck_assert_int_eq(find(mine)->letter, 'a');
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        ck_assert_ptr_null(find(others[i]));
}
END_TEST

START_TEST(a_newer_item_takes_the_place_of_the_older)
{
    const struct key mine = {1, 1, 10}, other = {1, 2, 10};

    put(other, 'o', ROOM - 1000);
    put(mine, 'a', 1000);
    put(mine, 'b', 1000);
    ck_assert_uint_eq(freed, 1);
    ck_assert_int_eq(find(mine)->letter, 'b');
    ck_assert_ptr_nonnull(find(other));
}
END_TEST

START_TEST(the_least_recently_used_leave_first)
{
    const struct key first = {1, 0, 10};

    for (uint32_t i = 0; i < 60; i++) {
        const struct key one = {1, i, 10};

        put(one, 'a', 4096);
        ck_assert_ptr_nonnull(find(one));
        ck_assert_ptr_nonnull(find(first)); /* which is used all the time */
        ck_assert_uint_le((i + 1 - freed) * 4096, ROOM);
    }
    for (uint32_t i = 1; i < 60; i++)
        ck_assert((find((struct key){1, i, 10}) != NULL) == (i > 44));
}
END_TEST

START_TEST(the_one_put_last_stays_whatever_it_costs)
{
    const struct key small = {1, 1, 10}, large = {1, 2, 10}, next = {1, 3, 10};

    put(small, 'a', 100);
    put(large, 'b', (size_t)2 * ROOM);
    ck_assert_ptr_null(find(small));
    ck_assert_ptr_nonnull(find(large));
    put(next, 'c', 100);
    ck_assert_ptr_null(find(large));
    ck_assert_ptr_nonnull(find(next));
}
END_TEST

START_TEST(thousands_are_told_apart)
{
    lru_destroy(&cache);
    cache = lru_new(sizeof(struct key), SIZE_MAX, free_item);
    for (uint32_t i = 0; i < 5000; i++)
        put((struct key){i, i / 2, i / 3}, (char)(i % 100), 1);
    for (uint32_t i = 0; i < 5000; i++)
        ck_assert_int_eq(find((struct key){i, i / 2, i / 3})->letter, (char)(i % 100));
    lru_destroy(&cache);
    ck_assert_uint_eq(freed, 5000);
}
END_TEST

START_TEST(what_is_dropped_is_gone)
{
    const struct key mine = {1, 1, 10}, other = {1, 2, 10};

    put(mine, 'a', 100);
    put(other, 'b', 100);
    lru_drop(cache, &mine);
    lru_drop(cache, &mine);
    ck_assert_uint_eq(freed, 1);
    ck_assert_ptr_null(find(mine));
    ck_assert_ptr_nonnull(find(other));
    lru_drop(cache, &other);
    ck_assert_uint_eq(freed, 2);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("lru");
    TCase *tcase = suite_case(suite, "items", set_up, tear_down);

    suite_tests(tcase, an_item_is_found_by_its_whole_key,
                a_newer_item_takes_the_place_of_the_older, the_least_recently_used_leave_first,
                the_one_put_last_stays_whatever_it_costs, thousands_are_told_apart,
                what_is_dropped_is_gone);
    return suite_run(suite);
}
