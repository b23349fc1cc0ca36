/* process - starts a program that cannot outlive us.
 *
 * The child gets a process group of its own (a terminal's ^C reaches only us), no blocked
 * signals, standard input from /dev/null, standard output joined to standard error, and the
 * kernel's promise to be sent `death_signal` when we die, however that happens.
 */
#ifndef OPS_SUPERVISOR_PROCESS_H
#define OPS_SUPERVISOR_PROCESS_H

#include <argz.h>
#include <stdbool.h>
#include <sys/types.h>

/* Whom a program runs as; drop false: as we are. */
struct process_user {
    bool drop;
    uid_t uid;
    gid_t gid;
};

/* The texts of an argv: argz(3). Begins as {NULL}. */
struct arguments {
    char *texts;
    size_t size;
};
void arguments_add(struct arguments *self, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
char **arguments_argv(const struct arguments *self); /* borrows them; the caller frees it */

struct process_options {
    const char *path;  /* of the program, no PATH search */
    char *const *argv; /* ends with NULL */
    struct process_user user;
    const char *directory; /* to start in, or NULL */
    int death_signal;
    int keep_fd; /* a descriptor the program inherits, or -1 */
};

pid_t process_start(const struct process_options *options); /* -1: errno says why */

/* Finds the user PostgreSQL may run as when we are root: postgres, else nobody. drop is false
 * when we are not root. False: we are root and neither exists. */
bool process_user_of_database(struct process_user *ret_user);

#endif
