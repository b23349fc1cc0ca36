/* decimal - decimal text to the nearest double, whatever the locale.
 *
 * [+-] digits [. digits] [e [+-] digits], correctly rounded. No blanks, no hexadecimal, no
 * "inf".
 */
#ifndef ENGINE_DECIMAL_H
#define ENGINE_DECIMAL_H

#include <stdbool.h>
#include <stddef.h>

#define DECIMAL_MAX_BYTES 400 /* longer numbers are refused */

/* False when text is no such number, as a whole. Too large for a double: an infinity. */
bool decimal_parse(const char *text, size_t size, double *ret);

/* Bytes of the number at the start of text, 0 if there is none. */
size_t decimal_prefix(const char *text, size_t size);

#endif
