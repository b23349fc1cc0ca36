/* scratch - where a test puts its clusters and data directories. */
#ifndef TESTS_SUPPORT_SCRATCH_H
#define TESTS_SUPPORT_SCRATCH_H

/* $TMPDIR; without it memory (/dev/shm) where there is plenty of it, for a cluster's files are
 * many and short-lived, else /tmp. Short enough for the path of a socket. */
const char *scratch_base(void);

#endif
