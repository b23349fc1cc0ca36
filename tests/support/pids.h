/* pids - processes by their ids, whoever's they are. */
#ifndef TESTS_SUPPORT_PIDS_H
#define TESTS_SUPPORT_PIDS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Those in the first line of a file; returns how many. */
size_t pids_read(const char *path, pid_t *pids, size_t limit);
size_t pids_children(pid_t pid, pid_t *children, size_t limit);

bool pid_is_running(pid_t pid); /* one that is dead but not yet waited for is not */
/* SIGSTOP, and it has stopped when this returns: it has no more children than it has. */
void pid_stop(pid_t pid);
void pid_wait_gone(pid_t pid); /* ends the program if that takes more than a minute */

#endif
