#include "actors/kit/runtime/settings.h"

#include <string.h>

#include "actors/kit/runtime/settings_table.h"

static void
print_range(FILE *out, const field_t *field)
{
    if (field->flags & FIELD_SECRET)
        fputs("a secret; ", out);
    if (field->kind == FIELD_BOOL)
        fputs("true or false", out);
    else
        fprintf(out, "%.15g to %.15g%s", field->min, field->max,
                field->kind == FIELD_TEXT ? " bytes" : "");
}

static void
print_default(FILE *out, const field_t *field)
{
    if (field->kind == FIELD_BOOL)
        fputs(field->standard[0] == '1' ? "true" : "false", out);
    if (field->kind == FIELD_INT || field->kind == FIELD_NUMBER)
        fputs(field->standard, out);
    if (field->kind != FIELD_TEXT)
        return;
    fputc('"', out);
    for (const char *at = field->standard; *at; at++) {
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
        fprintf(out, "  %-34s %s\n%37s(", row->field.name, row->field.help, "");
        print_default(out, &row->field);
        fputs("; ", out);
        print_range(out, &row->field);
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
        fprintf(out, "    # %s; ", row->field.help);
        print_range(out, &row->field);
        if (row->env)
            fprintf(out, "; also %s", row->env);
        fprintf(out, "\n    %s = ", row->name);
        print_default(out, &row->field);
        fputs(row->field.kind == FIELD_NUMBER && !strchr(row->field.standard, '.') ? ".0;\n"
                                                                                   : ";\n",
              out);
    }
    fputs("};\n", out);
}
