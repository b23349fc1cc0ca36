#include "actors/kit/runtime/settings.h"

#include <errno.h>
#include <libconfig.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "actors/kit/runtime/settings_table.h"

#define FILE_MAX (1 << 20)
#define KEY_MAX  64

extern char **environ;

#define STR_KIND(def)    .kind = SETTING_STR, .text = (def)
#define SECRET_KIND(def) .kind = SETTING_STR, .is_secret = true, .text = (def)
#define INT_KIND(def)    .kind = SETTING_INT, .number = (def)
#define NUM_KIND(def)    .kind = SETTING_NUM, .number = (def)
#define BOOL_KIND(def)   .kind = SETTING_BOOL, .number = (def)

const struct setting settings_table[] = {
#define S(section_, name_, KIND, def, min_, max_, env_, doc_) \
    {.section = #section_,                                    \
     .name = #name_,                                          \
     .key = #section_ "." #name_,                             \
     .variable = "tunemill_" #section_ "_" #name_,            \
     KIND##_KIND(def),                                        \
     .min = (min_),                                           \
     .max = (max_),                                           \
     .env = (env_),                                           \
     .doc = (doc_),                                           \
     .offset = offsetof(settings_t, section_##_##name_)},
    TM_SETTINGS(S)
#undef S
};
const size_t settings_table_count = sizeof(settings_table) / sizeof(settings_table[0]);

/* Settings whose text is one of a few words. */
static const struct {
    const char *key;
    const char *words[5];
} choices[] = {
    {"system.profile", {"development", "production"}},
    {"system.log_level", {"debug", "info", "warn", "error"}},
};

/* Where a value comes from, and where to say what is wrong with it. */
struct source {
    const char *where; /* "file:12: ", "" */
    char *detail;
    size_t size;
};

static tm_err_t __attribute__((format(printf, 2, 3)))
wrong(const struct source *source, const char *format, ...)
{
    int length = snprintf(source->detail, source->size, "%s", source->where);
    va_list args;

    if (length >= 0 && (size_t)length < source->size) {
        va_start(args, format);
        vsnprintf(source->detail + length, source->size - (size_t)length, format, args);
        va_end(args);
    }
    return TM_BAD_SETTING;
}

static size_t
least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static char
upper(char c)
{
    if (c >= 'a' && c <= 'z')
        return (char)(c - 'a' + 'A');
    return c;
}

/* Edits from a to b, both cut at KEY_MAX; letter case does not count. */
static size_t
distance(const char *a, const char *b)
{
    size_t row[KEY_MAX + 1], b_size = strnlen(b, KEY_MAX), a_size = strnlen(a, KEY_MAX);

    for (size_t j = 0; j <= b_size; j++)
        row[j] = j;
    for (size_t i = 1; i <= a_size; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b_size; j++) {
            size_t change = diagonal + (upper(a[i - 1]) != upper(b[j - 1]));
            diagonal = row[j];
            row[j] = least(change, least(row[j], row[j - 1]) + 1);
        }
    }
    return row[b_size];
}

static const struct setting *
find(const char *section, const char *name)
{
    for (size_t i = 0; i < settings_table_count; i++)
        if (strcmp(settings_table[i].section, section) == 0 &&
            strcmp(settings_table[i].name, name) == 0)
            return &settings_table[i];
    return NULL;
}

static bool
section_exists(const char *section)
{
    for (size_t i = 0; i < settings_table_count; i++)
        if (strcmp(settings_table[i].section, section) == 0)
            return true;
    return false;
}

static tm_err_t
unknown(const struct source *source, const char *key)
{
    const struct setting *best = NULL;
    size_t best_distance = 5; /* further off is another word */

    for (size_t i = 0; i < settings_table_count; i++) {
        size_t d = distance(key, settings_table[i].key);
        if (d < best_distance) {
            best = &settings_table[i];
            best_distance = d;
        }
    }
    if (best)
        return wrong(source, "%.64s: no such setting (did you mean %s?)", key, best->key);
    return wrong(source, "%.64s: no such setting (--help lists them all)", key);
}

static tm_err_t
check_words(const struct setting *row, const char *value, const struct source *source)
{
    for (size_t i = 0; i < sizeof(choices) / sizeof(choices[0]); i++) {
        if (strcmp(choices[i].key, row->key) != 0)
            continue;
        for (size_t j = 0; choices[i].words[j]; j++)
            if (strcmp(choices[i].words[j], value) == 0)
                return TM_OK;
        return wrong(source, "%s: must be %s", row->key, row->doc);
    }
    return TM_OK;
}

static tm_err_t
store_text(settings_t *self, const struct setting *row, const char *value,
           const struct source *source)
{
    char **member = (char **)(void *)((char *)self + row->offset);
    size_t size = strlen(value);
    char *copy;

    if ((double)size < row->min || (double)size > row->max)
        return wrong(source, "%s: has %zu bytes, allowed are %.0f to %.0f", row->key, size,
                     row->min, row->max);
    if (check_words(row, value, source) != TM_OK)
        return TM_BAD_SETTING;
    copy = strdup(value);
    if (!copy)
        return wrong(source, "%s: out of memory", row->key);
    free(*member);
    *member = copy;
    return TM_OK;
}

static tm_err_t
store_number(settings_t *self, const struct setting *row, double value,
             const struct source *source)
{
    void *member = (char *)self + row->offset;

    if (!(value >= row->min && value <= row->max))
        return wrong(source, "%s: %.15g is out of range, allowed are %.15g to %.15g", row->key,
                     value, row->min, row->max);
    if (row->kind != SETTING_NUM && floor(value) != value)
        return wrong(source, "%s: must be a whole number", row->key);
    if (row->kind == SETTING_INT)
        *(int64_t *)member = (int64_t)value;
    else if (row->kind == SETTING_NUM)
        *(double *)member = value;
    else
        *(bool *)member = value != 0;
    return TM_OK;
}

static bool
parse_bool(const char *text, double *ret)
{
    static const char *const words[] = {"false", "true", "no", "yes", "off", "on", "0", "1"};

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (strcmp(words[i], text) == 0) {
            *ret = (double)(i % 2);
            return true;
        }
    return false;
}

static tm_err_t
store_from_text(settings_t *self, const struct setting *row, const char *text,
                const struct source *source)
{
    double value;
    char *end;

    if (row->kind == SETTING_STR)
        return store_text(self, row, text, source);
    if (row->kind == SETTING_BOOL) {
        if (!parse_bool(text, &value))
            return wrong(source, "%s: must be true or false", row->key);
        return store_number(self, row, value, source);
    }
    errno = 0;
    value = strtod(text, &end);
    if (end == text || *end || errno || !isfinite(value))
        return wrong(source, "%s: must be a %s, from %.15g to %.15g", row->key,
                     row->kind == SETTING_INT ? "whole number" : "number", row->min, row->max);
    return store_number(self, row, value, source);
}

settings_t *
settings_new(void)
{
    settings_t *self = calloc(1, sizeof(*self));
    char detail[200];
    struct source source = {"", detail, sizeof(detail)};

    for (size_t i = 0; self && i < settings_table_count; i++) {
        const struct setting *row = &settings_table[i];
        tm_err_t err = row->kind == SETTING_STR ? store_text(self, row, row->text, &source)
                                                : store_number(self, row, row->number, &source);
        if (err)
            settings_destroy(&self);
    }
    return self;
}

void
settings_destroy(settings_t **self_p)
{
    settings_t *self = *self_p;

    if (!self)
        return;
    for (size_t i = 0; i < settings_table_count; i++)
        if (settings_table[i].kind == SETTING_STR)
            free(*(char **)(void *)((char *)self + settings_table[i].offset));
    free(self);
    *self_p = NULL;
}

static tm_err_t
store_from_file(settings_t *self, const struct setting *row, const config_setting_t *value,
                const struct source *source)
{
    int type = config_setting_type(value);

    if (row->kind == SETTING_STR) {
        if (type != CONFIG_TYPE_STRING)
            return wrong(source, "%s: must be text in double quotes", row->key);
        return store_text(self, row, config_setting_get_string(value), source);
    }
    if (row->kind == SETTING_BOOL) {
        if (type != CONFIG_TYPE_BOOL)
            return wrong(source, "%s: must be true or false", row->key);
        return store_number(self, row, config_setting_get_bool(value), source);
    }
    if (type == CONFIG_TYPE_FLOAT && row->kind == SETTING_NUM)
        return store_number(self, row, config_setting_get_float(value), source);
    if (type == CONFIG_TYPE_INT || type == CONFIG_TYPE_INT64)
        return store_number(self, row, (double)config_setting_get_int64(value), source);
    return wrong(source, "%s: must be a %s", row->key,
                 row->kind == SETTING_INT ? "whole number" : "number");
}

/* "name:line: " of an element of the file into where */
static void
locate(const config_setting_t *element, const char *name, char *where, size_t size)
{
    const char *file = config_setting_source_file(element); /* set within an @include */

    snprintf(where, size, "%.200s:%u: ", file ? file : name,
             config_setting_source_line(element));
}

static tm_err_t
read_section(settings_t *self, const config_setting_t *group, const char *name,
             const struct source *outer)
{
    const char *section = config_setting_name(group);
    char where[256], key[2 * KEY_MAX];
    const struct source here = {where, outer->detail, outer->size}, *source = &here;

    locate(group, name, where, sizeof(where));
    if (!section_exists(section))
        return wrong(source, "%.64s: no such section (--help lists them all)", section);
    if (!config_setting_is_group(group))
        return wrong(source, "%s: must be a section: %s: { ... };", section, section);
    for (int i = 0; i < config_setting_length(group); i++) {
        const config_setting_t *value = config_setting_get_elem(group, (unsigned)i);
        const char *member = config_setting_name(value);
        const struct setting *row = find(section, member);
        tm_err_t err;

        locate(value, name, where, sizeof(where));
        snprintf(key, sizeof(key), "%.63s.%.63s", section, member);
        err = row ? store_from_file(self, row, value, source) : unknown(source, key);
        if (err)
            return err;
    }
    return TM_OK;
}

static tm_err_t
read_config(settings_t *self, const config_t *config, const char *name,
            const struct source *source)
{
    const config_setting_t *root = config_root_setting(config);

    for (int i = 0; i < config_setting_length(root); i++) {
        tm_err_t err =
            read_section(self, config_setting_get_elem(root, (unsigned)i), name, source);
        if (err)
            return err;
    }
    return TM_OK;
}

tm_err_t
settings_parse(settings_t *self, const char *text, const char *name, char *detail,
               size_t detail_size)
{
    struct source source = {"", detail, detail_size};
    config_t config;
    tm_err_t err;

    config_init(&config);
    if (config_read_string(&config, text))
        err = read_config(self, &config, name, &source);
    else
        err = wrong(&source, "%.200s:%d: %s",
                    config_error_file(&config) ? config_error_file(&config) : name,
                    config_error_line(&config), config_error_text(&config));
    config_destroy(&config);
    return err;
}

tm_err_t
settings_load(settings_t *self, const char *path, char *detail, size_t detail_size)
{
    struct source source = {"", detail, detail_size};
    FILE *file = path ? fopen(path, "re") : NULL;
    char *text;
    size_t size;
    bool failed;
    tm_err_t err;

    if (!path)
        return TM_OK;
    if (!file)
        return wrong(&source, "%.200s: cannot be read: %s", path, strerror(errno));
    text = calloc(1, FILE_MAX + 1);
    size = text ? fread(text, 1, FILE_MAX + 1, file) : 0;
    failed = !text || ferror(file);
    fclose(file);
    if (failed)
        err = wrong(&source, "%.200s: cannot be read", path);
    else if (size > FILE_MAX)
        err = wrong(&source, "%.200s: is larger than %d bytes", path, FILE_MAX);
    else if (strlen(text) != size)
        err = wrong(&source, "%.200s: holds a zero byte; it must be text", path);
    else
        err = settings_parse(self, text, path, detail, detail_size);
    free(text);
    return err;
}

/* Is `name` (of a variable) this row's? */
static bool
is_variable(const struct setting *row, const char *name)
{
    for (size_t i = 0; name[i] || row->variable[i]; i++)
        if (name[i] != upper(row->variable[i]))
            return false;
    return true;
}

static tm_err_t
read_variable(settings_t *self, const char *name, const char *value,
              const struct source *source)
{
    const struct setting *near = NULL;

    for (size_t i = 0; i < settings_table_count; i++) {
        if (is_variable(&settings_table[i], name))
            return store_from_text(self, &settings_table[i], value, source);
        if (distance(name, settings_table[i].variable) <= 2)
            near = &settings_table[i];
    }
    if (near)
        return wrong(source, "no such setting (did you mean %s?)", near->key);
    return TM_OK;
}

static tm_err_t
read_short_names(settings_t *self, char *detail, size_t detail_size)
{
    for (size_t i = 0; i < settings_table_count; i++) {
        const struct setting *row = &settings_table[i];
        const char *value = row->env ? getenv(row->env) : NULL;
        char where[KEY_MAX];
        struct source source = {where, detail, detail_size};
        tm_err_t err;

        if (!value)
            continue;
        snprintf(where, sizeof(where), "%s: ", row->env);
        err = store_from_text(self, row, value, &source);
        if (err)
            return err;
    }
    return TM_OK;
}

tm_err_t
settings_environment(settings_t *self, char *detail, size_t detail_size)
{
    static const char prefix[] = "TUNEMILL_";
    tm_err_t err = read_short_names(self, detail, detail_size);

    for (char **at = environ; !err && at && *at; at++) {
        char name[KEY_MAX], where[KEY_MAX + 4];
        struct source source = {where, detail, detail_size};
        const char *equals = strchr(*at, '=');
        size_t size = equals ? (size_t)(equals - *at) : 0;

        if (strncmp(*at, prefix, sizeof(prefix) - 1) != 0 || !equals || size >= sizeof(name))
            continue;
        snprintf(name, sizeof(name), "%.*s", (int)size, *at);
        snprintf(where, sizeof(where), "%s: ", name);
        err = read_variable(self, name, equals + 1, &source);
    }
    return err;
}

tm_err_t
settings_set(settings_t *self, const char *assignment, char *detail, size_t detail_size)
{
    struct source source = {"--set ", detail, detail_size};
    const char *dot = strchr(assignment, '.'), *equals = strchr(assignment, '=');
    char section[KEY_MAX], name[KEY_MAX], key[2 * KEY_MAX];
    const struct setting *row;

    if (!equals || !dot || dot > equals || dot == assignment)
        return wrong(&source, "%.64s: write section.name=value", assignment);
    if (equals - assignment >= KEY_MAX)
        return wrong(&source, "%.64s: no such setting (--help lists them all)", assignment);
    snprintf(section, sizeof(section), "%.*s", (int)(dot - assignment), assignment);
    snprintf(name, sizeof(name), "%.*s", (int)(equals - dot - 1), dot + 1);
    snprintf(key, sizeof(key), "%s.%s", section, name);
    row = find(section, name);
    return row ? store_from_text(self, row, equals + 1, &source) : unknown(&source, key);
}

/* What a cookie's value may consist of (RFC 6265, 4.1.1). */
static bool
is_cookie(const char *text)
{
    for (; *text; text++)
        if (*text <= ' ' || *text >= 0x7f || strchr("\",;\\", *text))
            return false;
    return true;
}

tm_err_t
settings_check(const settings_t *self, char *detail, size_t detail_size)
{
    const struct source source = {"", detail, detail_size};

    if (!self->http_admin_token[0] && strcmp(self->system_profile, "production") == 0)
        return wrong(&source, "http.admin_token: must be set (ADMIN_TOKEN) in profile "
                              "production");
    if (!is_cookie(self->http_admin_token))
        return wrong(&source, "http.admin_token: holds a character that no cookie can carry; "
                              "allowed are visible ASCII characters but for \" , ; \\");
    return TM_OK;
}
