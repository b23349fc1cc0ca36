#include "ops/cli/looking_after.h"

static void *
open_probes(const struct probing_world *world, void *arg)
{
    const struct looking_after *self = arg;

    return probes_new(world, &self->model);
}

static void
close_probes(void **state_p)
{
    probes_t *probes = *state_p;

    probes_destroy(&probes);
    *state_p = NULL;
}

void
looking_after_init(struct looking_after *self, const settings_t *settings)
{
    *self = (struct looking_after){
        .probing = {.open = open_probes, .close = close_probes, .arg = self}};
    model_configs_read(&self->links, settings);
    for (size_t i = 0; i < self->links.count && !self->model.provider; i++)
        if (self->links.items[i].state == MODEL_CONFIG_USABLE)
            self->model =
                (struct probes_model){self->links.items[i].name, self->links.items[i].model};
}

void
looking_after_fini(struct looking_after *self)
{
    model_configs_fini(&self->links);
}
