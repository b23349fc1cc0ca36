#include "tests/support/nginx_proxy.h"

#include <arpa/inet.h>
#include <check.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/support/command.h"

#define NGINX "/usr/sbin/nginx"

bool
nginx_proxy_is_there(void)
{
    return access(NGINX, X_OK) == 0;
}

static uint16_t
free_port(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(at);
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    ck_assert_int_eq(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&at, &size), 0);
    close(fd);
    return ntohs(at.sin_port);
}

static void
configure(const char *path, uint16_t port, const char *upstream)
{
    FILE *out = fopen(path, "w");

    ck_assert_ptr_nonnull(out);
    fprintf(out,
            "daemon off; pid nginx.pid; error_log nginx.err; events {}\n"
            "http { access_log off; client_body_temp_path a; proxy_temp_path b;"
            " fastcgi_temp_path c; uwsgi_temp_path d; scgi_temp_path e;\n"
            " server { listen 127.0.0.1:%u; location / { proxy_pass %s; } } }\n",
            (unsigned)port, upstream);
    fclose(out);
}

pid_t
nginx_proxy_start(const char *root, const char *upstream, uint16_t *ret_port)
{
    char path[200], log[200];
    const char *argv[] = {NGINX, "-c", path, "-p", root, NULL};
    pid_t pid;
    int fd;

    *ret_port = free_port();
    snprintf(path, sizeof(path), "%s/nginx.conf", root);
    snprintf(log, sizeof(log), "%s/nginx.log", root);
    configure(path, *ret_port, upstream);
    pid = command_start(argv, log, &fd);
    ck_assert_int_gt(pid, 0);
    close(fd);
    return pid;
}
