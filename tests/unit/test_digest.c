#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "actors/kit/digest.h"

START_TEST(the_hash_of_abc_is_the_published_one)
{
    uint8_t hash[SHA256_SIZE];
    char text[SHA256_TEXT];

    digest_of("abc", 3, hash);
    ck_assert_str_eq(hex_text(hash, sizeof(hash), text),
                     "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}
END_TEST

START_TEST(pieces_hash_as_the_whole_and_a_digest_can_be_used_again)
{
    digest_t *digest = digest_new();
    uint8_t whole[SHA256_SIZE], pieces[SHA256_SIZE];

    digest_of("hello, world", 12, whole);
    for (int round = 0; round < 2; round++) {
        digest_add(digest, "hello", 5);
        digest_add(digest, NULL, 0);
        digest_add(digest, ", world", 7);
        digest_end(digest, pieces);
        ck_assert_mem_eq(pieces, whole, SHA256_SIZE);
    }
    digest_destroy(&digest);
    ck_assert_ptr_null(digest);
    digest_destroy(&digest);
}
END_TEST

START_TEST(hexadecimal_text_is_read_back_in_either_case)
{
    uint8_t data[3];

    ck_assert(hex_parse("00fFa9", data, 3));
    ck_assert_mem_eq(data, "\x00\xff\xa9", 3);
}
END_TEST

START_TEST(text_that_is_not_exactly_so_many_digits_is_refused)
{
    static const char *const wrong[] = {"",       "00ff",   "00ffa", "00ffa9a",
                                        "00ffg9", "00ff 9", "-0ffa9"};
    uint8_t data[3];

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        ck_assert_msg(!hex_parse(wrong[i], data, 3), "%s", wrong[i]);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("digest");
    TCase *tcase = tcase_create("digest");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_test(tcase, the_hash_of_abc_is_the_published_one);
    tcase_add_test(tcase, pieces_hash_as_the_whole_and_a_digest_can_be_used_again);
    tcase_add_test(tcase, hexadecimal_text_is_read_back_in_either_case);
    tcase_add_test(tcase, text_that_is_not_exactly_so_many_digits_is_refused);
    suite_add_tcase(suite, tcase);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
