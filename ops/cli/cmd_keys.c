/* Makes the certificates of the encrypted wire. Files are created and never opened again: what
 * is there stays as it is, whoever put it there. */
#include <czmq.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ops/cli/cli.h"
#include "proto/curve.h"

#define BROKER         "broker"
#define NAME_MAX_BYTES 48

struct keys {
    struct cli_list names;
    const char *role, *queues, *services;
    char directory[PATH_MAX];
};

static const struct cli_option options[] = {
    {"name", "NAME", CLI_LIST, offsetof(struct keys, names),
     "a process to make a certificate for; may be repeated"},
    {"role", "LIST", CLI_TEXT, offsetof(struct keys, role),
     "what these may do: of producer, worker and monitor, by commas; default all"},
    {"queues", "LIST", CLI_TEXT, offsetof(struct keys, queues),
     "the queues these may serve as workers, by commas"},
    {"services", "LIST", CLI_TEXT, offsetof(struct keys, services),
     "the services whose calls these may answer, by commas; default of both: all"},
};

static const struct cli_usage usage = {
    .arguments = "DIR",
    .min_arguments = 1,
    .max_arguments = 1,
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .notes =
        "Makes in DIR what is not there yet, and overwrites nothing:\n"
        "  broker.secret    stays with the broker, readable by it alone (broker.curve_secret)\n"
        "  broker.cert      goes to every other process (broker.curve_server)\n"
        "  NAME.secret      goes to NAME, readable by it alone (broker.curve_client)\n"
        "  allow/NAME.cert  lets NAME in: DIR/allow is the allow-list (broker.curve_allow)\n"
        "\n"
        "What each process needs, and no more:\n"
        "  http                     --role producer,monitor\n"
        "  tune                     --role worker --queues tune --services backtest.run\n"
        "  explain                  --role worker --services explain\n"
        "  events                   --role worker --queues events\n"
        "  health, retention        --role monitor\n"
        "  submit, watch, yours     --role producer\n"
        "  a worker of yours        --role worker --queues ITS,QUEUES\n"
        "  up, if it starts them    no role\n"
        "A producer hands in jobs, asks for them and calls services; a worker takes jobs and\n"
        "answers calls; a monitor hears what all processes count. A worker with --queues or\n"
        "--services serves what they name and nothing else.\n"
        "\n"
        "The allow-list: a key connects while allow/ holds its certificate. In the file, "
        "under\n"
        "\"metadata\", role, queues and services say what it may do; all can be edited. The "
        "broker\n"
        "looks once a second: nothing is restarted. Only names that end in .cert count.\n"
        "\n"
        "To revoke a key, delete its file from allow/ (or rename it). Within a second it "
        "cannot\n"
        "connect, what is connected with it is heard no more, and its jobs go to others.\n"
        "A new key for NAME: delete NAME.secret and allow/NAME.cert, and make it again.\n"
        "If broker.secret was seen by others, delete it and broker.cert, make new ones, start\n"
        "the broker again, and give the new broker.cert to everyone.\n",
};

/* ---- what is asked for ------------------------------------------------------------------ */

static bool
is_word(const char *text)
{
    size_t size = strlen(text);

    return size > 0 && size <= NAME_MAX_BYTES && text[0] != '-' &&
           strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-_") == size;
}

static bool
are_names(const char *list)
{
    for (const char *at = list;; at++) {
        size_t size = strcspn(at, ",");
        if (size == 0 || size > TM_NAME_MAX ||
            strspn(at, "abcdefghijklmnopqrstuvwxyz0123456789._-") < size)
            return false;
        at += size;
        if (!*at)
            return true;
    }
}

static int
check_limits(const cli_t *cli, const struct keys *self)
{
    bool is_worker = !self->role || (tm_roles_parse(self->role) & TM_BY_WORKER);

    if (self->role && !tm_roles_parse(self->role))
        return cli_misuse(cli,
                          "--role: \"%s\" is not of producer, worker and monitor, by commas",
                          self->role);
    if (self->queues && !are_names(self->queues))
        return cli_misuse(cli, "--queues: \"%s\" is not a list of queues by commas",
                          self->queues);
    if (self->services && !are_names(self->services))
        return cli_misuse(cli, "--services: \"%s\" is not a list of services by commas",
                          self->services);
    if ((self->queues || self->services) && !is_worker)
        return cli_misuse(cli,
                          "--queues and --services are for workers, and --role names none");
    if ((self->role || self->queues || self->services) && self->names.count == 0)
        return cli_misuse(cli,
                          "--role, --queues and --services say what a --name may do; there "
                          "is none");
    return -1;
}

static int
check(const cli_t *cli, const struct keys *self)
{
    for (size_t i = 0; i < self->names.count; i++) {
        const char *name = self->names.items[i];
        if (!is_word(name))
            return cli_misuse(cli,
                              "--name: \"%s\" is not a name: it takes 1 to %d of a-z 0-9 - _",
                              name, NAME_MAX_BYTES);
        if (strcmp(name, BROKER) == 0)
            return cli_misuse(cli, "--name: %s is the broker's own; it is made in any case",
                              name);
        for (size_t j = 0; j < i; j++)
            if (strcmp(name, self->names.items[j]) == 0)
                return cli_misuse(cli, "--name: %s is given twice", name);
    }
    return check_limits(cli, self);
}

/* ---- files ------------------------------------------------------------------------------ */

struct pair {
    char secret[PATH_MAX + 80], public[PATH_MAX + 80];
};

/* The broker's own certificate lets nobody in. */
static struct pair
files_of(const struct keys *self, const char *name)
{
    const char *allow = strcmp(name, BROKER) == 0 ? "" : "allow/";
    struct pair pair;

    snprintf(pair.secret, sizeof pair.secret, "%s/%s.secret", self->directory, name);
    snprintf(pair.public, sizeof pair.public, "%s/%s%s.cert", self->directory, allow, name);
    return pair;
}

static bool
make_directory(const cli_t *cli, const char *path)
{
    struct stat st;

    if (mkdir(path, 0700) < 0 && errno != EEXIST) {
        cli_fail(cli, "cannot make %s: %s", path, strerror(errno));
        return false;
    }
    if (lstat(path, &st) < 0 || !S_ISDIR(st.st_mode)) {
        cli_fail(cli, "%s is in the way: it is not a directory", path);
        return false;
    }
    if ((st.st_uid != geteuid() && st.st_uid != 0) || (st.st_mode & 022)) {
        cli_fail(cli, "others may write to %s, and could put their keys there", path);
        return false;
    }
    return true;
}

/* The directory, and `allow` in it; their paths are absolute from here on. */
static bool
open_directory(const cli_t *cli, struct keys *self)
{
    char allow[PATH_MAX + 80];

    if (mkdir(cli->arguments[0], 0700) < 0 && errno != EEXIST) {
        cli_fail(cli, "cannot make %s: %s", cli->arguments[0], strerror(errno));
        return false;
    }
    if (!realpath(cli->arguments[0], self->directory)) {
        cli_fail(cli, "cannot use %s: %s", cli->arguments[0], strerror(errno));
        return false;
    }
    snprintf(allow, sizeof allow, "%s/allow", self->directory);
    return make_directory(cli, self->directory) && make_directory(cli, allow);
}

static char *
text_of(zcert_t *cert, bool is_secret)
{
    zconfig_t *root = zconfig_new("root", NULL), *section = zconfig_new("metadata", root);
    zlist_t *names = zcert_meta_keys(cert);
    char *text;

    for (char *name = zlist_first(names); name; name = zlist_next(names))
        zconfig_set_value(zconfig_new(name, section), "%s", zcert_meta(cert, name));
    zlist_destroy(&names);
    zconfig_set_comment(root, is_secret ? "   Tunemill, SECRET certificate: give it to nobody"
                                        : "   Tunemill, public certificate");
    zconfig_put(root, "/curve/public-key", zcert_public_txt(cert));
    if (is_secret)
        zconfig_put(root, "/curve/secret-key", zcert_secret_txt(cert));
    text = zconfig_str_save(root);
    zconfig_destroy(&root);
    return text;
}

/* O_EXCL follows no link and takes no file that is there. */
static bool
write_new(const cli_t *cli, const char *path, zcert_t *cert, bool is_secret)
{
    mode_t mode = is_secret ? 0600 : 0644;
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    char *text = fd < 0 ? NULL : text_of(cert, is_secret);
    bool is_ok = fd >= 0;

    if (text) {
        size_t size = strlen(text);
        is_ok =
            fchmod(fd, mode) == 0 && write(fd, text, size) == (ssize_t)size && fsync(fd) == 0;
        explicit_bzero(text, size);
        zstr_free(&text);
    }
    if (!is_ok)
        cli_fail(cli, "cannot write %s: %s", path, strerror(errno));
    if (fd >= 0)
        close(fd);
    if (fd >= 0 && !is_ok)
        unlink(path); /* ours, and half written */
    if (is_ok)
        printf("made  %s\n", path);
    return is_ok;
}

static void
set_limit(zcert_t *cert, const char *name, const char *value)
{
    if (value)
        zcert_set_meta(cert, name, "%s", value);
}

static bool
make_pair(const cli_t *cli, const struct pair *files, const struct keys *limits)
{
    zcert_t *cert = zcert_new();
    bool is_ok = cert && zsys_has_curve();

    if (!is_ok)
        cli_fail(cli, "this ZeroMQ has no CURVE");
    if (is_ok && limits) {
        set_limit(cert, "role", limits->role);
        set_limit(cert, "queues", limits->queues);
        set_limit(cert, "services", limits->services);
    }
    is_ok = is_ok && write_new(cli, files->secret, cert, true);
    if (is_ok && !write_new(cli, files->public, cert, false)) {
        unlink(files->secret); /* just made, and of no use alone */
        is_ok = false;
    }
    zcert_destroy(&cert);
    return is_ok;
}

static bool
is_there(const char *path)
{
    struct stat st;

    return lstat(path, &st) == 0;
}

/* Both files or none; half a pair is for a person to look at. */
static bool
make_broker(const cli_t *cli, const struct keys *self)
{
    const struct pair files = files_of(self, BROKER);

    if (is_there(files.secret) != is_there(files.public)) {
        cli_fail(cli, "of %s and %s one is missing; bring it back, or delete the other",
                 files.secret, files.public);
        return false;
    }
    if (!is_there(files.secret))
        return make_pair(cli, &files, NULL);
    printf("kept  %s\nkept  %s\n", files.secret, files.public);
    return true;
}

/* All are looked at before any is made. */
static bool
make_peers(const cli_t *cli, const struct keys *self)
{
    struct pair files;

    for (size_t i = 0; i < self->names.count; i++) {
        files = files_of(self, self->names.items[i]);
        if (is_there(files.secret) || is_there(files.public)) {
            cli_fail(cli, "%s is there already; nothing is overwritten",
                     is_there(files.secret) ? files.secret : files.public);
            return false;
        }
    }
    if (!make_broker(cli, self))
        return false;
    for (size_t i = 0; i < self->names.count; i++) {
        files = files_of(self, self->names.items[i]);
        if (!make_pair(cli, &files, self))
            return false;
    }
    return true;
}

static void
print_settings(const struct keys *self)
{
    printf("\nThe broker's settings:\n"
           "  broker.curve_secret=%s/broker.secret\n"
           "  broker.curve_allow=%s/allow\n",
           self->directory, self->directory);
    printf("\nEach other process's settings; on another machine, where you copy the\n"
           "two files to:\n  broker.curve_server=%s/broker.cert\n",
           self->directory);
    if (self->names.count == 0)
        printf("  broker.curve_client=%s/NAME.secret   (make one with --name NAME)\n",
               self->directory);
    for (size_t i = 0; i < self->names.count; i++)
        printf("  broker.curve_client=%s/%s.secret\n", self->directory, self->names.items[i]);
}

int
cmd_keys(cli_t *cli, int argc, char **argv)
{
    struct keys self = {.role = NULL};
    int code = cli_parse(cli, &usage, &self, argc, argv);

    if (code < 0)
        code = check(cli, &self);
    if (code >= 0)
        return code;
    if (!open_directory(cli, &self) || !make_peers(cli, &self))
        return CLI_FAILED;
    print_settings(&self);
    return CLI_OK;
}
