/* Any bytes are an id, digits, or a text of others that has to be made presentable. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "actors/kit/util/digest.h"
#include "actors/kit/runtime/log.h"
#include "proto/codec/fields.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_id(const char *text, size_t size)
{
    char again[TM_UUID_TEXT];
    tm_uuid_t id, same;

    if (tm_uuid_parse(text, size, &id) != TM_OK)
        return;
    assert(size == strlen(tm_uuid_text(&id, again)));
    const tm_err_t err = tm_uuid_parse(again, size, &same);
    assert(err == TM_OK && tm_uuid_is(&id, &same));
}

static void
check_digits(const char *text)
{
    uint8_t bytes[SHA256_SIZE];
    char again[SHA256_TEXT];

    if (hex_parse(text, bytes, sizeof bytes))
        assert(strcasecmp(text, hex_text(bytes, sizeof bytes, again)) == 0);
}

/* The buffers are cut short, so that what is over an end is seen. */
static void
check_clean(const char *text, size_t size)
{
    char *clean = malloc(size / 2 + 1), *quoted = malloc(size + 3);
    const tm_str_t kept = tm_text_clean(text, clean, size / 2 + 1);

    assert(kept.size <= size / 2 + 1 && text_is_utf8(kept.data, kept.size));
    const char *shown = log_quote(text, size, quoted, size + 3);
    assert(shown[0] == '"' && shown[strlen(shown) - 1] == '"');
    free(quoted);
    free(clean);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = strndup((const char *)data, size);

    if (!text)
        return 0;
    text_is_utf8((const char *)data, size);
    check_id((const char *)data, size);
    check_digits(text);
    check_clean(text, strlen(text));
    free(text);
    return 0;
}
