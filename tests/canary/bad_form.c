/* POST /backtests/tune with one thing of it wrong: the file, a field, or how the form is made.
 * What only the worker can see - the file's content, the search's points - leaves a failed
 * tune; everything else is refused at the door and leaves nothing. */
#include "tests/canary/bad_form.h"

#include <stdio.h>
#include <string.h>

#define EDGE "--edge\r\n"
#define PART "Content-Disposition: form-data; name=\""

enum { GOOD_ROWS = 40 };

/* --- the good form ------------------------------------------------------------------------ */

static const char *const fields[][2] = {
    {"strategy_entity_id", "8fd7589a-97c6-49bf-a65e-357fb063fe33"},
    {"workspace_id", "00000000-0000-0000-0000-000000000001"},
    {"search_type", "grid"},
    {"n_trials", "4"},
    {"param_space", "{\"period\":[5,10],\"k\":[1,1.5]}"},
};

static void
add_row(struct bytes *out, size_t i)
{
    char row[100];

    snprintf(row, sizeof(row), "2020-%02zu-%02zu,100,%zu,90,%zu,1000\n", 1 + i / 28, 1 + i % 28,
             105 + i % 5, 95 + i % 7);
    bytes_text(out, row);
}

static void
make_file(const struct form_case *self, struct bytes *out)
{
    if (self->make) {
        self->make(out);
        return;
    }
    if (self->csv) {
        bytes_text(out, self->csv);
        return;
    }
    bytes_text(out, "date,open,high,low,close,volume\n");
    for (size_t i = 0; i < GOOD_ROWS; i++) {
        if (i == GOOD_ROWS / 2 && self->row) /* on line 22 */
            bytes_text(out, self->row);
        else
            add_row(out, i);
    }
}

static void
add_field(struct bytes *out, const char *name, const void *value, size_t size)
{
    bytes_text(out, EDGE PART);
    bytes_text(out, name);
    bytes_text(out, "\"\r\n\r\n");
    bytes_add(out, value, size);
    bytes_text(out, "\r\n");
}

static void
add_own_field(const struct form_case *self, struct bytes *out)
{
    struct bytes value = {0};

    if (!self->field || (!self->value && !self->make_value))
        return;
    if (self->make_value)
        self->make_value(&value);
    else
        bytes_text(&value, self->value);
    add_field(out, self->field, value.data, value.size);
    bytes_fini(&value);
}

static void
add_fields(const struct form_case *self, struct bytes *out)
{
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
        if (self->is_again || !self->field || strcmp(self->field, fields[i][0]) != 0)
            add_field(out, fields[i][0], fields[i][1], strlen(fields[i][1]));
    add_own_field(self, out);
    if (self->make_parts)
        self->make_parts(out);
}

static void
add_file(struct bytes *out, const struct bytes *file)
{
    bytes_text(out, EDGE PART "file\"; filename=\"../../etc/p.csv\"\r\n\r\n");
    bytes_add(out, file->data, file->size);
    bytes_text(out, "\r\n");
}

static void
make_body(const struct form_case *self, struct bytes *out)
{
    struct bytes file = {0};

    add_fields(self, out);
    make_file(self, &file);
    if (!self->has_no_file)
        add_file(out, &file);
    if (self->has_two_files)
        add_file(out, &file);
    bytes_text(out, "--edge--\r\n");
    bytes_fini(&file);
}

/* --- sending it --------------------------------------------------------------------------- */

static void
post(const struct form_case *self, struct answer *ret)
{
    struct bytes body = {0}, request = {0};
    char head[300];

    make_body(self, &body);
    bytes_text(&request, "POST /backtests/tune HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                         "Content-Type: multipart/form-data; boundary=edge\r\n");
    bytes_text(&request, self->headers ? self->headers : "");
    if (self->is_chunked)
        snprintf(head, sizeof(head), "Transfer-Encoding: chunked\r\n\r\n%zx\r\n", body.size);
    else
        snprintf(head, sizeof(head), "Content-Length: %zu\r\n\r\n", body.size);
    bytes_text(&request, head);
    bytes_add(&request, body.data, body.size);
    if (self->is_chunked)
        bytes_text(&request, "\r\n0\r\n\r\n");
    bad_exchange(&request, false, ret);
    bytes_fini(&body);
    bytes_fini(&request);
}

static void
run(const struct form_case *self)
{
    struct answer answer;

    post(self, &answer);
    bad_case(self->name, self->leaves,
             answer_fault(&answer, self->status, self->code ? self->code : "", self->also));
    answer_fini(&answer);
}

void
bad_form_run_good(void)
{
    static const struct form_case good = {.name = "a form with nothing wrong",
                                          .status = 200,
                                          .also = "\"trials_completed\" : 4",
                                          .leaves = LEAVES_COMPLETED};

    run(&good);
}

void
bad_form_run(void)
{
    size_t count;
    const struct form_case *cases = form_file_cases(&count);

    for (size_t i = 0; i < count; i++)
        run(&cases[i]);
    cases = form_field_cases(&count);
    for (size_t i = 0; i < count; i++)
        run(&cases[i]);
}
