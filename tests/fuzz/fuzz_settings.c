/* The file reader and --set: whatever is given, an error or values in range, never a crash. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "actors/kit/runtime/settings.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
const char *__lsan_default_suppressions(void);

/* libconfig 1.5 forgets the text it gathers when a string is not closed; ours would be seen. */
const char *
__lsan_default_suppressions(void)
{
    return "leak:libconfig.so";
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    settings_t *settings = settings_new();
    char *text = strndup((const char *)data, size), detail[300];

    /* an @include would read files of the machine */
    if (settings && text && !strstr(text, "@include")) {
        if (settings_parse(settings, text, "fuzz.cfg", detail, sizeof(detail)) != TM_OK)
            assert(strlen(detail) > 0);
        if (settings_set(settings, text, detail, sizeof(detail)) != TM_OK)
            assert(strlen(detail) > 0);
        assert(settings->broker_batch >= 1 && settings->broker_batch <= 10000);
    }
    settings_destroy(&settings);
    free(text);
    return 0;
}
