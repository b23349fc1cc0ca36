#include "ops/cli/table.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define CELL_MAX    8192
#define COLUMNS_MAX 16

/* How many bytes at `text` are one control character: C0, DEL, or C1 in UTF-8. */
static size_t
control_size(const char *text)
{
    const unsigned char *c = (const unsigned char *)text;

    if (c[0] < 0x20 || c[0] == 0x7f)
        return c[0] ? 1 : 0;
    return c[0] == 0xc2 && c[1] >= 0x80 && c[1] < 0xa0 ? 2 : 0;
}

static bool
is_start(char c)
{
    return ((unsigned char)c & 0xc0) != 0x80;
}

/* Appends what fits, by whole characters. */
static void
add_text(char cell[CELL_MAX], const char *text)
{
    size_t used = strlen(cell);

    while (*text && used + 5 < CELL_MAX) {
        size_t control = control_size(text);

        if (control) {
            cell[used++] = ' ';
            text += control;
            continue;
        }
        do
            cell[used++] = *text++;
        while (!is_start(*text) && used + 1 < CELL_MAX);
    }
    cell[used] = '\0';
}

static void
add_list(char cell[CELL_MAX], const json_t *list)
{
    size_t index;
    const json_t *item;

    json_array_foreach(list, index, item)
    {
        if (index)
            add_text(cell, ",");
        add_text(cell, json_is_string(item) ? json_string_value(item) : "?");
    }
}

static void
add_age(char cell[CELL_MAX], double seconds)
{
    static const struct {
        double below, unit;
        const char *name;
    } units[] = {{120, 1, "s"}, {7200, 60, "min"}, {172800, 3600, "h"}};

    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (seconds < units[i].below) {
            snprintf(cell, CELL_MAX, "%.0f %s", seconds / units[i].unit, units[i].name);
            return;
        }
    snprintf(cell, CELL_MAX, "%.0f days", seconds / 86400);
}

static void
format_cell(char cell[CELL_MAX], const struct table_column *column, const json_t *row)
{
    const json_t *value = json_object_get(row, column->member);

    cell[0] = '\0';
    switch (column->kind) {
    case TABLE_TEXT:
        if (json_is_string(value))
            add_text(cell, json_string_value(value));
        break;
    case TABLE_NUMBER:
        if (json_is_number(value))
            snprintf(cell, CELL_MAX, "%.0f", json_number_value(value));
        break;
    case TABLE_AGE:
        if (json_is_number(value))
            add_age(cell, json_number_value(value));
        break;
    case TABLE_LIST:
        add_list(cell, value);
        break;
    case TABLE_FLAG:
        add_text(cell, json_is_true(value) ? "yes" : "");
        break;
    }
    if (!cell[0])
        add_text(cell, "-");
}

/* In characters. */
static size_t
width_of(const char *text)
{
    size_t width = 0;

    for (; *text; text++)
        width += is_start(*text);
    return width;
}

static void
cut(char *text, size_t width)
{
    for (; *text; text++)
        if (is_start(*text) && width-- == 0) {
            *text = '\0';
            return;
        }
}

/* SIZE_MAX where lines have no end. */
static size_t
line_width(FILE *out)
{
    struct winsize size;

    if (isatty(fileno(out)) && ioctl(fileno(out), TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        return size.ws_col;
    return SIZE_MAX;
}

static bool
is_right(enum table_kind kind)
{
    return kind == TABLE_NUMBER || kind == TABLE_AGE;
}

struct layout {
    const struct table_column *columns;
    size_t count, line;
    size_t widths[COLUMNS_MAX];
};

static void
print_cell(FILE *out, const struct layout *layout, size_t at, char *cell)
{
    size_t before = 0, width = layout->widths[at], used;
    bool is_last = at + 1 == layout->count;

    for (size_t i = 0; i < at; i++)
        before += layout->widths[i] + 2;
    if (is_last && layout->line != SIZE_MAX)
        cut(cell, before < layout->line ? layout->line - before : 1);
    used = width_of(cell);
    if (is_right(layout->columns[at].kind) && used < width)
        fprintf(out, "%*s", (int)(width - used), "");
    fputs(cell, out);
    if (!is_last && !is_right(layout->columns[at].kind) && used < width)
        fprintf(out, "%*s", (int)(width - used), "");
    fputs(is_last ? "\n" : "  ", out);
}

void
table_show(FILE *out, const struct table_column *columns, size_t count, const json_t *rows)
{
    struct layout layout = {.columns = columns, .count = count, .line = line_width(out)};
    char cell[CELL_MAX];
    size_t index;
    const json_t *row;

    for (size_t i = 0; i < count; i++)
        layout.widths[i] = strlen(columns[i].title);
    json_array_foreach(rows, index, row) for (size_t i = 0; i < count; i++)
    {
        format_cell(cell, &columns[i], row);
        if (width_of(cell) > layout.widths[i])
            layout.widths[i] = width_of(cell);
    }
    for (size_t i = 0; i < count; i++) {
        snprintf(cell, sizeof cell, "%s", columns[i].title);
        print_cell(out, &layout, i, cell);
    }
    json_array_foreach(rows, index, row) for (size_t i = 0; i < count; i++)
    {
        format_cell(cell, &columns[i], row);
        print_cell(out, &layout, i, cell);
    }
}

void
table_show_one(FILE *out, const struct table_column *columns, size_t count,
               const json_t *object)
{
    char cell[CELL_MAX];
    size_t width = 0;

    for (size_t i = 0; i < count; i++)
        if (strlen(columns[i].title) > width)
            width = strlen(columns[i].title);
    for (size_t i = 0; i < count; i++) {
        format_cell(cell, &columns[i], object);
        fprintf(out, "%-*s  %s\n", (int)width, columns[i].title, cell);
    }
}

void
table_show_text(FILE *out, const char *text)
{
    while (*text) {
        size_t control = *text == '\n' || *text == '\t' ? 0 : control_size(text);

        if (control)
            fputc(' ', out);
        else
            fputc(*text, out);
        text += control ? control : 1;
    }
    fputc('\n', out);
}
