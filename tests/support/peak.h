/* peak - the most memory that a process ever had. */
#ifndef TESTS_SUPPORT_PEAK_H
#define TESTS_SUPPORT_PEAK_H

#include <sys/types.h>

long peak_kb(pid_t pid); /* resident; 0 if there is no such process */

#endif
