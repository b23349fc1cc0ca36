#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "actors/kit/util/digest.h"
#include "tests/support/suite.h"

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

/* RFC 4231, cases 1, 2 and 6 */
START_TEST(the_hmacs_of_the_standard_are_made)
{
    static const struct {
        const char *key;
        size_t key_size;
        const char *data, *mac;
    } cases[] = {
        {"\x0b", 20, "Hi There",
         "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
        {"Jefe", 4, "what do ya want for nothing?",
         "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
        {"\xaa", 131, "Test Using Larger Than Block-Size Key - Hash Key First",
         "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
    };
    uint8_t key[131], mac[SHA256_SIZE];
    char text[SHA256_TEXT];

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        memset(key, cases[i].key[0], sizeof(key));
        if (cases[i].key[1])
            memcpy(key, cases[i].key, cases[i].key_size);
        hmac_of(key, cases[i].key_size, cases[i].data, strlen(cases[i].data), mac);
        ck_assert_str_eq(hex_text(mac, sizeof(mac), text), cases[i].mac);
    }
}
END_TEST

START_TEST(digests_are_the_same_or_not_at_whatever_place)
{
    uint8_t a[SHA256_SIZE] = {0}, b[SHA256_SIZE] = {0};

    ck_assert(digest_is(a, b));
    for (size_t i = 0; i < SHA256_SIZE; i++) {
        b[i] = 1;
        ck_assert(!digest_is(a, b));
        b[i] = 0;
    }
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
    TCase *tcase = suite_case(suite, "digest", NULL, NULL);

    suite_tests(tcase, the_hash_of_abc_is_the_published_one,
                pieces_hash_as_the_whole_and_a_digest_can_be_used_again,
                the_hmacs_of_the_standard_are_made,
                digests_are_the_same_or_not_at_whatever_place,
                hexadecimal_text_is_read_back_in_either_case,
                text_that_is_not_exactly_so_many_digits_is_refused);
    return suite_run(suite);
}
