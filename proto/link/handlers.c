#include "proto/link/handlers.h"

tm_err_t
handlers_call(const handlers_t *self, const delivery_t *in, const char **ret_what)
{
    handler_fn *on = self->on[in->msg->type];
    delivery_t delivery = *in;
    tm_err_t err;

    if (!on) {
        *ret_what = "this peer takes no message of that type";
        return TM_NOT_FOUND;
    }
    err = self->admit ? self->admit(in, ret_what) : TM_OK;
    delivery.self = (char *)in->self + self->at[in->msg->type];
    return err ? err : on(&delivery);
}
