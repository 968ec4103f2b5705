# Writes OUTPUT: the files of FOLDER/*.mustache as string literals, in a table by name.
file(GLOB templates ${FOLDER}/*.mustache)
list(SORT templates)
set(entries "")
foreach(template ${templates})
    get_filename_component(file_name ${template} NAME)
    string(REGEX REPLACE "\\.mustache$" "" name ${file_name})
    file(READ ${template} text)
    string(APPEND entries "    {\"${name}\", R\"~mail~(${text})~mail~\"},\n")
endforeach()
file(WRITE ${OUTPUT} "#include \"pds/mail/embedded_templates.h\"\n
namespace roost::pds::mail {
namespace {
constexpr EmbeddedTemplate table[] = {
${entries}};
}
std::span<const EmbeddedTemplate> embedded_templates() { return table; }
}  // namespace roost::pds::mail\n")
