#include "ops/cli/cli.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "actors/kit/runtime/log.h"
#include "actors/kit/sentry/sentry_scrub.h"

#define OPTIONS_MAX  48
#define COUNT(array) (sizeof(array) / sizeof *(array))

static const struct cli_option common[] = {
    {"config", "FILE", CLI_TEXT, offsetof(struct cli_common, config),
     "settings file; default $TUNEMILL_CONFIG, else none"},
    {"set", "SECTION.NAME=VALUE", CLI_LIST, offsetof(struct cli_common, assignments),
     "one setting, stronger than file and environment; may be repeated"},
    {"brokers", "ENDPOINTS", CLI_TEXT, offsetof(struct cli_common, brokers),
     "the same as --set broker.brokers=ENDPOINTS"},
    {"help", NULL, CLI_FLAG, offsetof(struct cli_common, help), "this text"},
};

__attribute__((format(printf, 2, 0))) static void
say(const cli_t *self, const char *format, va_list values)
{
    fprintf(stderr, "tunemill %s: ", self->command->name);
    vfprintf(stderr, format, values);
    fputc('\n', stderr);
}

int
cli_fail(const cli_t *self, const char *format, ...)
{
    va_list values;

    va_start(values, format);
    say(self, format, values);
    va_end(values);
    return CLI_FAILED;
}

int
cli_misuse(const cli_t *self, const char *format, ...)
{
    va_list values;

    va_start(values, format);
    say(self, format, values);
    va_end(values);
    fprintf(stderr, "See `tunemill %s --help`.\n", self->command->name);
    return CLI_USAGE;
}

static void
print_options(const struct cli_option *options, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct cli_option *option = &options[i];
        int length = printf("  --%s%s%s", option->name, option->value ? " " : "",
                            option->value ? option->value : "");

        if (length > 30)
            printf("\n%*s", 32, "");
        else
            printf("%*s", 32 - length, "");
        printf("%s\n", option->help);
    }
}

static void
print_help(const cli_t *self, const struct cli_usage *usage)
{
    printf("tunemill %s: %s\n\nusage: tunemill %s [options]%s%s\n\n", self->command->name,
           self->command->help, self->command->name, usage->arguments[0] ? " " : "",
           usage->arguments);
    if (usage->option_count)
        printf("options:\n");
    print_options(usage->options, usage->option_count);
    printf("%soptions of every command:\n", usage->option_count ? "\n" : "");
    print_options(common, COUNT(common));
    if (usage->notes)
        printf("\n%s", usage->notes);
    printf("\nexit code: 0 done, 1 failed, 2 the command line or a setting is wrong\n");
}

/* getopt_long's table: the command's options first, then the common ones. */
static void
make_table(const struct cli_usage *usage, struct option *table)
{
    size_t count = 0;

    for (size_t i = 0; i < usage->option_count + COUNT(common) && count + 1 < OPTIONS_MAX;
         i++) {
        const struct cli_option *option =
            i < usage->option_count ? &usage->options[i] : &common[i - usage->option_count];

        table[count++] = (struct option){
            .name = option->name,
            .has_arg = option->kind.way == CLI_SETS ? no_argument : required_argument};
    }
    table[count] = (struct option){.name = NULL};
}

bool
cli_field(const cli_t *self, const char *name, const field_t *row, const char *text,
          void *owner)
{
    char why[FIELD_WHY];
    struct field_value value;

    if (field_from_text(row, text, strlen(text), &value, why)) {
        cli_misuse(self, "%s: %s", name, why);
        return false;
    }
    field_store(row, &value, owner);
    return true;
}

static bool
apply(const cli_t *self, const struct cli_option *option, void *state, const char *value)
{
    const struct cli_kind *kind = &option->kind;
    const field_t row = {
        .kind = kind->kind, .min = kind->min, .max = kind->max, .choices = kind->choices};
    void *member = (char *)state + option->offset;
    struct cli_list *list = member;
    char name[64];
    union {
        int64_t whole;
        const char *text;
    } unused;

    snprintf(name, sizeof name, "--%s", option->name);
    if (kind->way == CLI_READS)
        return cli_field(self, name, &row, value, member);
    if (value && !cli_field(self, name, &row, value, &unused))
        return false;
    if (kind->way == CLI_SETS) {
        *(bool *)member = true;
    } else if (kind->way == CLI_KEEPS) {
        *(const char **)member = value;
    } else if (list->count < CLI_LIST_MAX) {
        list->items[list->count++] = value;
    } else {
        cli_misuse(self, "--%s was given more than %d times", option->name, CLI_LIST_MAX);
        return false;
    }
    return true;
}

static int
refuse_option(const cli_t *self, const struct cli_usage *usage, int code, const char *word)
{
    struct fields_near near = {.name = word + 2};

    if (code == ':')
        return cli_misuse(self, "%s needs a value", word);
    if (strncmp(word, "--", 2) != 0)
        return cli_misuse(self, "there is no option -%c", optopt);
    for (size_t i = 0; i < usage->option_count; i++)
        fields_near(&near, usage->options[i].name);
    for (size_t i = 0; i < COUNT(common); i++)
        fields_near(&near, common[i].name);
    if (near.best)
        return cli_misuse(self, "there is no option %s; did you mean --%s?", word, near.best);
    return cli_misuse(self, "there is no option %s", word);
}

/* Arguments can be read by everybody (ps): a secret among them is made unreadable once it is
 * known. */
static void
hide_arguments(const struct cli_list *assignments)
{
    for (size_t i = 0; i < assignments->count; i++) {
        char *assignment = (char *)(uintptr_t)assignments->items[i];
        char *value = settings_is_secret(assignment) ? strchr(assignment, '=') : NULL;

        if (value)
            memset(value + 1, '*', strlen(value + 1));
    }
}

static int
load_settings(cli_t *self)
{
    char detail[CLI_DETAIL_MAX] = "", brokers[4200];
    const char *config = self->common.config ? self->common.config : getenv("TUNEMILL_CONFIG");
    tm_err_t err = TM_OK;

    self->common.config = config && config[0] ? config : NULL;
    self->settings = settings_new();
    if (self->common.config)
        err = settings_load(self->settings, config, detail, sizeof detail);
    if (!err)
        err = settings_environment(self->settings, detail, sizeof detail);
    for (size_t i = 0; !err && i < self->common.assignments.count; i++)
        err = settings_set(self->settings, self->common.assignments.items[i], detail,
                           sizeof detail);
    if (!err && self->common.brokers) {
        snprintf(brokers, sizeof brokers, "broker.brokers=%s", self->common.brokers);
        err = settings_set(self->settings, brokers, detail, sizeof detail);
    }
    hide_arguments(&self->common.assignments);
    return err ? cli_misuse(self, "%s", detail) : -1;
}

static int
parse_options(cli_t *self, const struct cli_usage *usage, void *state, int argc, char **argv)
{
    struct option table[OPTIONS_MAX];
    int code, at = 0;

    make_table(usage, table);
    optind = 0;
    opterr = 0;
    while ((code = getopt_long(argc, argv, ":", table, &at)) != -1) {
        bool is_own = at >= 0 && (size_t)at < usage->option_count;

        if (code != 0)
            return refuse_option(self, usage, code, argv[optind - 1]);
        if (is_own ? !apply(self, &usage->options[at], state, optarg)
                   : !apply(self, &common[(size_t)at - usage->option_count], &self->common,
                            optarg))
            return CLI_USAGE;
    }
    return -1;
}

int
cli_parse(cli_t *self, const struct cli_usage *usage, void *state, int argc, char **argv)
{
    int code = parse_options(self, usage, state, argc, argv);

    if (code >= 0)
        return code;
    if (self->common.help) {
        print_help(self, usage);
        return CLI_OK;
    }
    self->arguments = argv + optind;
    self->argument_count = argc - optind;
    if (self->argument_count < usage->min_arguments)
        return cli_misuse(self, "%s is missing", usage->arguments);
    if (self->argument_count > usage->max_arguments)
        return cli_misuse(self, "what is \"%s\"? it takes %s",
                          self->arguments[usage->max_arguments],
                          usage->arguments[0] ? usage->arguments : "no arguments");
    return load_settings(self);
}

static int
refuse_word(const cli_t *self, const struct cli_command *commands, size_t count,
            const char *word)
{
    size_t skip = strlen(commands[0].name) + 1, used = 0;
    struct fields_near near = {.name = word};
    char list[256] = "";

    for (size_t i = 1; i < count; i++) {
        fields_near(&near, commands[i].name + skip);
        used += (size_t)snprintf(list + used, sizeof list - used, "%s%s", i > 1 ? ", " : "",
                                 commands[i].name + skip);
    }
    if (near.best)
        return cli_misuse(self, "what is \"%s\"? did you mean %s?", word, near.best);
    return cli_misuse(self, "what is \"%s\"? there is: %s", word, list);
}

int
cli_dispatch(cli_t *self, const struct cli_command *commands, size_t count, int argc,
             char **argv)
{
    size_t skip = strlen(commands[0].name) + 1;

    if (argc < 2 || argv[1][0] == '-') {
        self->command = &commands[0];
        return commands[0].run(self, argc, argv);
    }
    for (size_t i = 1; i < count; i++)
        if (strcmp(argv[1], commands[i].name + skip) == 0) {
            self->command = &commands[i];
            return commands[i].run(self, argc - 1, argv + 1);
        }
    return refuse_word(self, commands, count, argv[1]);
}

void
cli_log_init(const cli_t *self)
{
    static const char *const names[LOG_LEVEL_COUNT] = {[LOG_AT_DEBUG] = "debug",
                                                       [LOG_AT_INFO] = "info",
                                                       [LOG_AT_WARN] = "warn",
                                                       [LOG_AT_ERROR] = "error"};
    log_level_t level = LOG_AT_INFO;

    for (int i = 0; i < LOG_LEVEL_COUNT; i++)
        if (strcmp(names[i], self->settings->system_log_level) == 0)
            level = (log_level_t)i;
    log_init(self->command->name, level);
    scrub_log(self->settings);
}

static char *
read_stream(FILE *file, size_t max_bytes, size_t *ret_size)
{
    size_t capacity = 1 << 16, size = 0, got;
    char *data = malloc(capacity + 1);

    while (data && (got = fread(data + size, 1, capacity - size, file)) > 0) {
        size += got;
        if (size > max_bytes) {
            errno = EFBIG;
            break;
        }
        if (size == capacity) {
            char *more = realloc(data, capacity * 2 + 1);

            if (!more)
                break;
            data = more;
            capacity *= 2;
        }
    }
    if (!data || size > max_bytes || ferror(file) || !feof(file)) {
        free(data);
        return NULL;
    }
    data[size] = '\0';
    *ret_size = size;
    return data;
}

char *
cli_read_file(const cli_t *self, const char *path, size_t max_bytes, size_t *ret_size)
{
    FILE *file = fopen(path, "re");
    struct stat st;
    char *data = NULL;

    if (!file) {
        cli_fail(self, "cannot open %s: %s", path, strerror(errno));
        return NULL;
    }
    if (fstat(fileno(file), &st) == 0 && S_ISDIR(st.st_mode))
        errno = EISDIR;
    else
        data = read_stream(file, max_bytes, ret_size);
    if (!data && errno == EFBIG)
        cli_fail(self, "%s is larger than the %zu bytes that are taken", path, max_bytes);
    else if (!data)
        cli_fail(self, "cannot read %s: %s", path, strerror(errno));
    fclose(file);
    return data;
}
