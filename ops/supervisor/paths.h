/* paths - where a running `tunemill up` keeps its things.
 *
 *   data_dir/lock, up.json   one instance only; what the command line finds a running one by
 *   data_dir/postgres        the private cluster, or a link to it (see below)
 *   run_dir/broker.sock      the broker's endpoint
 *   socket_dir               PostgreSQL's socket
 *
 * A unix socket's name holds 107 bytes, and stands in endpoints and URLs. Where data_dir is too
 * long for one, or has a space or another special character, run_dir and socket_dir are in
 * /tmp/tunemill-<uid>-<hash of data_dir>, which is checked to be ours.
 *
 * PostgreSQL refuses to run as root. Started by root it runs as another user, who must be able
 * to reach the cluster: where data_dir is closed to others (/root, say) the cluster is in
 * /var/lib/tunemill/<hash of data_dir>, and data_dir/postgres is a link to it.
 */
#ifndef OPS_SUPERVISOR_PATHS_H
#define OPS_SUPERVISOR_PATHS_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#include "ops/supervisor/process.h"
#include "proto/error.h"

#define PATHS_SOCKET_MAX 107

struct paths {
    char data_dir[PATH_MAX]; /* absolute */
    char run_dir[PATH_MAX];
    char socket_dir[PATH_MAX];
    char cluster_base[PATH_MAX]; /* holds `postgres` and `postgres.new` */
    char cluster[PATH_MAX];
    int lock_fd;
};

/* Makes the directories and takes the lock. On failure `detail` says what to do; nothing is
 * held. private_cluster false: no cluster is prepared. */
TM_CHECKED tm_err_t paths_open(struct paths *self, const char *data_dir, bool private_cluster,
                               const struct process_user *user, char *detail, size_t size);
void paths_close(struct paths *self); /* removes sockets and temporary directories, unlocks */

/* Joins, or fails with false where the result would not fit. */
bool paths_join(char *out, size_t size, const char *directory, const char *name);
/* Removes a directory and what is in it. */
TM_CHECKED tm_err_t paths_remove_tree(const char *path);

#endif
