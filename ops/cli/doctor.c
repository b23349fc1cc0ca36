#include "ops/cli/doctor.h"

#include "ops/cli/doctor.def"

struct doctor_words
doctor_words(enum llm_cause cause, int status)
{
    static const struct {
        enum llm_cause cause;
        int status;
        struct doctor_words words;
    } rows[] = {
#define D(CAUSE, status, what, advice) {LLM_##CAUSE, status, {what, advice}},
        DOCTOR_WORDS(D)
#undef D
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (rows[i].cause == cause && (rows[i].status == 0 || rows[i].status == status))
            return rows[i].words;
    return (struct doctor_words){llm_causes[cause].name, ""};
}
