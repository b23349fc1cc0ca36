/* fifo - a queue of items that carry their own link: adding and taking allocate nothing.
 *
 * The item's first member is a fifo_link_t. An item is in one fifo at a time.
 *     while ((submit = fifo_take(&self->submits))) ...
 */
#ifndef ACTORS_KIT_UTIL_FIFO_H
#define ACTORS_KIT_UTIL_FIFO_H

#include <stddef.h>

typedef struct fifo_link {
    struct fifo_link *next;
} fifo_link_t;

typedef struct {
    fifo_link_t *first, *last;
    size_t count;
} fifo_t;

static inline void
fifo_add(fifo_t *self, void *item)
{
    fifo_link_t *link = item;

    link->next = NULL;
    if (self->last)
        self->last->next = link;
    else
        self->first = link;
    self->last = link;
    self->count++;
}

/* Before the others. */
static inline void
fifo_return(fifo_t *self, void *item)
{
    fifo_link_t *link = item;

    link->next = self->first;
    self->first = link;
    if (!self->last)
        self->last = link;
    self->count++;
}

static inline void *
fifo_take(fifo_t *self) /* NULL: empty */
{
    fifo_link_t *link = self->first;

    if (!link)
        return NULL;
    self->first = link->next;
    if (!self->first)
        self->last = NULL;
    self->count--;
    return link;
}

/* All of `from`, behind what is there. */
static inline void
fifo_move(fifo_t *self, fifo_t *from)
{
    void *item;

    while ((item = fifo_take(from)))
        fifo_add(self, item);
}

/* for (submit_t *s = fifo_first(&list); s; s = fifo_next(s)) */
static inline void *
fifo_first(const fifo_t *self)
{
    return self->first;
}

static inline void *
fifo_next(const void *item)
{
    return ((const fifo_link_t *)item)->next;
}

#endif
