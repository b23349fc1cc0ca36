/* pg_cluster - PostgreSQL's programs and the user they run as, for tests.
 *
 * The newest version in /usr/lib/postgresql, else what is in PATH; as `postgres` if we are
 * root.
 */
#ifndef TESTS_SUPPORT_PG_CLUSTER_H
#define TESTS_SUPPORT_PG_CLUSTER_H

#include <stdbool.h>
#include <stddef.h>

/* Where initdb and postgres are; false: nowhere. */
bool pg_cluster_programs(char *bin, size_t size);

/* Makes path the server's user's; ends the program if that cannot be. */
void pg_cluster_give(const char *path);

/* In a child: becomes the server's user, and the program argv[0]. */
void __attribute__((noreturn)) pg_cluster_become(char *const *argv);

/* In a child: becomes initdb, and makes a cluster as `tunemill up` does, of this superuser. */
void __attribute__((noreturn))
pg_cluster_init(const char *bin, const char *data, const char *superuser);

/* A name for what is made by this version of PostgreSQL, this user and these migrations:
 * "what-" and figures. */
void pg_cluster_name(const char *bin, const char *what, char *name, size_t size);

#endif
