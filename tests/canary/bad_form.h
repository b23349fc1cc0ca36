/* bad_form - a row of the tables of bad forms: how it differs from a good one, and what comes
 * of it. */
#ifndef TESTS_CANARY_BAD_FORM_H
#define TESTS_CANARY_BAD_FORM_H

#include "tests/canary/bad_input.h"

struct form_case {
    const char *name;

    /* the file: the good one with this row on line 22, or this text, or what is made */
    const char *row, *csv;
    void (*make)(struct bytes *out);
    bool has_no_file, has_two_files;

    /* a field in place of the good one, or beside it; without a value it is left out */
    const char *field, *value;
    void (*make_value)(struct bytes *out);
    bool is_again;

    void (*make_parts)(struct bytes *out); /* more of them */
    const char *headers;
    bool is_chunked;

    int status;
    const char *code, *also; /* code NULL: not a problem */
    enum bad_trace leaves;
};

const struct form_case *form_file_cases(size_t *ret_count);
const struct form_case *form_field_cases(size_t *ret_count);

#endif
