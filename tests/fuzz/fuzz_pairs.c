/* Any frames are a message of pairs: taken as far as they are sound, then an error that says
 * why. A frame is its size in one byte (255: two more bytes follow), then its content. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/pairs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static zmsg_t *
cut(const uint8_t *data, size_t size)
{
    zmsg_t *zmsg = zmsg_new();

    while (size > 0) {
        size_t head = 1, length = data[0];

        if (length == 255 && size > 2) {
            head = 3;
            length = (size_t)data[1] << 8 | data[2];
        }
        if (length > size - head)
            length = size - head;
        zmsg_addmem(zmsg, data + head, length);
        data += head + length;
        size -= head + length;
    }
    return zmsg;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    zmsg_t *zmsg = cut(data, size), *again = zmsg_new();
    const size_t frames = zmsg_size(zmsg);
    tm_pairs_t pairs = tm_pairs(zmsg);
    size_t count = 0;
    tm_msg_t msg;

    while (tm_pairs_next(&pairs, &msg)) {
        const tm_err_t err = tm_msg_append(again, &msg);
        assert(err == TM_OK && zmsg_size(again) == 2 * ++count);
    }
    assert(pairs.err ? pairs.what != NULL : 2 * count <= frames); /* unknown ones are skipped */
    zmsg_destroy(&again);
    zmsg_destroy(&zmsg);
    return 0;
}
