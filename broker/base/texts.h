/* texts - what the modules do with names, texts and bytes that came with a message. */
#ifndef BROKER_BASE_TEXTS_H
#define BROKER_BASE_TEXTS_H

#include "proto/message.h"

/* Cuts the next name off a list: at commas and nowhere else, wherever a list is read. False:
 * there is none. Empty ones are passed over. */
bool texts_cut_name(tm_str_t *list, tm_str_t *ret_name);
/* Not empty, and of a-z 0-9 . _ -, with A-Z too if is_any_case. */
bool texts_is_name(tm_str_t text, bool is_any_case);
/* Copies the text to *at, which moves behind it; the copy. */
tm_str_t texts_copy(char **at, tm_str_t text);
/* FNV-1a, going on from `hash`, or from TEXTS_HASH. */
#define TEXTS_HASH 14695981039346656037ULL
uint64_t texts_hash(uint64_t hash, const void *data, size_t size);
/* Logs what is wrong, in words of others. Returns TM_BAD_SETTING. */
tm_err_t texts_complain(const char *event, const char *detail);

#endif
