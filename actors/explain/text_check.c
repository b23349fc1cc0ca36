#include "actors/explain/text_check.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "actors/explain/numbers.h"
#include "actors/kit/util/utf8.h"

enum { SHORT_MAX = 1500, DETAILED_MAX = 6000 }; /* bytes */

static const size_t most[EXPLAIN_VERBOSITY_COUNT] = {
    [EXPLAIN_SHORT] = SHORT_MAX, [EXPLAIN_DETAILED] = DETAILED_MAX};

struct range {
    uint32_t first, last;
};

static const struct range unseen[] = {
    {0, 8},           {11, 31},           /* but for tab and line feed */
    {0x7F, 0x9F},                         /* the other controls */
    {0x061C, 0x061C}, {0x200B, 0x200F},   /* of no width, and marks of direction */
    {0x2028, 0x202E}, {0x2060, 0x2069},   /* separators, and turns of direction */
    {0xFEFF, 0xFEFF}, {0xE0000, 0xE007F}, /* tags: text that nobody sees */
};

static bool
is_unseen(uint32_t character)
{
    for (size_t i = 0; i < sizeof(unseen) / sizeof(unseen[0]); i++)
        if (character >= unseen[i].first && character <= unseen[i].last)
            return true;
    return false;
}

static const char *
check_characters(const char *text, size_t size)
{
    const unsigned char *at = (const unsigned char *)text, *end = at + size;
    uint32_t character = 0;

    while (at < end) {
        size_t length = utf8_read(at, (size_t)(end - at), &character);

        if (length == 0)
            return "it is not UTF-8";
        if (is_unseen(character))
            return "it has characters that nobody sees";
        at += length;
    }
    return NULL;
}

/* "<b", "</", "<!", "<?": "< 3" is a comparison. */
static bool
has_tag(const char *text)
{
    for (const char *at = text; (at = strchr(at, '<')); at++)
        if (isalpha((unsigned char)at[1]) || (at[1] && strchr("/!?", at[1])))
            return true;
    return false;
}

static const char *
check_markup(const char *text)
{
    static const char *const links[] = {"](", "][", "://", "www.", "javascript:", "mailto:"};

    if (has_tag(text))
        return "it has a tag of HTML";
    for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++)
        if (strcasestr(text, links[i]))
            return "it has a link or an address";
    return NULL;
}

/* What comes before the answer of a model that thinks aloud. */
static void
skip_thoughts(const char **text_p, size_t *size_p)
{
    static const char open[] = "<think>", close[] = "</think>";
    const char *text = *text_p, *end;

    if (*size_p < strlen(open) || memcmp(text, open, strlen(open)) != 0)
        return;
    end = memmem(text, *size_p, close, strlen(close));
    if (!end)
        return; /* a tag of HTML for those who look next */
    end += strlen(close);
    *size_p -= (size_t)(end - text);
    *text_p = end;
}

static void
trim(const char **text_p, size_t *size_p)
{
    while (*size_p > 0 && isspace((unsigned char)**text_p))
        ++*text_p, --*size_p;
    while (*size_p > 0 && isspace((unsigned char)(*text_p)[*size_p - 1]))
        --*size_p;
}

static bool
has_an_end(const char *text, size_t size)
{
    while (size > 0 && strchr("\"')", text[size - 1]))
        size--;
    return size > 0 && strchr(".!?", text[size - 1]);
}

static const char *
check_size(size_t size, bool is_cut, enum explain_verbosity verbosity)
{
    if (size == 0)
        return "it is empty";
    if (is_cut)
        return "it was cut off";
    return size > most[verbosity] ? "it is longer than was asked for" : NULL;
}

char *
text_check(const char *text, size_t size, bool is_cut, const struct text_asked *asked,
           const char **ret_what)
{
    const char *what = memchr(text, '\0', size) ? "it has characters that nobody sees" : NULL;
    char *copy = NULL;

    trim(&text, &size);
    skip_thoughts(&text, &size);
    trim(&text, &size);
    if (!what)
        what = check_size(size, is_cut, asked->verbosity);
    if (!what)
        what = check_characters(text, size);
    if (!what) {
        copy = strndup(text, size);
        what = copy ? check_markup(copy) : "there is no memory for it";
    }
    if (!what && !has_an_end(text, size))
        what = "its last sentence has no end";
    if (!what && !numbers_are_among(copy, asked->facts))
        what = "it has a number that is none of the facts'";
    if (!what)
        return copy;
    free(copy);
    *ret_what = what;
    return NULL;
}
