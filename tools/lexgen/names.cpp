#include "names.h"

#include <algorithm>
#include <array>

namespace roost::lexgen {
namespace {

// Keywords, the words that may be macros or types of the global namespace, and the two member
// functions of the generated structs.
constexpr std::array reserved = std::to_array<std::string_view>(
    {"alignas",   "alignof",   "and",      "asm",       "assert",    "auto",     "bitand",
     "bitor",     "bool",      "break",    "case",      "catch",     "char",     "class",
     "compl",     "concept",   "const",    "constexpr", "constinit", "continue", "decltype",
     "default",   "delete",    "do",       "double",    "else",      "enum",     "errno",
     "explicit",  "export",    "extern",   "false",     "float",     "for",      "friend",
     "from",      "goto",      "if",       "inline",    "int",       "long",     "mutable",
     "namespace", "new",       "noexcept", "not",       "nullptr",   "operator", "or",
     "private",   "protected", "public",   "register",  "requires",  "return",   "short",
     "signed",    "sizeof",    "static",   "struct",    "switch",    "template", "this",
     "throw",     "true",      "try",      "typedef",   "typeid",    "typename", "union",
     "unsigned",  "using",     "virtual",  "void",      "volatile",  "while",    "write",
     "xor"});

bool is_word(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

}  // namespace

std::vector<std::string> split(std::string_view text, char separator) {
    std::vector<std::string> out;
    while (true) {
        const std::size_t at = text.find(separator);
        out.emplace_back(text.substr(0, at));
        if (at == std::string_view::npos) return out;
        text.remove_prefix(at + 1);
    }
}

std::string member_name(std::string_view name) {
    std::string out(name);
    std::ranges::replace_if(out, [](char c) { return !is_word(c); }, '_');
    if (std::ranges::find(reserved, name) != reserved.end()) out += '_';
    return out;
}

std::string title_case(std::string_view name) {
    std::string out(name);
    std::ranges::replace_if(out, [](char c) { return !is_word(c); }, '_');
    if (!out.empty() && out[0] >= 'a' && out[0] <= 'z') out[0] = static_cast<char>(out[0] - 32);
    return out;
}

std::string namespace_of(std::string_view nsid) {
    std::string out = "roost::lexicon";
    for (const std::string& part : split(nsid, '.'))
        out += "::" + member_name(part);
    return out;
}

std::string header_of(std::string_view nsid) {
    std::string path(nsid);
    std::ranges::replace(path, '.', '/');
    return "lexicon/" + path + ".h";
}

std::string struct_of(std::string_view definition) {
    return title_case(definition);
}

std::string qualified_struct(std::string_view reference) {
    const std::size_t hash = reference.find('#');
    const std::string_view name =
        hash == std::string_view::npos ? "main" : reference.substr(hash + 1);
    return "::" + namespace_of(reference.substr(0, hash)) + "::" + struct_of(name);
}

std::string cpp_literal(std::string_view text) {
    std::string out = "\"";
    for (char c : text) {
        if (c == '"' || c == '\\') out += '\\';
        out += c;
    }
    return out + "\"";
}

}  // namespace roost::lexgen
