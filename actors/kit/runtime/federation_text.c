#include "actors/kit/runtime/federation_text.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "actors/kit/util/memory.h"
#include "proto/codec/fields.h"

enum { LABELS_MOST = 16 };

struct reader {
    const char *at, *end;
};

static bool
next_line(struct reader *self, tm_str_t *ret)
{
    const char *newline =
        self->at < self->end ? memchr(self->at, '\n', (size_t)(self->end - self->at)) : NULL;

    if (!newline)
        return false;
    *ret = (tm_str_t){self->at, (size_t)(newline - self->at)};
    self->at = newline + 1;
    return true;
}

static bool
begins(tm_str_t line, const char *with)
{
    size_t size = strlen(with);

    return line.size >= size && memcmp(line.data, with, size) == 0;
}

static size_t
name_size(const char *at, const char *end)
{
    const char *from = at;

    if (at < end && isdigit((unsigned char)*at))
        return 0;
    while (at < end && (isalnum((unsigned char)*at) || *at == '_'))
        at++;
    return (size_t)(at - from);
}

/* The name behind "# HELP " or "# TYPE ", and what follows it. */
static bool
read_comment(tm_str_t line, const char *kind, tm_str_t *ret_name, tm_str_t *ret_rest)
{
    size_t skip = strlen(kind), size;

    if (!begins(line, kind))
        return false;
    size = name_size(line.data + skip, line.data + line.size);
    if (size == 0 || skip + size >= line.size || line.data[skip + size] != ' ')
        return false;
    *ret_name = (tm_str_t){line.data + skip, size};
    *ret_rest = (tm_str_t){line.data + skip + size + 1, line.size - skip - size - 1};
    return true;
}

/* Past name="value", or NULL. */
static const char *
skip_label(const char *at, const char *end)
{
    size_t size = name_size(at, end);

    at += size;
    if (size == 0 || end - at < 2 || at[0] != '=' || at[1] != '"')
        return NULL;
    for (at += 2; at < end && *at != '"'; at++) {
        bool is_escape = *at == '\\';

        if (is_escape && (++at == end || !strchr("\\\"n", *at) || *at == '\0'))
            return NULL;
        if (!is_escape && (unsigned char)*at < ' ')
            return NULL;
    }
    return at < end ? at + 1 : NULL;
}

static bool
is_number(const char *at, const char *end)
{
    char text[40], *stop;
    size_t size = (size_t)(end - at);

    if (size == 0 || size >= sizeof(text) || !strchr("-0123456789", *at) || *at == '\0')
        return false;
    memcpy(text, at, size);
    text[size] = '\0';
    return isfinite(strtod(text, &stop)) && stop == text + size && !strpbrk(text, "xXpP");
}

struct sender {
    tm_str_t actor, instance;
};

/* Is the label at `at` this one, whole? */
static bool
is_label(tm_str_t label, const char *name, tm_str_t value)
{
    size_t size = strlen(name);

    return label.size == size + value.size + 3 && memcmp(label.data, name, size) == 0 &&
           memcmp(label.data + size + 2, value.data, value.size) == 0;
}

/* Does one of the labels before it have its name? */
static bool
is_twice(const tm_str_t *labels, size_t count)
{
    const tm_str_t *last = &labels[count - 1];
    size_t size = name_size(last->data, last->data + last->size) + 1; /* with the "=" */

    for (size_t i = 0; i + 1 < count; i++)
        if (labels[i].size > size && memcmp(labels[i].data, last->data, size) == 0)
            return true;
    return false;
}

/* {labels} value, of the sender; *ret_value: where the value begins. */
static bool
is_rest_of_series(const char *at, const char *end, const struct sender *sender,
                  const char **ret_value)
{
    tm_str_t labels[LABELS_MOST];
    bool has_actor = false, has_instance = false;
    const char *past = at;

    if (at == end || *at != '{')
        return false;
    for (size_t count = 1; count <= LABELS_MOST && (past == at || *past == ','); count++) {
        at = past + 1;
        past = skip_label(at, end);
        if (!past || past == end)
            return false;
        labels[count - 1] = (tm_str_t){at, (size_t)(past - at)};
        if (is_twice(labels, count))
            return false;
        has_actor |= is_label(labels[count - 1], "actor", sender->actor);
        has_instance |= is_label(labels[count - 1], "instance", sender->instance);
    }
    *ret_value = past + 2;
    return *past == '}' && has_actor && has_instance && end - past > 2 && past[1] == ' ' &&
           is_number(past + 2, end);
}

/* A series of the family, or of the parts of a histogram. */
static bool
is_series(tm_str_t line, tm_str_t family, bool is_histogram, const struct sender *sender,
          const char **ret_value)
{
    static const char *const parts[] = {"_bucket", "_sum", "_count"};
    const char *end = line.data + line.size, *at = line.data + family.size;

    if (line.size <= family.size || memcmp(line.data, family.data, family.size) != 0)
        return false;
    for (size_t i = 0; is_histogram && i < sizeof(parts) / sizeof(parts[0]); i++)
        if (begins((tm_str_t){at, (size_t)(end - at)}, parts[i]))
            return is_rest_of_series(at + strlen(parts[i]), end, sender, ret_value);
    return !is_histogram && is_rest_of_series(at, end, sender, ret_value);
}

static bool
is_type(tm_str_t rest)
{
    return tm_str_is(rest, "counter") || tm_str_is(rest, "gauge") ||
           tm_str_is(rest, "histogram");
}

static bool
is_same_name(tm_str_t a, tm_str_t b)
{
    return a.size == b.size && memcmp(a.data, b.data, a.size) == 0;
}

/* The names and the series seen: each may stand once. */
struct seen {
    tm_str_t *items;
    size_t count, limit;
};

static void
note(struct seen *self, const char *at, const char *end)
{
    if (self->count == self->limit) {
        self->limit = self->limit ? 2 * self->limit : 512;
        self->items = tm_grown(self->items, self->limit * sizeof(*self->items));
    }
    self->items[self->count++] = (tm_str_t){at, (size_t)(end - at)};
}

static int
compare_text(const void *a, const void *b)
{
    const tm_str_t *one = a, *other = b;
    size_t size = one->size < other->size ? one->size : other->size;
    int order = memcmp(one->data, other->data, size);

    return order ? order : (one->size > other->size) - (one->size < other->size);
}

static bool
are_different(struct seen *self)
{
    if (self->count > 1)
        qsort(self->items, self->count, sizeof(*self->items), compare_text);
    for (size_t i = 1; i < self->count; i++)
        if (compare_text(&self->items[i - 1], &self->items[i]) == 0)
            return false;
    return true;
}

/* HELP, its TYPE, its series, and so on; false at the first line that is none of these. */
static bool
check_lines(tm_str_t text, const struct sender *sender, struct seen *seen, size_t *ret_line)
{
    struct reader reader = {text.data, text.data + text.size};
    tm_str_t line, family = {0}, name, rest;
    bool wants_type = false, is_histogram = false;
    const char *value;

    for (*ret_line = 1; next_line(&reader, &line); ++*ret_line) {
        if (wants_type) {
            if (!read_comment(line, "# TYPE ", &name, &rest) || !is_same_name(name, family) ||
                !is_type(rest))
                return false;
            wants_type = false;
            is_histogram = tm_str_is(rest, "histogram");
        } else if (read_comment(line, "# HELP ", &family, &rest)) {
            note(seen, family.data, family.data + family.size);
            wants_type = true;
        } else if (family.size > 0 && is_series(line, family, is_histogram, sender, &value)) {
            note(seen, line.data, value);
        } else {
            return false;
        }
    }
    return !wants_type && reader.at == reader.end;
}

static bool
is_printable(tm_str_t text)
{
    for (size_t i = 0; i < text.size; i++)
        if ((unsigned char)text.data[i] < ' ' && text.data[i] != '\n')
            return false;
    return text_is_utf8(text.data, text.size);
}

bool
federation_text_check(tm_str_t text, tm_str_t actor, tm_str_t instance, size_t *ret_line)
{
    struct sender sender = {actor, instance};
    struct seen seen = {0};
    bool is_good;

    *ret_line = 1;
    if (text.size == 0 || text.size > FEDERATION_TEXT_MAX || !is_printable(text))
        return false;
    is_good = check_lines(text, &sender, &seen, ret_line) && are_different(&seen);
    free(seen.items);
    return is_good;
}

struct block {
    tm_str_t name, type;
    const char *head, *series, *end; /* its HELP and TYPE, its series */
    size_t text;
};

struct blocks {
    struct block *items;
    size_t count, limit;
};

static void
add_block(struct blocks *self, const struct block *block)
{
    if (self->count == self->limit) {
        self->limit = self->limit ? 2 * self->limit : 256;
        self->items = tm_grown(self->items, self->limit * sizeof(*self->items));
    }
    self->items[self->count++] = *block;
}

/* A line that belongs to the family before it. */
static void
extend_block(struct block *block, tm_str_t line, const char *end)
{
    block->end = end;
    if (begins(line, "# TYPE ")) {
        block->series = end;
        block->type = line;
    }
}

static void
split(struct blocks *self, tm_str_t text, size_t number)
{
    struct reader reader = {text.data, text.data + text.size};
    struct block block = {.text = number};
    tm_str_t line, name, rest;

    while (next_line(&reader, &line)) {
        if (read_comment(line, "# HELP ", &name, &rest)) {
            block = (struct block){.name = name,
                                   .head = line.data,
                                   .series = reader.at,
                                   .end = reader.at,
                                   .text = number};
            add_block(self, &block);
        } else if (self->count > 0 && self->items[self->count - 1].text == number) {
            extend_block(&self->items[self->count - 1], line, reader.at);
        }
    }
}

static int
compare(const void *a, const void *b)
{
    const struct block *one = a, *other = b;
    int order = compare_text(&one->name, &other->name);

    return order ? order : (one->text > other->text) - (one->text < other->text);
}

/* A family that is of another type than the first that has its name, as it may be while a new
 * version is rolled out, is left out. */
static void
write_blocks(FILE *out, const struct blocks *blocks)
{
    const struct block *first = NULL;

    for (size_t i = 0; i < blocks->count; i++) {
        const struct block *block = &blocks->items[i];
        bool is_next = !first || !is_same_name(block->name, first->name);
        if (is_next)
            fwrite(block->head, 1, (size_t)(block->series - block->head), out);
        first = is_next ? block : first;
        if (is_same_name(block->type, first->type))
            fwrite(block->series, 1, (size_t)(block->end - block->series), out);
    }
}

bool
federation_text_merge(FILE *out, const tm_str_t *texts, size_t count)
{
    struct blocks blocks = {0};

    for (size_t i = 0; i < count; i++)
        split(&blocks, texts[i], i);
    if (blocks.count > 0)
        qsort(blocks.items, blocks.count, sizeof(*blocks.items), compare);
    write_blocks(out, &blocks);
    free(blocks.items);
    return !ferror(out);
}

static bool
holds(const char *at, const char *end, const char *label)
{
    return !label || memmem(at, (size_t)(end - at), label, strlen(label));
}

double
federation_text_sum(tm_str_t text, const char *name, const char *label)
{
    const char *at = text.data, *end = text.data + text.size;
    size_t size = strlen(name);
    double sum = 0;

    while (at < end && (at = memmem(at, (size_t)(end - at), name, size))) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        bool is_series = (at == text.data || at[-1] == '\n') && at + size < end &&
                         (at[size] == '{' || at[size] == ' ');
        const char *value = stop ? memrchr(at, ' ', (size_t)(stop - at)) : NULL;

        if (is_series && value && holds(at, value, label))
            sum += strtod(value, NULL);
        at = stop ? stop : end;
    }
    return sum;
}
