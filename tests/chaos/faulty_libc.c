/* Preloaded into a process: a disk that is slow to say that it has written, and a wall clock
 * that is wrong. How much, a mapped file says, which the driver changes as it likes. It links
 * nothing and replaces nothing else. */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "tests/chaos/chaos.h"

static struct faulty *faulty;

static void __attribute__((constructor)) find(void)
{
    const char *path = getenv("TM_CHAOS_LIBC");
    int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    void *memory = MAP_FAILED;

    if (fd >= 0)
        memory = mmap(NULL, sizeof(*faulty), PROT_READ, MAP_SHARED, fd, 0);
    if (fd >= 0)
        close(fd);
    if (memory != MAP_FAILED)
        faulty = memory;
}

static void
wait_for_disk(void)
{
    long long us = faulty ? atomic_load(&faulty->sync_delay_us) : 0;
    struct timespec span = {.tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000};

    if (us > 0)
        nanosleep(&span, NULL);
}

int
fsync(int fd)
{
    wait_for_disk();
    return (int)syscall(SYS_fsync, fd);
}

int
fdatasync(int fd)
{
    wait_for_disk();
    return (int)syscall(SYS_fdatasync, fd);
}

int
clock_gettime(clockid_t id, struct timespec *ret)
{
    int code = (int)syscall(SYS_clock_gettime, id, ret);
    long long us = faulty && id == CLOCK_REALTIME ? atomic_load(&faulty->clock_offset_us) : 0;

    if (us) {
        us += (long long)ret->tv_sec * 1000000 + ret->tv_nsec / 1000;
        ret->tv_sec = us / 1000000;
        ret->tv_nsec = us % 1000000 * 1000;
    }
    return code;
}

int
gettimeofday(struct timeval *restrict ret, void *restrict zone)
{
    struct timespec now;
    int code = clock_gettime(CLOCK_REALTIME, &now);

    (void)zone;
    ret->tv_sec = now.tv_sec;
    ret->tv_usec = now.tv_nsec / 1000;
    return code;
}

time_t
time(time_t *ret)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    if (ret)
        *ret = now.tv_sec;
    return now.tv_sec;
}
