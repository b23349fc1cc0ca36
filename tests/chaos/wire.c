/* The wire: one process through which every connection goes. It accepts at each link's door and
 * connects to the link's target, both UNIX sockets, and passes chunks on when they are due.
 * What it does to them, the links' words in shared memory say. What came up a link it
 * remembers, the beginning of the last connections, to say it once more when asked. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/chaos/chaos.h"

enum {
    PAIRS = 400,
    CHUNK = 16384,
    QUEUE_LIMIT = 512 * 1024, /* bytes that wait in one direction; then it reads no more */
    MEMORY = 65536,           /* of the beginning of a connection */
    TURN_MS = 5,
    REPLAY_MS = 800
};

struct chunk {
    struct chunk *next;
    int64_t due_ms;
    size_t size, sent;
    char data[];
};

struct flow {
    struct chunk *first, *last;
    size_t bytes;
};

struct pair {
    int ends[2]; /* [UP] is the broker's side, [DOWN] the peer's; -1: free */
    unsigned link;
    struct flow flows[2]; /* by direction */
    int64_t end_ms;       /* 0: lives as long as its ends */
    char *memory;         /* what came up */
    size_t memory_size;
};

struct recording {
    char *data;
    size_t size;
};

struct seen {
    unsigned cuts, truncations, replays;
    struct recording last;
};

struct wire {
    struct chaos_shared *shared;
    uint64_t random;
    int doors[LINKS];
    struct seen seen[LINKS];
    struct pair pairs[PAIRS];
};

static void
address_of(const char *path, struct sockaddr_un *ret)
{
    *ret = (struct sockaddr_un){.sun_family = AF_UNIX};
    snprintf(ret->sun_path, sizeof(ret->sun_path), "%.*s", (int)sizeof(ret->sun_path) - 1,
             path);
}

static int
open_door(const char *path)
{
    struct sockaddr_un address;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    address_of(path, &address);
    unlink(path);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0 ||
        listen(fd, 128) != 0)
        abort();
    chmod(path, 0777);
    return fd;
}

/* A UNIX socket connects at once, or the listener's queue is full: refused, like a broken one.
 */
static int
connect_to(const char *path)
{
    struct sockaddr_un address;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    address_of(path, &address);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
        return fd;
    if (fd >= 0)
        close(fd);
    return -1;
}

static void
flow_add(struct flow *self, const char *data, size_t size, int64_t due_ms)
{
    struct chunk *chunk = malloc(sizeof(*chunk) + size);

    if (!chunk)
        abort();
    *chunk = (struct chunk){.due_ms = due_ms, .size = size};
    memcpy(chunk->data, data, size);
    if (self->last)
        self->last->next = chunk;
    else
        self->first = chunk;
    self->last = chunk;
    self->bytes += size;
}

static void
flow_drop(struct flow *self)
{
    struct chunk *chunk = self->first;

    self->first = chunk->next;
    if (!self->first)
        self->last = NULL;
    self->bytes -= chunk->size;
    free(chunk);
}

static void
remember(struct wire *self, struct pair *pair)
{
    struct recording *last = &self->seen[pair->link].last;

    if (pair->memory_size < 2000) /* a handshake and a ping or two: nothing to say again */
        return;
    free(last->data);
    *last = (struct recording){pair->memory, pair->memory_size};
    pair->memory = NULL;
}

static void
close_pair(struct wire *self, struct pair *pair)
{
    for (int i = 0; i < 2; i++) {
        if (pair->ends[i] >= 0)
            close(pair->ends[i]);
        while (pair->flows[i].first)
            flow_drop(&pair->flows[i]);
    }
    if (pair->memory)
        remember(self, pair);
    free(pair->memory);
    *pair = (struct pair){.ends = {-1, -1}};
}

static struct pair *
free_pair(struct wire *self)
{
    for (size_t i = 0; i < PAIRS; i++)
        if (self->pairs[i].ends[UP] < 0)
            return &self->pairs[i];
    return NULL;
}

static void
accept_at(struct wire *self, unsigned link)
{
    int fd = accept4(self->doors[link], NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    struct pair *pair = fd >= 0 ? free_pair(self) : NULL;
    int target = pair ? connect_to(self->shared->links[link].target) : -1;

    if (target < 0) {
        if (fd >= 0)
            close(fd);
        return;
    }
    *pair = (struct pair){.ends = {target, fd}, .link = link, .memory = malloc(MEMORY)};
}

static int64_t
due(struct wire *self, const struct link *link)
{
    unsigned delay = atomic_load(&link->delay_ms);

    return chaos_ms() + delay * (60 + chaos_below(&self->random, 81)) / 100;
}

/* False: the pair is to be closed. */
static bool
read_end(struct wire *self, struct pair *pair, enum direction way)
{
    char data[CHUNK];
    ssize_t size = read(pair->ends[way == UP ? DOWN : UP], data, sizeof(data));
    size_t room = MEMORY - pair->memory_size;

    if (size < 0)
        return errno == EAGAIN || errno == EINTR;
    if (size == 0)
        return false;
    if (way == UP && pair->memory) {
        room = (size_t)size < room ? (size_t)size : room;
        memcpy(pair->memory + pair->memory_size, data, room);
        pair->memory_size += room;
    }
    flow_add(&pair->flows[way], data, (size_t)size,
             due(self, &self->shared->links[pair->link]));
    return true;
}

static bool
write_end(struct pair *pair, enum direction way, int64_t now_ms)
{
    struct flow *flow = &pair->flows[way];

    while (flow->first && flow->first->due_ms <= now_ms) {
        struct chunk *chunk = flow->first;
        ssize_t size = send(pair->ends[way], chunk->data + chunk->sent,
                            chunk->size - chunk->sent, MSG_NOSIGNAL);
        if (size < 0)
            return errno == EAGAIN || errno == EINTR;
        chunk->sent += (size_t)size;
        if (chunk->sent < chunk->size)
            return true;
        flow_drop(flow);
    }
    return true;
}

/* --- what the links say ------------------------------------------------------------------- */

static void
cut_all(struct wire *self, unsigned link)
{
    for (size_t i = 0; i < PAIRS; i++)
        if (self->pairs[i].ends[UP] >= 0 && self->pairs[i].link == link)
            close_pair(self, &self->pairs[i]);
}

/* Half of what comes next, and no more. */
static void
truncate_all(struct wire *self, unsigned link)
{
    for (size_t i = 0; i < PAIRS; i++) {
        struct pair *pair = &self->pairs[i];
        if (pair->ends[UP] < 0 || pair->link != link)
            continue;
        for (int way = 0; way < 2; way++) {
            const struct chunk *chunk = pair->flows[way].first;
            size_t half = chunk ? (chunk->size - chunk->sent) / 2 : 0;
            if (half > 0)
                send(pair->ends[way], chunk->data + chunk->sent, half, MSG_NOSIGNAL);
        }
        close_pair(self, pair);
    }
}

static void
replay(struct wire *self, unsigned link)
{
    struct recording *last = &self->seen[link].last;
    unsigned flips = atomic_load(&self->shared->links[link].flips);
    struct pair *pair = free_pair(self);
    int fd = last->data && pair ? connect_to(self->shared->links[link].target) : -1;
    int nobody = fd >= 0 ? open("/dev/null", O_RDWR | O_CLOEXEC) : -1;
    char *data = nobody >= 0 ? malloc(last->size) : NULL;

    if (!data) {
        if (fd >= 0)
            close(fd);
        return;
    }
    memcpy(data, last->data, last->size);
    for (unsigned i = 0; i < flips; i++) /* behind the greeting */
        data[64 + chaos_below(&self->random, (unsigned)last->size - 64)] ^=
            (char)(1 << chaos_below(&self->random, 8));
    *pair = (struct pair){.ends = {fd, nobody}, .link = link, .end_ms = chaos_ms() + REPLAY_MS};
    flow_add(&pair->flows[UP], data, last->size, 0);
    free(data);
}

static void
obey(struct wire *self, unsigned link)
{
    struct link *words = &self->shared->links[link];
    struct seen *seen = &self->seen[link];
    unsigned cuts = atomic_load(&words->cuts), truncations = atomic_load(&words->truncations);
    unsigned replays = atomic_load(&words->replays);

    if (cuts != seen->cuts)
        cut_all(self, link);
    if (truncations != seen->truncations)
        truncate_all(self, link);
    while (seen->replays != replays) {
        replay(self, link);
        seen->replays++;
    }
    seen->cuts = cuts;
    seen->truncations = truncations;
}

/* --- a turn ------------------------------------------------------------------------------- */

static bool
is_held(const struct wire *self, const struct pair *pair, enum direction way)
{
    return atomic_load(&self->shared->links[pair->link].is_held[way]);
}

/* A replay reads what it is told, so that its target is not blocked, but nobody hears it. */
static void
serve(struct wire *self, struct pair *pair, int64_t now_ms)
{
    bool is_ok = pair->end_ms == 0 || now_ms < pair->end_ms;

    for (int way = 0; way < 2 && is_ok; way++) {
        if (is_held(self, pair, way) || (pair->end_ms && way == UP && !pair->flows[UP].first))
            continue;
        if (pair->flows[way].bytes < QUEUE_LIMIT && !(pair->end_ms && way == UP))
            is_ok = read_end(self, pair, way);
        if (pair->end_ms && way == DOWN)
            while (pair->flows[DOWN].first)
                flow_drop(&pair->flows[DOWN]);
        is_ok = is_ok && write_end(pair, way, now_ms);
    }
    if (!is_ok)
        close_pair(self, pair);
}

/* Readable ends wake it up; what is only due or held waits for the next turn. */
static void
wait_for_news(struct wire *self)
{
    static struct pollfd items[LINKS + 2 * PAIRS];
    nfds_t count = 0;

    for (unsigned i = 0; i < LINKS; i++)
        if (self->doors[i] >= 0)
            items[count++] = (struct pollfd){.fd = self->doors[i], .events = POLLIN};
    for (size_t i = 0; i < PAIRS; i++)
        for (int way = 0; way < 2 && self->pairs[i].ends[UP] >= 0; way++)
            if (!is_held(self, &self->pairs[i], way) &&
                self->pairs[i].flows[way].bytes < QUEUE_LIMIT && !self->pairs[i].end_ms)
                items[count++] = (struct pollfd){
                    .fd = self->pairs[i].ends[way == UP ? DOWN : UP], .events = POLLIN};
    poll(items, count, TURN_MS);
}

static void
turn(struct wire *self)
{
    int64_t now_ms;

    wait_for_news(self);
    now_ms = chaos_ms();
    for (unsigned i = 0; i < LINKS; i++)
        if (self->doors[i] >= 0) {
            accept_at(self, i);
            obey(self, i);
        }
    for (size_t i = 0; i < PAIRS; i++)
        if (self->pairs[i].ends[UP] >= 0)
            serve(self, &self->pairs[i], now_ms);
}

int
wire_main(const char *directory, unsigned index)
{
    static struct wire self;

    (void)index;
    self.shared = chaos_shared(directory);
    self.random = self.shared->seed;
    signal(SIGPIPE, SIG_IGN);
    for (size_t i = 0; i < PAIRS; i++)
        self.pairs[i].ends[UP] = self.pairs[i].ends[DOWN] = -1;
    for (unsigned i = 0; i < LINKS; i++)
        self.doors[i] =
            self.shared->links[i].door[0] ? open_door(self.shared->links[i].door) : -1;
    for (;;)
        turn(&self);
}
