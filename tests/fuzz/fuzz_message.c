/* Any bytes are a header: they are refused, or taken, printed and said again in the same words.
 */
#include <stdlib.h>
#include <string.h>

#include "proto/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t first[TM_HEADER_MAX], second[TM_HEADER_MAX];
    char line[256];
    const char *what = NULL;
    tm_msg_t msg, again;

    tm_err_t err = tm_msg_decode(data, size, &msg, &what);
    if (err == TM_BAD_MESSAGE && !what)
        abort();
    if (err)
        return 0;
    tm_msg_print(&msg, line, sizeof line);
    size_t first_size = tm_msg_encode(&msg, first);
    if (first_size == 0 || tm_msg_decode(first, first_size, &again, NULL))
        abort();
    size_t second_size = tm_msg_encode(&again, second);
    if (second_size != first_size || memcmp(first, second, first_size) != 0)
        abort();
    return 0;
}
