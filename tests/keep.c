/* keep - runs a test, and leaves nothing of it running.
 *
 *     keep PROGRAM [argument...]
 *
 * Whatever PROGRAM starts, and what that starts, becomes a child of keep when its parent dies
 * (PR_SET_CHILD_SUBREAPER). When PROGRAM has ended, or keep is told to end, or the process that
 * started keep is gone, what is left gets GRACE_MS to end by itself and is then killed. Two of
 * them run, one inside the other: if one is killed, the other does the work.
 *
 * Exit status: PROGRAM's; a signal that ended PROGRAM ends keep, too. 125: keep itself failed.
 */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { GRACE_MS = 10000, KILL_EVERY_MS = 20, PIDS_MOST = 4096, FAILED = 125 };

static sigset_t signals; /* a child has changed, and those that end keep */

static int64_t
now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* The children of `pid` from pids[count] on; returns how many there are then. */
static size_t
add_children(pid_t pid, pid_t pids[PIDS_MOST], size_t count)
{
    char path[64], *line = NULL, *at, *end;
    size_t size = 0;
    FILE *file;

    snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)pid, (int)pid);
    file = fopen(path, "re");
    if (file && getline(&line, &size, file) > 0)
        for (at = line; count < PIDS_MOST; at = end) {
            long child = strtol(at, &end, 10);

            if (end == at)
                break;
            pids[count++] = (pid_t)child;
        }
    free(line);
    if (file)
        fclose(file);
    return count;
}

static size_t
find_descendants(pid_t pids[PIDS_MOST])
{
    size_t count = add_children(getpid(), pids, 0);

    for (size_t i = 0; i < count; i++)
        count = add_children(pids[i], pids, count);
    return count;
}

/* Waits for all children that have ended; tells the status of `program` if it is one of them.
 * False: there are no children any more. */
static bool
reap(pid_t program, int *ret_status, bool *ret_ended)
{
    int status;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
        if (pid == program) {
            *ret_status = status;
            *ret_ended = true;
        }
    return pid == 0;
}

/* A signal, or nothing within `ms`. */
static int
await_signal(int64_t ms)
{
    struct timespec span = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

    return sigtimedwait(&signals, NULL, &span);
}

/* Those that end by themselves have time to, and remove their files. What another has started
 * meanwhile is found in the next round. */
static void
end_rest(void)
{
    int64_t due_ms = now_ms() + GRACE_MS;
    pid_t pids[PIDS_MOST];
    int status;
    bool ended;

    while (reap(0, &status, &ended)) {
        int64_t left_ms = due_ms - now_ms();

        if (left_ms > 0) {
            await_signal(left_ms);
            continue;
        }
        for (size_t i = 0, count = find_descendants(pids); i < count; i++)
            kill(pids[i], SIGKILL);
        await_signal(KILL_EVERY_MS);
    }
}

static void __attribute__((noreturn)) end_like(int status)
{
    if (WIFEXITED(status))
        exit(WEXITSTATUS(status));
    signal(WTERMSIG(status), SIG_DFL);
    sigprocmask(SIG_UNBLOCK, &signals, NULL);
    raise(WTERMSIG(status));
    exit(128 + WTERMSIG(status)); /* a signal that does not end a process */
}

static void __attribute__((noreturn)) become(char **argv, pid_t parent)
{
    sigprocmask(SIG_UNBLOCK, &signals, NULL);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() == parent)
        execvp(argv[0], argv);
    perror(argv[0]);
    _exit(127);
}

/* Stands between its parent and the program; the program's status, or that of a SIGTERM. */
static int
keep(char **argv, pid_t parent, bool is_outer)
{
    pid_t self = getpid(), program;
    bool has_ended = false;
    int status = SIGTERM;

    if (prctl(PR_SET_CHILD_SUBREAPER, 1) != 0 || prctl(PR_SET_PDEATHSIG, SIGTERM) != 0 ||
        getppid() != parent)
        return SIGKILL; /* who started it is gone already */
    program = fork();
    if (program < 0)
        return FAILED << 8;
    if (program == 0 && is_outer)
        end_like(keep(argv, self, false));
    if (program == 0)
        become(argv, self);
    while (!has_ended && reap(program, &status, &has_ended) && !has_ended) {
        int number = await_signal(GRACE_MS);

        if (number > 0 && number != SIGCHLD) {
            kill(program, is_outer ? SIGTERM : SIGKILL);
            break;
        }
    }
    end_rest();
    return status;
}

int
main(int argc, char **argv)
{
    static const int ends[] = {SIGCHLD, SIGTERM, SIGINT, SIGHUP, SIGQUIT};

    if (argc < 2) {
        fprintf(stderr, "usage: keep PROGRAM [argument...]\n");
        return FAILED;
    }
    sigemptyset(&signals);
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
        sigaddset(&signals, ends[i]);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    end_like(keep(argv + 1, getppid(), true));
}
