#include "actors/kit/runtime/settings.h"

#include <ctype.h>
#include <errno.h>
#include <libconfig.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "actors/kit/fields/fields.h"
#include "actors/kit/runtime/settings_table.h"
#include "actors/kit/util/auto.h"

#define FILE_MAX (1 << 20)
#define KEY_MAX  64

extern char **environ;

#define STR_KIND(def)    .kind = FIELD_TEXT, .standard = (def)
#define SECRET_KIND(def) .kind = FIELD_TEXT, .standard = (def), .flags = FIELD_SECRET
#define INT_KIND(def)    .kind = FIELD_INT, .standard = #def
#define NUM_KIND(def)    .kind = FIELD_NUMBER, .standard = #def
#define BOOL_KIND(def)   .kind = FIELD_BOOL, .standard = #def

const struct setting settings_table[] = {
#define S(section_, name_, KIND, def, min_, max_, env_, doc_) \
    {.section = #section_,                                    \
     .name = #name_,                                          \
     .variable = "tunemill_" #section_ "_" #name_,            \
     .env = (env_),                                           \
     .field = {.name = #section_ "." #name_,                  \
               KIND##_KIND(def),                              \
               .min = (min_),                                 \
               .max = (max_),                                 \
               .err = TM_BAD_SETTING,                         \
               .help = (doc_),                                \
               .offset = offsetof(settings_t, section_##_##name_)}},
    TM_SETTINGS(S)
#undef S
};
const size_t settings_table_count = sizeof(settings_table) / sizeof(settings_table[0]);

/* Settings whose text is one of a few words. */
static const struct {
    const char *key, *words;
} choices[] = {
    {"system.profile", "development production"},
    {"system.log_level", "debug info warn error"},
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
    struct fields_near near = {.name = key};

    for (size_t i = 0; i < settings_table_count; i++)
        fields_near(&near, settings_table[i].field.name);
    if (near.best)
        return wrong(source, "%.64s: no such setting (did you mean %s?)", key, near.best);
    return wrong(source, "%.64s: no such setting (--help lists them all)", key);
}

static tm_err_t
unknown_section(const struct source *source, const char *name)
{
    struct fields_near near = {.name = name};

    for (size_t i = 0; i < settings_table_count; i++)
        fields_near(&near, settings_table[i].section);
    if (near.best)
        return wrong(source, "%.64s: no such section (did you mean %s?)", name, near.best);
    return wrong(source, "%.64s: no such section (--help lists them all)", name);
}

static field_t
field_of(const struct setting *row)
{
    field_t field = row->field;

    for (size_t i = 0; i < sizeof(choices) / sizeof(choices[0]); i++)
        if (strcmp(choices[i].key, field.name) == 0) {
            field.kind = FIELD_CHOICE;
            field.choices = choices[i].words;
        }
    return field;
}

/* Of text or of JSON; texts are copies that the settings own. */
static tm_err_t
store(settings_t *self, const struct setting *row, const char *text, json_t *json,
      const struct source *source)
{
    const field_t field = field_of(row);
    char **member = (char **)(void *)((char *)self + field.offset), *copy;
    char why[FIELD_WHY];
    struct field_value value;
    tm_err_t err = text ? field_from_text(&field, text, strlen(text), &value, why)
                        : field_from_json(&field, json, &value, why);

    if (err)
        return wrong(source, "%s: %s", field.name, why);
    if (row->field.kind != FIELD_TEXT) {
        field_store(&field, &value, self);
        return TM_OK;
    }
    copy = strndup(value.text, value.size);
    if (!copy)
        return wrong(source, "%s: out of memory", field.name);
    free(*member);
    *member = copy;
    return TM_OK;
}

static tm_err_t
store_text(settings_t *self, const struct setting *row, const char *text,
           const struct source *source)
{
    return store(self, row, text, NULL, source);
}

settings_t *
settings_new(void)
{
    settings_t *self = calloc(1, sizeof(*self));
    char detail[200];
    struct source source = {"", detail, sizeof(detail)};

    for (size_t i = 0; self && i < settings_table_count; i++) {
        const struct setting *row = &settings_table[i];
        if (store_text(self, row, row->field.standard, &source))
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
        if (settings_table[i].field.kind == FIELD_TEXT)
            free(*(char **)(void *)((char *)self + settings_table[i].field.offset));
    free(self);
    *self_p = NULL;
}

/* The types of the file's language are JSON's. What is no plain value is an empty list. */
static json_t *
json_of(const config_setting_t *value)
{
    switch (config_setting_type(value)) {
    case CONFIG_TYPE_STRING:
        return json_string_nocheck(config_setting_get_string(value));
    case CONFIG_TYPE_BOOL:
        return json_boolean(config_setting_get_bool(value));
    case CONFIG_TYPE_FLOAT:
        return json_real(config_setting_get_float(value));
    case CONFIG_TYPE_INT:
    case CONFIG_TYPE_INT64:
        return json_integer(config_setting_get_int64(value));
    default:
        return json_array();
    }
}

static tm_err_t
store_from_file(settings_t *self, const struct setting *row, const config_setting_t *value,
                const struct source *source)
{
    tm_auto(json) json = json_of(value);

    return json ? store(self, row, NULL, json, source)
                : wrong(source, "%s: out of memory", row->field.name);
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
        return unknown_section(source, section);
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

static char
capital(char c)
{
    if (c >= 'a' && c <= 'z')
        return (char)(c - 'a' + 'A');
    return c;
}

/* Is `name` (of a variable) this row's? */
static bool
is_variable(const struct setting *row, const char *name)
{
    for (size_t i = 0; name[i] || row->variable[i]; i++)
        if (name[i] != capital(row->variable[i]))
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
            return store_text(self, &settings_table[i], value, source);
        if (fields_distance(name, settings_table[i].variable) <= 2)
            near = &settings_table[i];
    }
    if (near)
        return wrong(source, "no such setting (did you mean %s?)", near->field.name);
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
        err = store_text(self, row, value, &source);
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
    return row ? store_text(self, row, equals + 1, &source) : unknown(&source, key);
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
