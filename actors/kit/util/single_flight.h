/* single_flight - what several ask for at the same time is done once, and all of them are given
 * its outcome.
 *
 * A flight is what is under way for one key. It stands in a struct of the caller's, who makes
 * and frees that struct; single_flight only finds it. One thread.
 *
 *     struct lookup { struct flight flight; struct key key; ... };
 *
 *     struct flight *flight = single_flight_find(flights, &key, NULL, NULL);
 *     if (!flight) {
 *         lookup->key = key;
 *         flight = &lookup->flight;
 *         single_flight_begin(flights, flight, &lookup->key);     and start the work
 *     }
 *     flight_join(flight, waiter);
 *     ...
 *     single_flight_end(flights, flight, give, arg);              the work is done
 */
#ifndef ACTORS_KIT_UTIL_SINGLE_FLIGHT_H
#define ACTORS_KIT_UTIL_SINGLE_FLIGHT_H

#include <stdbool.h>
#include <stddef.h>

typedef struct single_flight single_flight_t;

/* Begins as {0}. Waiters are the caller's pointers; those of a flight are to be read. */
struct flight {
    void **waiters;
    size_t count;
    /* single_flight's own */
    size_t limit;
    const void *key;
    struct flight *next, *previous;
};

/* Keys are key_size bytes each, and are compared as bytes: there must be no padding in them. */
single_flight_t *single_flight_new(size_t key_size);
void single_flight_destroy(single_flight_t **self_p); /* when no flight is under way */

/* The newest flight with this key that is_open says may be joined; is_open NULL: any. NULL:
 * there is none, begin one. */
struct flight *single_flight_find(const single_flight_t *self, const void *key,
                                  bool (*is_open)(const struct flight *flight, void *arg),
                                  void *arg);
/* The key is borrowed as long as the flight is under way. */
void single_flight_begin(single_flight_t *self, struct flight *flight, const void *key);
void flight_join(struct flight *self, void *waiter);
/* Nobody finds the flight any more; then give is called once for each waiter, in the order in
 * which they joined. give NULL: they are told nothing. What the flight held is freed. */
void single_flight_end(single_flight_t *self, struct flight *flight,
                       void (*give)(void *waiter, void *arg), void *arg);

size_t single_flight_count(const single_flight_t *self); /* flights under way */
/* Each of them once: first with NULL, then with what was returned. NULL: that was the last. */
struct flight *single_flight_next(const single_flight_t *self, const struct flight *flight);

#endif
