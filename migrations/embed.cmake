# Writes the FILES as byte arrays and one table, migrations_table (see embedded.h), to OUT.
set(arrays "")
set(rows "")
set(index 0)
foreach(file IN LISTS FILES)
  get_filename_component(name ${file} NAME)
  string(REGEX MATCH "^([0-9]+)_" number ${name})
  string(REGEX REPLACE "^0+" "" number "${CMAKE_MATCH_1}")
  file(READ ${file} hex HEX)
  string(REGEX REPLACE "(..)" "0x\\1," bytes "${hex}")
  string(APPEND arrays "static const unsigned char file_${index}[] = {${bytes}0};\n")
  string(APPEND rows "    {${number}, \"${name}\", file_${index}, sizeof(file_${index}) - 1},\n")
  math(EXPR index "${index} + 1")
endforeach()
file(WRITE ${OUT} "#include \"migrations/embedded.h\"\n\n${arrays}\n"
     "const struct migration migrations_table[] = {\n${rows}};\n"
     "const size_t migrations_count = sizeof(migrations_table) / sizeof(migrations_table[0]);\n")
