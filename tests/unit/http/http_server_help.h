/* http_server_help - a real http process without database and broker, and requests by curl. */
#ifndef TESTS_UNIT_HTTP_HTTP_SERVER_HELP_H
#define TESTS_UNIT_HTTP_HTTP_SERVER_HELP_H

#include <curl/curl.h>
#include <sys/types.h>

struct answer {
    char text[16384]; /* headers and body */
    size_t size;
    long status;
};

extern pid_t child;
extern char address[64];
extern int log_fd; /* what the process writes */

void start(void);
void stop(void);
CURL *prepare(const char *path, struct answer *answer);
void perform(CURL *curl, struct answer *answer);
void get(const char *path, const char *header, struct answer *answer);
void expect(const struct answer *answer, long status, const char *text);
void post(const char *header, size_t file_size, struct answer *answer);

#endif
