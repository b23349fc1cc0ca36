/* protocol_doc - writes PROTOCOL.md: copies PROTOCOL.md.in and puts, where a line is a marker,
 * what the tables and the codec say. So the tables are in one place, and the bytes are true. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/codec/fields.h"

static void
print_limit(const struct field *field)
{
    if (field->kind == KIND_U64 && field->limit == UINT64_MAX)
        printf("2^64 - 1");
    else if (field->kind == KIND_U64 || field->kind == KIND_STR || field->kind == KIND_BIN)
        printf("%" PRIu64, field->limit);
}

static void
print_messages(void)
{
    char roles[100];

    printf(
        "| number | message | from -> to | said by | what it says |\n|--:|---|---|---|---|\n");
    for (uint64_t type = 0; type < TM_MSG_LIMIT; type++) {
        const struct shape *shape = shape_of(type);
        if (shape)
            printf("| %" PRIu64 " | %s | %s | %s | %s |\n", type, shape->name, shape->way,
                   tm_roles_text(shape->roles, roles, sizeof roles), shape->doc);
    }
}

static void
print_roles(void)
{
    printf("| role | what a peer of it does |\n|---|---|\n");
#define R(ROLE, role, bit, doc) printf("| %s | %s |\n", #role, doc);
    TM_ROLES(R)
#undef R
}

static void
print_fields_of(const struct shape *shape)
{
    printf("### %s\n\n%s: %s.\n\n", shape->name, shape->way, shape->doc);
    printf("| key | field | kind | | limit | what it holds |\n|--:|---|---|---|--:|---|\n");
    for (size_t i = 0; i < shape->field_count; i++) {
        const struct field *field = &shape->fields[i];
        printf("| %d | %s | %s | %s | ", field->key, field->name, field_kind_name(field->kind),
               field->required ? "required" : "");
        print_limit(field);
        printf(" | %s |\n", field->doc);
    }
}

static void
print_fields(void)
{
    bool is_first = true;

    for (uint64_t type = 0; type < TM_MSG_LIMIT; type++) {
        const struct shape *shape = shape_of(type);
        if (!shape)
            continue;
        printf("%s", is_first ? "" : "\n");
        print_fields_of(shape);
        is_first = false;
    }
}

static void
print_errors(void)
{
    printf("| code | HTTP | again | what it means |\n|---|--:|---|---|\n");
    for (int i = 0; i < TM_ERR_COUNT; i++) {
        tm_err_t err = (tm_err_t)i;
        printf("| %s | %d | %s | %s |\n", tm_err_name(err), tm_err_http(err),
               tm_err_retryable(err) ? "yes" : "", tm_err_text(err));
    }
}

/* One frame: its name, then its bytes, 22 a line. */
static void
print_frame(const char *name, const uint8_t *bytes, size_t size)
{
    printf("    %-6s ", name);
    for (size_t i = 0; i < size; i++)
        printf("%s%02x", i > 0 && i % 22 == 0 ? "\n           " : i > 0 ? " " : "", bytes[i]);
    printf("%s\n", size == 0 ? "(empty)" : "");
}

static tm_uuid_t
known_uuid(const char *text)
{
    tm_uuid_t uuid;
    if (tm_uuid_parse(text, strlen(text), &uuid) != TM_OK)
        abort(); /* the text stands in this file */
    return uuid;
}

#define BROKER    known_uuid("01930f5e-6000-7b0b-9a00-00000000b001")
#define WORKER    known_uuid("01930f5e-7000-7c0c-9a00-000000000001")
#define JOB       known_uuid("01930f5e-7c00-7a11-8b22-c0ffee000001")
#define WORKSPACE known_uuid("00000000-0000-0000-0000-000000000001")

static void
print_step(const char *who, const tm_msg_t *msg)
{
    uint8_t header[TM_HEADER_MAX];
    size_t size = tm_msg_encode(msg, header);
    char line[400];

    tm_msg_print(msg, line, sizeof line);
    printf("%s: `%s`\n\n", who, line);
    print_frame("header", header, size);
    print_frame("body", (const uint8_t *)msg->body.data, msg->body.size);
}

static void
print_begin(void)
{
    tm_msg_t hello = {.type = TM_MSG_HELLO,
                      .hello = {.actor = tm_str("adder"),
                                .worker = WORKER,
                                .queues = tm_str("sums"),
                                .credit = 2},
                      .body = tm_str("")};
    tm_msg_t welcome = {.type = TM_MSG_WELCOME,
                        .welcome = {.broker = BROKER, .ping_ms = 1000, .lease_ms = 5000},
                        .body = tm_str("")};
    tm_msg_t submit = {.type = TM_MSG_SUBMIT,
                       .submit = {.ref = 1,
                                  .job = JOB,
                                  .queue = tm_str("sums"),
                                  .workspace = WORKSPACE,
                                  .priority = 3,
                                  .has_priority = true,
                                  .watch = true,
                                  .has_watch = true},
                       .body = tm_str("1 + 2")};
    tm_msg_t accepted = {
        .type = TM_MSG_ACCEPTED, .accepted = {.ref = 1, .job = JOB}, .body = tm_str("")};

    print_step("1. worker to broker", &hello);
    print_step("\n2. broker to worker", &welcome);
    print_step("\n3. producer to broker", &submit);
    print_step("\n4. broker to producer, once the job is on disk", &accepted);
}

static void
print_end(void)
{
    tm_msg_t job = {
        .type = TM_MSG_JOB,
        .job = {.job = JOB, .attempt = 1, .queue = tm_str("sums"), .workspace = WORKSPACE},
        .body = tm_str("1 + 2")};
    tm_msg_t done = {
        .type = TM_MSG_DONE, .done = {.job = JOB, .attempt = 1}, .body = tm_str("3")};
    tm_msg_t settled = {
        .type = TM_MSG_SETTLED, .settled = {.job = JOB, .attempt = 1}, .body = tm_str("")};
    tm_msg_t result = {.type = TM_MSG_RESULT,
                       .result = {.job = JOB, .state = tm_str("done")},
                       .body = tm_str("3")};

    print_step("\n5. broker to worker", &job);
    print_step("\n6. worker to broker", &done);
    print_step("\n7. broker to worker, once the result is on disk", &settled);
    print_step("\n8. broker to producer, which had asked to watch", &result);
}

static void
print_exchange(void)
{
    print_begin();
    print_end();
}

static const struct {
    const char *marker;
    void (*print)(void);
} parts[] = {
    {"@messages@\n", print_messages}, {"@roles@\n", print_roles},
    {"@fields@\n", print_fields},     {"@errors@\n", print_errors},
    {"@exchange@\n", print_exchange},
};

static void
print_line(const char *line)
{
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        if (strcmp(line, parts[i].marker) == 0) {
            parts[i].print();
            return;
        }
    fputs(line, stdout);
}

int
main(int argc, char **argv)
{
    char line[1000];
    FILE *in = argc == 2 ? fopen(argv[1], "r") : NULL;

    if (!in) {
        fprintf(stderr, "usage: protocol_doc PROTOCOL.md.in > PROTOCOL.md\n");
        return EXIT_FAILURE;
    }
    while (fgets(line, sizeof line, in))
        print_line(line);
    bool is_ok = !ferror(in) && fflush(stdout) == 0;
    fclose(in);
    return is_ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
