#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "actors/explain/text_check.h"
#include "actors/kit/util/auto.h"
#include "tests/support/suite.h"

#define FACTS                                                                               \
    "{\"trials\":12096,\"share\":0.2,\"score\":1.2345,\"fall\":-12.34,\"k\":2.8,\"n\":3,"   \
    "\"m\":4,\"tiny\":1.5e-7,\"first\":\"2000-01-03\",\"name\":\"sma_50\",\"a\":1,\"b\":2," \
    "\"fast\":10,\"half\":0.25}"

static char *
check(const char *text, bool is_cut, const char **ret_what)
{
    const struct text_asked asked = {EXPLAIN_SHORT, FACTS};

    return text_check(text, strlen(text), is_cut, &asked, ret_what);
}

static const struct {
    const char *text, *shown;
} fine[] = {
    {"It is a plateau.", "It is a plateau."},
    {"  \n It is a plateau.\n\n", "It is a plateau."},
    {"One.\n\nTwo.\tThree.", "One.\n\nTwo.\tThree."},
    {"A drawdown < 20 %, a score > 1, 3<4.", "A drawdown < 20 %, a score > 1, 3<4."},
    {"fast [10] (as before) & slow.", "fast [10] (as before) & slow."},
    {"d\xc3\xa9j\xc3\xa0 vu \xe2\x80\x94 na\xc3\xafve \xf0\x9f\x93\x88!",
     "d\xc3\xa9j\xc3\xa0 vu \xe2\x80\x94 na\xc3\xafve \xf0\x9f\x93\x88!"},
    {"50 % of 1:2 is a/b.", "50 % of 1:2 is a/b."},
    {"He said \"it is (so).\"", "He said \"it is (so).\""},
    {"<think>Is 77 it?\n</think>\n\nIt is.", "It is."},
    /* each number is a fact's, rounded */
    {"Of 12,096 trials, 12096 or 12,100.", "Of 12,096 trials, 12096 or 12,100."},
    {"It scores 1.2345, 1.23 or 1.", "It scores 1.2345, 1.23 or 1."},
    {"It fell by 12.3 %.", "It fell by 12.3 %."},
    {"A share of 20 %, or 0.2.", "A share of 20 %, or 0.2."},
    {"Half is 0.3, or 25 %.", "Half is 0.3, or 25 %."},
    {"Since 2000-01-03 with sma_50, 1.5e-7.", "Since 2000-01-03 with sma_50, 1.5e-7."},
};

START_TEST(plain_text_is_shown)
{
    const char *what = NULL;
    tm_auto(tm_text) shown = check(fine[_i].text, false, &what);

    ck_assert_msg(shown != NULL, "%s: %s", fine[_i].text, what);
    ck_assert_str_eq(shown, fine[_i].shown);
    ck_assert_ptr_null(what);
}
END_TEST

static const struct {
    const char *text, *what;
} wrong[] = {
    {"", "empty"},
    {" \n\t ", "empty"},
    {"<think>It is.</think>", "empty"},
    {"<think>It is. It is.", "HTML"},
    {"It is a plat", "no end"},
    {"It is a plateau,", "no end"},
    /* figures that nobody computed */
    {"It scores 1.24.", "none of the facts"},
    {"It scores 1.235, and 12,200 trials.", "none of the facts"},
    {"It fell by 12.4 %.", "none of the facts"},
    {"A share of 21 %.", "none of the facts"},
    {"With k 3 or 2.7.", "none of the facts"},
    {"In 1999 it won.", "none of the facts"},
    {"About 12,000,000 trials.", "none of the facts"},
    {"a\x01", "nobody sees"},
    {"a\rb", "nobody sees"},
    {"a\x7f", "nobody sees"},
    {"a\x1b[31mred", "nobody sees"},
    {"a\xc2\x85", "nobody sees"},
    {"a\xff", "UTF-8"},
    {"a\x80", "UTF-8"},
    {"a\xc0\xaf", "UTF-8"},
    {"a\xe0\x80\xaf", "UTF-8"},
    {"a\xed\xa0\x80", "UTF-8"},
    {"a\xf4\x90\x80\x80", "UTF-8"},
    {"a\xf8\x88\x80\x80\x80", "UTF-8"},
    {"a\xe2\x80", "UTF-8"},
    {"<b>bold</b>", "HTML"},
    {"a <script src=x>", "HTML"},
    {"a </p>", "HTML"},
    {"a <!-- b", "HTML"},
    {"a <?php", "HTML"},
    {"3<a", "HTML"},
    {"see [here](x)", "link"},
    {"see [here][1]", "link"},
    {"see http://evil.example", "link"},
    {"see HTTPS://evil.example", "link"},
    {"see www.evil.example", "link"},
    {"see JavaScript:alert(1)", "link"},
    {"see mailto:a@b", "link"},
};

START_TEST(what_is_more_than_text_is_not)
{
    const char *what = NULL;

    ck_assert_ptr_null(check(wrong[_i].text, false, &what));
    ck_assert_ptr_nonnull(what);
    ck_assert_msg(strstr(what, wrong[_i].what) != NULL, "%s: %s", wrong[_i].text, what);
}
END_TEST

/* Of no width, or turning the direction of what follows. */
static const uint32_t unseen[] = {0x061C, 0x200B, 0x200E, 0x200F, 0x2028, 0x2029,  0x202A,
                                  0x202E, 0x2060, 0x2066, 0x2069, 0xFEFF, 0xE0001, 0xE0061};

/* In UTF-8; from U+0800 on in three bytes, from U+10000 on in four. */
static void
encode(uint32_t character, char *text)
{
    const int size = character < 0x800 ? 2 : character < 0x10000 ? 3 : 4;
    static const unsigned lead[] = {0, 0, 0xC0, 0xE0, 0xF0};

    for (int i = size - 1; i > 0; i--) {
        text[i] = (char)(0x80 | (character & 0x3F));
        character >>= 6;
    }
    text[0] = (char)(lead[size] | character);
    text[size] = '\0';
}

START_TEST(what_nobody_sees_is_no_text)
{
    char text[32] = "a ", character[8];
    const char *what = NULL;

    encode(unseen[_i], character);
    strcat(strcat(text, character), " b");
    ck_assert_ptr_null(check(text, false, &what));
    ck_assert_ptr_nonnull(strstr(what, "nobody sees"));
}
END_TEST

START_TEST(a_nul_is_not_the_end)
{
    const struct text_asked asked = {EXPLAIN_SHORT, FACTS};
    const char *what = NULL;

    ck_assert_ptr_null(text_check("fine\0<b>", 8, false, &asked, &what));
    ck_assert_ptr_nonnull(strstr(what, "nobody sees"));
    ck_assert_ptr_null(text_check("\0", 1, true, &asked, &what));
}
END_TEST

START_TEST(a_text_is_as_long_as_was_asked_for)
{
    static char text[7000];
    const char *what = NULL;

    memset(text, '.', sizeof(text));
    for (unsigned i = 0; i < EXPLAIN_VERBOSITY_COUNT; i++) {
        const struct text_asked asked = {(enum explain_verbosity)i, FACTS};
        const size_t most = i == EXPLAIN_SHORT ? 1500 : 6000;
        char *shown = text_check(text, most, false, &asked, &what);

        ck_assert_ptr_nonnull(shown);
        ck_assert_uint_eq(strlen(shown), most);
        free(shown);
        ck_assert_ptr_null(text_check(text, most + 1, false, &asked, &what));
        ck_assert_ptr_nonnull(strstr(what, "longer"));
    }
}
END_TEST

/* It may have stopped within a number: the first sentence of the last is not what was meant. */
START_TEST(a_text_that_was_cut_off_is_not_shown)
{
    static const char *const rows[] = {"It is a plateau. In sample it sc", "Is it? Yes! It is.",
                                       "The winner with k 2.8 did well because"};

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *what = NULL;

        ck_assert_ptr_null(check(rows[i], true, &what));
        ck_assert_ptr_nonnull(strstr(what, "cut off"));
    }
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("text check");
    TCase *tests = suite_case(suite, "text check", NULL, NULL);

    suite_rows(tests, plain_text_is_shown, fine);
    suite_rows(tests, what_is_more_than_text_is_not, wrong);
    suite_rows(tests, what_nobody_sees_is_no_text, unseen);
    suite_tests(tests, a_nul_is_not_the_end, a_text_is_as_long_as_was_asked_for,
                a_text_that_was_cut_off_is_not_shown);
    return suite_run(suite);
}
