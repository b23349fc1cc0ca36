# Writes to OUT the ASSETS as web_assets, the PAGES as web_texts and OPENAPI as web_openapi (see
# embedded.h). An asset's ETag is of its bytes, so that it changes with them and with nothing else.
set(type_css "text/css; charset=utf-8")
set(type_js "text/javascript; charset=utf-8")
set(type_svg "image/svg+xml")
set(type_json "application/json")

set(arrays "")
set(index 0)

# add_array(FILE): appends its bytes, terminated, as file_<index>
macro(add_array file)
  file(READ ${file} hex HEX)
  string(REGEX REPLACE "(..)" "0x\\1," bytes "${hex}")
  string(APPEND arrays "static const unsigned char file_${index}[] = {${bytes}0};\n")
endmacro()

# add_asset(FILE): its initialiser, in `asset`
macro(add_asset file)
  get_filename_component(name ${file} NAME)
  get_filename_component(extension ${file} LAST_EXT)
  string(SUBSTRING ${extension} 1 -1 extension)
  file(SHA256 ${file} sha256)
  string(SUBSTRING ${sha256} 0 32 etag)
  add_array(${file})
  string(CONCAT asset "{\"${name}\", \"${type_${extension}}\", \"\\\"${etag}\\\"\", "
         "file_${index}, sizeof(file_${index}) - 1}")
  math(EXPR index "${index} + 1")
endmacro()

set(assets "")
foreach(file IN LISTS ASSETS)
  add_asset(${file})
  string(APPEND assets "    ${asset},\n")
endforeach()

set(pages "")
foreach(file IN LISTS PAGES)
  get_filename_component(name ${file} NAME_WE)
  add_array(${file})
  string(APPEND pages "    {\"${name}\", (const char *)file_${index}},\n")
  math(EXPR index "${index} + 1")
endforeach()

add_asset(${OPENAPI})

file(WRITE ${OUT} "#include \"actors/http/web/embedded.h\"\n\n${arrays}\n"
     "const struct web_asset web_assets[] = {\n${assets}};\n"
     "const size_t web_asset_count = sizeof(web_assets) / sizeof(web_assets[0]);\n\n"
     "const struct web_text web_texts[] = {\n${pages}};\n"
     "const size_t web_text_count = sizeof(web_texts) / sizeof(web_texts[0]);\n\n"
     "const struct web_asset web_openapi = ${asset};\n")
