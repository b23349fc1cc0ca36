/* text_check - is what a model wrote a text that may be shown?
 *
 * Plain text of a bounded length: UTF-8, no control characters but line breaks and tabs,
 * nothing that turns the direction of writing, no tag of HTML, no link of Markdown, no address.
 * Whoever shows it escapes it all the same.
 *
 * It is whole: a model that stopped because of its length, or whose last sentence has no end,
 * may have stopped within a number. And every number in it is one of the facts', rounded to the
 * digits that it has (numbers.h).
 */
#ifndef ACTORS_EXPLAIN_TEXT_CHECK_H
#define ACTORS_EXPLAIN_TEXT_CHECK_H

#include "actors/kit/contracts/explain_call.h"

struct text_asked {
    enum explain_verbosity verbosity;
    const char *facts; /* the text that the model was given, with all figures that it knows */
};

/* The text without the white space around it and without what a model thought before it
 * (<think>...</think>). The caller frees it. NULL: it may not be shown, and *ret_what says why.
 */
char *text_check(const char *text, size_t size, bool is_cut, const struct text_asked *asked,
                 const char **ret_what);

#endif
