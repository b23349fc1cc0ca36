#include "tests/chaos/journal.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { COLUMNS = 7 };

static void
cut_torn_line(int fd)
{
    off_t size = lseek(fd, 0, SEEK_END);
    char last;

    while (size > 0 && pread(fd, &last, 1, size - 1) == 1 && last != '\n')
        size--;
    if (ftruncate(fd, size) != 0)
        abort();
}

int
journal_open(const char *directory, const char *role, unsigned index)
{
    char path[256];
    int fd;

    snprintf(path, sizeof(path), "%s/%s-%u.journal", directory, role, index);
    fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (fd < 0)
        abort();
    cut_torn_line(fd);
    return fd;
}

/* One write a line: whoever is killed leaves it whole or not at all. */
static void
write_line(int fd, const char *line, int size)
{
    if (write(fd, line, (size_t)size) != size)
        abort();
}

void
journal_write(int fd, const struct entry *entry)
{
    char job[TM_UUID_TEXT], owner[TM_UUID_TEXT], line[512];
    bool has_owner = !tm_uuid_is_nil(&entry->owner);

    write_line(fd, line,
               snprintf(line, sizeof(line), "%c\t%s\t%s\t%s\t%u\t%s\t%s\n", entry->event,
                        tm_uuid_text(&entry->job, job), entry->kind,
                        entry->key ? entry->key : "\\N", entry->variant,
                        has_owner ? tm_uuid_text(&entry->owner, owner) : "\\N", entry->detail));
}

void
journal_run(int fd, const tm_uuid_t *job, uint32_t attempt)
{
    char text[TM_UUID_TEXT], line[128];

    write_line(fd, line,
               snprintf(line, sizeof(line), "%s\t%u\t%d\n", tm_uuid_text(job, text), attempt,
                        (int)getpid()));
}

static bool
parse(char *line, struct entry *ret)
{
    char *columns[COLUMNS], *at = line;

    line[strcspn(line, "\n")] = '\0';
    for (int i = 0; i < COLUMNS; i++) {
        columns[i] = at ? strsep(&at, "\t") : NULL;
        if (!columns[i])
            return false;
    }
    *ret = (struct entry){.event = columns[0][0], .kind = columns[2]};
    ret->key = strcmp(columns[3], "\\N") == 0 ? NULL : columns[3];
    ret->variant = (unsigned)strtoul(columns[4], NULL, 10);
    snprintf(ret->detail, sizeof(ret->detail), "%s", columns[6]);
    if (strcmp(columns[5], "\\N") != 0 && tm_uuid_parse(columns[5], 36, &ret->owner) != TM_OK)
        return false;
    return tm_uuid_parse(columns[1], strlen(columns[1]), &ret->job) == TM_OK;
}

void
journal_read(int fd, journal_fn *fn, void *arg)
{
    FILE *file = fdopen(dup(fd), "r");
    char line[512];
    struct entry entry;

    if (!file)
        abort();
    rewind(file);
    while (fgets(line, sizeof(line), file))
        if (parse(line, &entry))
            fn(arg, &entry);
    fclose(file);
}
