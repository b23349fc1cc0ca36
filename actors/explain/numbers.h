/* numbers - are the numbers of one text among those of another?
 *
 * A number is digits, with commas between thousands, a point and decimals, and an exponent.
 * Signs are left out: what fell by 12.3 % is -12.34 in the facts. One is among the others if it
 * is one of them rounded to the decimals that it has, as it is or as a percentage of it ("83 %"
 * of 0.834); whole numbers from 1,000 on may end in zeros of a rounding ("1,200" of 1,234).
 */
#ifndef ACTORS_EXPLAIN_NUMBERS_H
#define ACTORS_EXPLAIN_NUMBERS_H

#include <stdbool.h>

bool numbers_are_among(const char *text, const char *facts);

#endif
