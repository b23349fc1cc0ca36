/* The map against a plain array: random puts, removals and look-ups, with ids that crowd into
 * the same slots as they please. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "actors/kit/util/fifo.h"
#include "proto/codec/uuid_map.h"
#include "tests/support/suite.h"

struct item {
    fifo_link_t link;
    int number;
    tm_uuid_t id;
    bool is_in;
};

static tm_uuid_t
id_of(int number)
{
    tm_uuid_t id = {{0}};

    memcpy(id.bytes + 6, &number, sizeof number); /* ids of one millisecond differ here */
    return id;
}

/* The same numbers each time (xorshift). */
static uint32_t
below(uint32_t limit)
{
    static uint32_t state = 7;

    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    return state % limit;
}

START_TEST(it_holds_what_was_put_and_nothing_else)
{
    enum { ITEMS = 3000, STEPS = 200000 };
    static struct item items[ITEMS];
    uuid_map_t *map = uuid_map_new(offsetof(struct item, id));
    size_t size = 0, walked = 0;
    struct item *item;

    for (int i = 0; i < ITEMS; i++)
        items[i] = (struct item){.number = i, .id = id_of(i)};
    for (int step = 0; step < STEPS; step++) {
        item = &items[(step < STEPS / 2 ? below(ITEMS) : below(40))];
        ck_assert_ptr_eq(uuid_map_get(map, &item->id), item->is_in ? item : NULL);
        if (item->is_in)
            uuid_map_remove(map, &item->id);
        else
            uuid_map_put(map, item);
        item->is_in = !item->is_in;
        size += item->is_in ? 1 : (size_t)-1;
        ck_assert_uint_eq(uuid_map_size(map), size);
    }
    for (int i = 0; i < ITEMS; i++)
        ck_assert_ptr_eq(uuid_map_get(map, &items[i].id), items[i].is_in ? &items[i] : NULL);
    for (size_t at = 0; (item = uuid_map_next(map, &at)); walked++)
        ck_assert(item->is_in);
    ck_assert_uint_eq(walked, size);
    uuid_map_destroy(&map);
    ck_assert_ptr_null(map);
}
END_TEST

START_TEST(removing_what_is_not_there_changes_nothing)
{
    uuid_map_t *map = uuid_map_new(offsetof(struct item, id));
    struct item item = {.id = id_of(1)};
    tm_uuid_t other = id_of(2);

    uuid_map_remove(map, &other);
    uuid_map_put(map, &item);
    uuid_map_remove(map, &other);
    ck_assert_ptr_eq(uuid_map_get(map, &item.id), &item);
    ck_assert_uint_eq(uuid_map_size(map), 1);
    uuid_map_destroy(&map);
}
END_TEST

START_TEST(a_fifo_gives_what_it_got_in_its_order)
{
    struct item items[4] = {{.number = 0}, {.number = 1}, {.number = 2}, {.number = 3}};
    fifo_t list = {.count = 0}, other = {.count = 0};
    int number = 0;

    ck_assert_ptr_null(fifo_take(&list));
    for (int i = 1; i < 3; i++)
        fifo_add(&list, &items[i]);
    fifo_add(&other, &items[3]);
    fifo_return(&list, &items[0]);
    fifo_move(&list, &other);
    ck_assert_uint_eq(list.count, 4);
    ck_assert_uint_eq(other.count, 0);
    ck_assert_ptr_null(fifo_first(&other));
    for (struct item *i = fifo_first(&list); i; i = fifo_next(i))
        ck_assert_int_eq(i->number, number++);
    ck_assert_int_eq(number, 4);
    for (int i = 0; i < 4; i++)
        ck_assert_ptr_eq(fifo_take(&list), &items[i]);
    ck_assert_ptr_null(fifo_take(&list));
    fifo_return(&list, &items[1]);
    fifo_add(&list, &items[2]);
    ck_assert_ptr_eq(fifo_take(&list), &items[1]);
    ck_assert_ptr_eq(fifo_take(&list), &items[2]);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("uuid_map");
    TCase *tcase = suite_case(suite, "containers", NULL, NULL);

    suite_tests(tcase, it_holds_what_was_put_and_nothing_else,
                removing_what_is_not_there_changes_nothing,
                a_fifo_gives_what_it_got_in_its_order);
    return suite_run(suite);
}
