/* text_check - is what a model wrote a text that may be shown?
 *
 * Plain text of a bounded length: UTF-8, no control characters but line breaks and tabs,
 * nothing that turns the direction of writing, no tag of HTML, no link of Markdown, no address.
 * Whoever shows it escapes it all the same.
 */
#ifndef ACTORS_EXPLAIN_TEXT_CHECK_H
#define ACTORS_EXPLAIN_TEXT_CHECK_H

#include "actors/kit/contracts/explain_call.h"

/* The text without the white space around it; of one that was cut off, its whole sentences. The
 * caller frees it. NULL: it may not be shown, and *ret_what says why. */
char *text_check(const char *text, size_t size, bool is_cut, enum explain_verbosity verbosity,
                 const char **ret_what);

#endif
