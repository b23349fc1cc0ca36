#include "tests/chaos/chaos.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

void *
chaos_map(const char *directory, const char *name, size_t size, bool is_new)
{
    char path[256];
    void *memory;
    int fd;

    snprintf(path, sizeof(path), "%s/%s", directory, name);
    fd = open(path, O_RDWR | O_CLOEXEC | (is_new ? O_CREAT | O_EXCL : 0), 0644);
    if (fd < 0 || (is_new && ftruncate(fd, (off_t)size) != 0))
        abort();
    memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (memory == MAP_FAILED)
        abort();
    close(fd);
    return memory;
}

struct chaos_shared *
chaos_shared(const char *directory)
{
    return chaos_map(directory, "shared", sizeof(struct chaos_shared), false);
}

int64_t
chaos_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}
