// The bounds of data/, each with its reason.
#pragma once

#include <cstddef>

namespace roost::atproto {

// How deep arrays and objects may nest in what comes from outside. Records in the wild stay below
// 20; recursive readers and destructors need some hundred bytes of stack a level.
inline constexpr int parsed_depth_max = 64;

// How deep a value that we write may nest: a parsed one within an answer of ours. Beyond is a bug.
inline constexpr int written_depth_max = 2 * parsed_depth_max;

// A parser of JSON keeps about 16 bytes of memory for each byte of the largest text it has seen.
// After a larger text than this, it is replaced by a fresh one.
inline constexpr std::size_t json_parser_kept_max = 256 * 1024;

// How much of a key is quoted in an error message; keys are as long as the sender likes.
inline constexpr std::size_t quoted_key_max = 64;

}  // namespace roost::atproto
