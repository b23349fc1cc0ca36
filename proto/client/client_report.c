#include "proto/client/client_inner.h"

void
tm_client_on_metrics(tm_client_t *self, tm_metrics_fn *fn, void *arg)
{
    self->on_metrics = fn;
    self->metrics_arg = arg;
}

const char *
tm_client_broker(const tm_client_t *self, size_t index, bool *ret_alive)
{
    if (index >= self->broker_count)
        return NULL;
    *ret_alive = self->brokers[index].alive;
    return self->brokers[index].endpoint;
}

/* A report that does not get through is not sent again: the next says more. */
void
tm_client_report(tm_client_t *self, const struct tm_metrics *metrics, tm_str_t text)
{
    tm_msg_t msg = {.type = TM_MSG_METRICS, .metrics = *metrics, .body = text};
    encoded_msg_t parcel;

    if (encoded_msg_init(&parcel, &msg))
        return;
    for (size_t i = 0; i < self->broker_count; i++)
        if (self->brokers[i].alive) {
            if (metrics->has_last && metrics->last) /* the client is about to end */
                zsock_set_linger(self->brokers[i].socket, LAST_WORD_MS);
            dealer_parcel(&self->brokers[i], &parcel);
            dealer_flush(&self->brokers[i]);
        }
    encoded_msg_fini(&parcel);
}
