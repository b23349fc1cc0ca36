#include "actors/http/core/shared_body.h"

#include <stdlib.h>
#include <string.h>

#include "actors/kit/util/memory.h"

struct shared_body {
    size_t refs, size;
    char bytes[];
};

shared_body_t *
shared_body_new(tm_str_t content)
{
    shared_body_t *self = tm_grown(NULL, sizeof(*self) + content.size);

    self->refs = 1;
    self->size = content.size;
    if (content.size > 0)
        memcpy(self->bytes, content.data, content.size);
    return self;
}

shared_body_t *
shared_body_ref(shared_body_t *self)
{
    self->refs++;
    return self;
}

void
shared_body_destroy(shared_body_t **self_p)
{
    shared_body_t *self = *self_p;

    *self_p = NULL;
    if (self && --self->refs == 0)
        free(self);
}

tm_str_t
shared_body_content(const shared_body_t *self)
{
    return (tm_str_t){self->bytes, self->size};
}
