/* number - prices and volumes as they are written: 1234.5  1.234,50  "1,234.50"  1 234,50
 * 1'234.50  12,34,567.00  $101.36  101,36 €  1.23M  5.2K
 *
 * What a comma and a point mean is one thing in a whole file. number_survey takes in one cell
 * after the other, until one of them decides. */
#ifndef ACTORS_TUNE_DATA_NUMBER_H
#define ACTORS_TUNE_DATA_NUMBER_H

#include <stdbool.h>
#include <stddef.h>

enum number_mark { NUMBER_UNSEEN, NUMBER_EITHER, NUMBER_DECIMAL, NUMBER_GROUPS };

struct number_form {
    enum number_mark comma, point;
};

enum number_kind { NUMBER_READ, NUMBER_MISSING, NUMBER_WRONG };

bool number_is_missing(const char *text, size_t size);

/* Digits with a decimal point alone, and what is missing: the fast and common case. */
enum number_kind number_read_plain(const char *text, size_t size, double *ret);

/* Takes in one cell. A cell that is no number says nothing. */
void number_survey(struct number_form *self, const char *text, size_t size);
/* Is it known what both mean? One cell that can be read in one way only says it for both; those
 * that are written otherwise are unreadable then. */
bool number_is_decided(const struct number_form *self);
/* After all cells. False: a comma may still be either. */
bool number_settle(struct number_form *self);
/* By a settled form. */
enum number_kind number_read(const struct number_form *self, const char *text, size_t size,
                             double *ret);

/* "1,234.5" */
const char *number_example(const struct number_form *self);

#endif
