/* metrics_process - what the kernel knows of this process, in Prometheus text. */
#ifndef ACTORS_KIT_RUNTIME_METRICS_PROCESS_H
#define ACTORS_KIT_RUNTIME_METRICS_PROCESS_H

#include <stdint.h>
#include <stdio.h>

#define PROCESS_INSTANCE_BYTES 96

int64_t process_start_ms(void); /* since 1970, UTC */
/* HOST-XXXXXXXX: the same in all of this process, and of no other. */
void process_instance(char text[PROCESS_INSTANCE_BYTES]);
/* process_resident_memory_bytes, process_open_fds, process_cpu_seconds_total,
 * process_start_time_seconds, tunemill_build_info, all with the labels `base`; one that cannot
 * be read is left out */
void process_print(FILE *out, const char *base, int64_t start_ms);

#endif
