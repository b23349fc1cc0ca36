#include "ops/supervisor/process.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

void
arguments_add(struct arguments *self, const char *format, ...)
{
    va_list values;
    char *text = NULL;

    va_start(values, format);
    if (vasprintf(&text, format, values) < 0 || argz_add(&self->texts, &self->size, text))
        abort(); /* a small allocation */
    va_end(values);
    free(text);
}

char **
arguments_argv(const struct arguments *self)
{
    char **argv = calloc(argz_count(self->texts, self->size) + 1, sizeof *argv);

    if (!argv)
        abort();
    argz_extract(self->texts, self->size, argv);
    return argv;
}

static bool
reset_signals(void)
{
    struct sigaction usual = {.sa_handler = SIG_DFL};
    sigset_t none;

    for (int number = 1; number < NSIG; number++)
        sigaction(number, &usual, NULL); /* not for KILL and STOP: nothing to reset */
    sigemptyset(&none);
    return sigprocmask(SIG_SETMASK, &none, NULL) == 0;
}

static bool
redirect(void)
{
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

    return null >= 0 && dup2(null, STDIN_FILENO) >= 0 &&
           dup2(STDERR_FILENO, STDOUT_FILENO) >= 0;
}

static bool
become(const struct process_user *user)
{
    if (!user->drop)
        return true;
    return setgroups(0, NULL) == 0 && setgid(user->gid) == 0 && setuid(user->uid) == 0;
}

/* After become(): a change of user clears the death signal. If the parent died before prctl,
 * the signal never comes, so its id is compared afterwards. */
static bool
die_with_parent(pid_t parent, int death_signal)
{
    return prctl(PR_SET_PDEATHSIG, death_signal) == 0 && getppid() == parent;
}

__attribute__((noreturn)) static void
run_child(const struct process_options *options, pid_t parent)
{
    bool ready = setpgid(0, 0) == 0 && reset_signals() && redirect();

    if (ready && options->directory)
        ready = chdir(options->directory) == 0;
    if (ready && options->keep_fd >= 0)
        ready = fcntl(options->keep_fd, F_SETFD, 0) == 0;
    if (ready && become(&options->user) && die_with_parent(parent, options->death_signal))
        execv(options->path, options->argv);
    fprintf(stderr, "tunemill up: cannot start %s: %s\n", options->path, strerror(errno));
    _exit(127);
}

pid_t
process_start(const struct process_options *options)
{
    pid_t parent = getpid();
    sigset_t all, before;
    pid_t pid;

    sigfillset(&all); /* so that no handler of ours runs in the child */
    sigprocmask(SIG_SETMASK, &all, &before);
    pid = fork();
    if (pid == 0)
        run_child(options, parent);
    sigprocmask(SIG_SETMASK, &before, NULL);
    if (pid > 0)
        setpgid(pid,
                pid); /* both sides do it: whoever is first; the other's failure is no matter */
    return pid;
}

bool
process_user_of_database(struct process_user *ret_user)
{
    static const char *const names[] = {"postgres", "nobody"};

    *ret_user = (struct process_user){.drop = geteuid() == 0};
    if (!ret_user->drop)
        return true;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const struct passwd *entry = getpwnam(names[i]);

        if (entry) {
            ret_user->uid = entry->pw_uid;
            ret_user->gid = entry->pw_gid;
            return true;
        }
    }
    return false;
}
