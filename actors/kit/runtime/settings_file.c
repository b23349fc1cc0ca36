/* Writes the documented settings file to the path given. */
#include <stdio.h>
#include <stdlib.h>

#include "actors/kit/runtime/settings.h"

int
main(int argc, char **argv)
{
    FILE *out = argc == 2 ? fopen(argv[1], "we") : NULL;

    if (!out) {
        fprintf(stderr, "usage: tm_settings_file PATH (a file that can be written)\n");
        return EXIT_FAILURE;
    }
    settings_print_file(out);
    return fclose(out) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
