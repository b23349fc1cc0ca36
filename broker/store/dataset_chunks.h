/* dataset_chunks - datasets arrive in chunks and are stored one after the other: the last one
 * sees all the others and completes the dataset.
 *
 * Handles  PUT
 * Emits    STORED REJECTED
 * Owns     the chunks that wait
 */
#ifndef BROKER_STORE_DATASET_CHUNKS_H
#define BROKER_STORE_DATASET_CHUNKS_H

#include "broker/wire/peers.h"
#include "proto/link/handlers.h"

typedef struct {
    context_t *context;
    peers_t *peers;
    zlistx_t *waiting; /* none of them in flight */
    bool is_in_flight;
} dataset_chunks_t;

void dataset_chunks_init(dataset_chunks_t *self); /* what is borrowed is set before */
void dataset_chunks_fini(dataset_chunks_t *self);
handler_fn dataset_chunks_put;
void dataset_chunks_flush(dataset_chunks_t *self);

#endif
