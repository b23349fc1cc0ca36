#include <check.h>
#include <czmq.h>
#include <string.h>

#include "proto/uuid.h"
#include "tests/support/suite.h"

START_TEST(new_ids_are_version_seven_and_sorted_by_time)
{
    tm_uuid_t before = tm_uuid_new(), after = before;
    char text[TM_UUID_TEXT];

    for (int64_t start = zclock_time(); zclock_time() < start + 2;)
        after = tm_uuid_new();
    ck_assert_int_lt(memcmp(before.bytes, after.bytes, sizeof before.bytes), 0);
    tm_uuid_text(&before, text);
    ck_assert_int_eq(text[14], '7');
    ck_assert(strchr("89ab", text[19]) && text[19]);
    ck_assert(!tm_uuid_is(&before, &after) && !tm_uuid_is_nil(&before));
}
END_TEST

START_TEST(an_id_is_read_back_from_its_text)
{
    tm_uuid_t id = tm_uuid_new(), back;
    char text[TM_UUID_TEXT];

    ck_assert_int_eq(tm_uuid_parse(tm_uuid_text(&id, text), 36, &back), TM_OK);
    ck_assert(tm_uuid_is(&id, &back));
    ck_assert_int_eq(tm_uuid_parse("8FD7589A-97c6-49bf-a65e-357fb063fe33", 36, &back), TM_OK);
    ck_assert_int_eq(back.bytes[0], 0x8f);
    ck_assert_int_ne(tm_uuid_parse(text, 35, &back), TM_OK);
    ck_assert_int_ne(tm_uuid_parse("8fd7589a-97c6-49bf-a65e-357fb063fe3g", 36, &back), TM_OK);
    ck_assert_int_ne(tm_uuid_parse("8fd7589a097c6-49bf-a65e-357fb063fe33", 36, &back), TM_OK);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("uuid");
    TCase *ids = suite_case(suite, "ids", NULL, NULL);

    suite_tests(ids, new_ids_are_version_seven_and_sorted_by_time,
                an_id_is_read_back_from_its_text);
    return suite_run(suite);
}
