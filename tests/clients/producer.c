/* The smallest producer: submits one job and says how it was answered.
 *
 *     cc producer.c $(pkg-config --cflags --libs tunemill) -o producer
 *     ./producer tcp://127.0.0.1:5570
 */
#include <stdio.h>
#include <tunemill/client.h>

static void
on_answer(void *arg, const struct tm_answer *answer)
{
    char id[TM_UUID_TEXT];

    *(tm_err_t *)arg = answer->err;
    printf("%s %s %s\n", tm_err_name(answer->err), tm_uuid_text(&answer->job, id),
           answer->detail);
}

int
main(int argc, char **argv)
{
    struct tm_client_options options = {.brokers = argc > 1 ? argv[1] : "", .give_up_ms = 300};
    struct tm_job_spec job = {.queue = "tune", .body = "{}", .body_size = 2};
    tm_client_t *client = tm_client_new(&options);
    tm_err_t answer = TM_TIMEOUT;

    if (!client) {
        fprintf(stderr, "usage: producer endpoint[,endpoint]...\n");
        return 2;
    }
    tm_err_t err = tm_client_submit(client, &job, on_answer, &answer);
    while (!err && tm_client_pending(client) > 0)
        if (tm_client_wait(client, 1000) == TM_DRAINING)
            break;
    tm_client_destroy(&client);
    return err || answer ? 1 : 0;
}
