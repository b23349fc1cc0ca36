/* Any bytes are what a log line is made of, as they are and quoted: the line is one JSON
 * object, and what was quoted is in it. */
#include <assert.h>
#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "actors/kit/runtime/log.h"

#define LINE_MAX_BYTES 16384

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Standard error goes to a file of memory meanwhile. */
static json_t *
line_of(const char *text, const char *quoted)
{
    static int file = -1;
    char line[LINE_MAX_BYTES];

    if (file < 0)
        file = memfd_create("log", MFD_CLOEXEC);
    const int kept = dup(STDERR_FILENO);
    if (ftruncate(file, 0) != 0 || lseek(file, 0, SEEK_SET) != 0 ||
        dup2(file, STDERR_FILENO) < 0)
        abort();
    log_error("fuzz.line", "first=%s %s", quoted, text);
    if (dup2(kept, STDERR_FILENO) < 0)
        abort();
    close(kept);
    const ssize_t length = pread(file, line, sizeof line, 0);
    assert(length > 0 && line[length - 1] == '\n' && !memchr(line, '\n', (size_t)length - 1));
    return json_loadb(line, (size_t)length, 0, NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = strndup((const char *)data, size), quoted[300];

    if (!text)
        return 0;
    log_quote(text, strlen(text), quoted, sizeof quoted);
    json_t *line = line_of(text, quoted);
    assert(json_is_string(json_object_get(line, "first")) || strstr(text, "first="));
    json_decref(line);
    free(text);
    return 0;
}
