#include "tests/support/pace.h"

#include <time.h>

#define WORK_MS 50

static int64_t
now_ms(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t
pace_cpu_ms(void)
{
    return now_ms(CLOCK_PROCESS_CPUTIME_ID);
}

/* What a piece of work takes whose processor time is WORK_MS. */
static int64_t
work_takes_ms(void)
{
    int64_t begin_ms = now_ms(CLOCK_MONOTONIC), until_ms = pace_cpu_ms() + WORK_MS;

    while (pace_cpu_ms() < until_ms)
        continue;
    return now_ms(CLOCK_MONOTONIC) - begin_ms;
}

/* Of what several processes do in turn, each waits for its turn. */
static int64_t
times_longer(void)
{
    return 1 + 2 * work_takes_ms() / WORK_MS;
}

int64_t
pace_of_ms(int64_t quiet_ms)
{
    int64_t took_ms = work_takes_ms();

    return took_ms < WORK_MS * 3 / 2 ? quiet_ms : 2 * quiet_ms * took_ms / WORK_MS;
}

bool
pace_allows(int64_t took_ms, int64_t quiet_ms)
{
    return took_ms <= quiet_ms || took_ms <= quiet_ms * times_longer();
}
