/* kept - a directory that is made once a build and copied by every test that wants it.
 *
 * Its name begins with what it is, and ends with what it was made from: `cluster-1f3a...`. A
 * name that is not there yet is made, kept in the build directory, and takes the place of those
 * that begin the same. One process makes, the others that want it wait. Where the build
 * directory cannot be written to, nothing is kept, and each makes its own.
 */
#ifndef TESTS_SUPPORT_KEPT_H
#define TESTS_SUPPORT_KEPT_H

/* Makes the directory `to`, which is not there yet, so that nobody has a file of it open when
 * it returns; ends the program if it cannot. */
typedef void kept_fn(void *arg, const char *to);

/* Puts it at `to`, with every file's owner and mode: a copy, or what `make` has just made. A
 * failure is printed and ends the program. */
void kept_copy(const char *name, const char *to, kept_fn *make, void *arg);

#endif
