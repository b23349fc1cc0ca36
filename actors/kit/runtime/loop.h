/* loop - the one loop of a process or thread: sockets, descriptors, timers, drain.
 *
 * A thin layer over zloop. Handlers run in the thread of loop_run and return quickly. The loop
 * ends after loop_stop. With loop_signals, SIGTERM and SIGINT call on_drain once (stop taking
 * work, finish what is there, then loop_stop); a second signal ends the loop at once.
 */
#ifndef ACTORS_KIT_RUNTIME_LOOP_H
#define ACTORS_KIT_RUNTIME_LOOP_H

#include <czmq.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct loop loop_t;
typedef void loop_fn(void *arg);

loop_t *loop_new(void);
void loop_destroy(loop_t **self_p);

void loop_socket(loop_t *self, zsock_t *socket, loop_fn *fn,
                 void *arg); /* fn: read until empty */
void loop_socket_end(loop_t *self, zsock_t *socket);
void loop_fd(loop_t *self, int fd, short events, loop_fn *fn,
             void *arg); /* ZMQ_POLLIN, _POLLOUT */
void loop_fd_end(loop_t *self, int fd);
/* The timer's id. 0: in the next turn, once the handlers of this one have run. */
int loop_timer(loop_t *self, uint32_t delay_ms, bool repeat, loop_fn *fn, void *arg);
void loop_timer_end(loop_t *self, int timer); /* of a one-shot: only before it ran */
/* fn runs at the end of every turn in which a handler ran: the place to flush batches. */
void loop_after(loop_t *self, loop_fn *fn, void *arg);
void loop_signals(loop_t *self, loop_fn *on_drain, void *arg); /* main thread, once */
/* A process that will have loop_signals calls it first of all, before it has threads or
 * sockets: from then on both signals wait for the loop. czmq takes them over with the first
 * socket, and one that came between that and loop_signals would be lost, though a parent's
 * death sends it only once. */
void loop_hold_signals(void);
int loop_signal(const loop_t *self); /* the last of these that came; 0: none */
/* Before it sleeps the loop looks again for up to max_us (0, as at first: never), yielding to
 * whoever wants to run, so long as waits have lately been as short: to be waken costs more than
 * many answers take. A loop with little to do soon stops looking. */
void loop_spin(loop_t *self, int64_t max_us);
void loop_run(loop_t *self);
void loop_stop(loop_t *self);
zloop_t *loop_zloop(loop_t *self); /* for libraries that want one */

#endif
