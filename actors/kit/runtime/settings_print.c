#include "actors/kit/runtime/settings.h"

#include <string.h>

#include "actors/kit/runtime/settings_table.h"

static void
print_number(FILE *out, const struct setting *row, double value, bool file)
{
    if (row->kind == SETTING_BOOL)
        fputs(value != 0 ? "true" : "false", out);
    else if (row->kind == SETTING_INT)
        fprintf(out, "%.0f%s", value, file && value > 2147483647.0 ? "L" : "");
    else
        fprintf(out, file && value == (double)(long long)value ? "%.1f" : "%.15g", value);
}

static void
print_range(FILE *out, const struct setting *row)
{
    if (row->is_secret)
        fputs("a secret; ", out);
    if (row->kind == SETTING_STR)
        fprintf(out, "%.0f to %.0f bytes", row->min, row->max);
    else if (row->kind == SETTING_BOOL)
        fputs("true or false", out);
    else {
        print_number(out, row, row->min, false);
        fputs(" to ", out);
        print_number(out, row, row->max, false);
    }
}

static void
print_default(FILE *out, const struct setting *row, bool file)
{
    if (row->kind != SETTING_STR) {
        print_number(out, row, row->number, file);
        return;
    }
    fputc('"', out);
    for (const char *at = row->text; *at; at++) {
        if (*at == '"' || *at == '\\')
            fputc('\\', out);
        fputc(*at, out);
    }
    fputc('"', out);
}

void
settings_print_help(FILE *out)
{
    fputs("Settings (default; allowed). Give one as --set section.name=value, in the file, or "
          "as\n"
          "TUNEMILL_<SECTION>_<NAME> in the environment; --set wins, then the environment.\n",
          out);
    for (size_t i = 0; i < settings_table_count; i++) {
        const struct setting *row = &settings_table[i];
        fprintf(out, "  %-34s %s\n%37s(", row->key, row->doc, "");
        print_default(out, row, false);
        fputs("; ", out);
        print_range(out, row);
        if (row->env)
            fprintf(out, "; also %s", row->env);
        fputs(")\n", out);
    }
}

void
settings_print_file(FILE *out)
{
    const char *section = "";

    fputs("# tunemill.cfg - every setting with its default. Made from "
          "actors/kit/runtime/settings.def\n"
          "# (`ninja settings_file`); copy it and keep the lines you change.\n",
          out);
    for (size_t i = 0; i < settings_table_count; i++) {
        const struct setting *row = &settings_table[i];
        if (strcmp(section, row->section) != 0) {
            fprintf(out, "%s\n%s:\n{\n", i ? "};\n" : "", row->section);
            section = row->section;
        }
        fprintf(out, "    # %s; ", row->doc);
        print_range(out, row);
        if (row->env)
            fprintf(out, "; also %s", row->env);
        fprintf(out, "\n    %s = ", row->name);
        print_default(out, row, true);
        fputs(";\n", out);
    }
    fputs("};\n", out);
}
