/* broker_probe - whether anything listens where the brokers should be: a command that would
 * wait for nobody says so at once. */
#ifndef OPS_SUPERVISOR_BROKER_PROBE_H
#define OPS_SUPERVISOR_BROKER_PROBE_H

#include <stdbool.h>

/* brokers: endpoints as ipc:///run/broker.sock and tcp://host:5555, separated by commas. False:
 * every one of them refuses. What does not answer in half a second may be there, and so may
 * what is at a TCP address, if the connections have keys: the broker would count one that is
 * given up as a peer that it refused. */
bool broker_probe(const char *brokers, bool has_keys);

#endif
