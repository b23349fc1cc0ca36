/* The smallest worker: answers each job with its body in capitals.
 *
 *     cc worker.c $(pkg-config --cflags --libs tunemill) -o worker
 *     ./worker tcp://127.0.0.1:5570 upper [credit [record]]
 *
 * record: a file that gets a line for each job, written before the job is done.
 */
#include <ctype.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <tunemill/worker.h>

#define BODY_MAX 1000

static void
note(int record, const tm_job_t *job)
{
    tm_str_t body = tm_job_body(job);
    char id[TM_UUID_TEXT], line[BODY_MAX + 200];
    int size = snprintf(line, sizeof line, "%.*s %s %u\n", (int)body.size, body.data,
                        tm_uuid_text(tm_job_id(job), id), tm_job_attempt(job));

    if (record >= 0 && write(record, line, (size_t)size) != size) {
        perror("worker: the record");
        exit(1);
    }
}

static void
answer(tm_worker_t *worker, tm_job_t **job_p, int record)
{
    tm_str_t body = tm_job_body(*job_p);
    char capitals[BODY_MAX];

    if (body.size > sizeof capitals) {
        tm_worker_fail(worker, job_p, TM_JOB_FAILED, "the body is too long", false);
        return;
    }
    note(record, *job_p);
    for (size_t i = 0; i < body.size; i++)
        capitals[i] = (char)toupper((unsigned char)body.data[i]);
    tm_worker_done(worker, job_p, false, capitals, body.size);
}

int
main(int argc, char **argv)
{
    struct tm_worker_options options = {
        .brokers = argc > 2 ? argv[1] : "",
        .actor = "upper",
        .queues = argc > 2 ? argv[2] : "",
        .credit = argc > 3 ? (uint32_t)strtoul(argv[3], NULL, 10) : 1};
    int record = argc > 4 ? open(argv[4], O_WRONLY | O_CREAT | O_APPEND, 0666) : -1;
    tm_worker_t *worker = argc > 2 ? tm_worker_new(&options) : NULL;
    tm_job_t *job;

    if (!worker || (argc > 4 && record < 0)) {
        fprintf(stderr, "usage: worker endpoint[,endpoint]... queue [credit [record]]\n");
        return 2;
    }
    while (tm_worker_next(worker, -1, &job) == TM_OK)
        answer(worker, &job, record);
    tm_worker_destroy(&worker);
    return 0;
}
