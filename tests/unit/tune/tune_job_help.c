#include "tests/unit/tune/tune_job_help.h"

struct tune_world world;
const char *const random50[] = {"seed", "7", NULL};

void
tune_job_set_up(void)
{
    tune_world_init(&world);
}

void
tune_job_tear_down(void)
{
    tune_world_fini(&world);
}

void
expect_nothing_written(void)
{
    tune_world_expect(&world, "SELECT count(*) FROM backtest_tune_runs", "0");
    tune_world_expect(&world, "SELECT count(*) FROM backtest_tunes WHERE status = 'completed'",
                      "0");
}
