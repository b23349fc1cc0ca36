/* prompt - what a model is told: our words, and the facts as data between fences.
 *
 * Names and descriptions in the facts were written by anybody. They are JSON text within
 * <facts> and </facts>, in ASCII, without a '<' or '>' of their own, so that none of them can
 * end the fence; long texts are cut, and so are long lists. Nothing else of the prompt depends
 * on them.
 */
#ifndef ACTORS_EXPLAIN_PROMPT_H
#define ACTORS_EXPLAIN_PROMPT_H

#include "actors/kit/util/digest.h"
#include "actors/kit/contracts/explain_call.h"

#define PROMPT_FACTS_MAX ((size_t)16 * 1024) /* bytes between the fences */

struct prompt {
    const char *system; /* a constant */
    char *user;
    uint8_t hash[SHA256_SIZE]; /* of both: the same prompt has the same answer */
};

/* TM_TOO_LARGE: the facts do not fit, however much is cut. */
TM_CHECKED tm_err_t prompt_init(struct prompt *self, const struct explain_question *question);
void prompt_fini(struct prompt *self);

#endif
