// The bounds of this room, each with its reason.
#pragma once

#include <cstddef>
#include <cstdint>

namespace roost::atproto::limits {

// A token with a public key and a dozen claims takes 1 kB; no header line is longer than this.
inline constexpr std::size_t jwt_bytes_max = 8 * 1024;

// Clocks of servers differ by a few seconds.
inline constexpr std::int64_t clock_skew_s = 10;
// A service token good for any method is worth stealing: a minute. One for a single method may
// serve a large upload: an hour.
inline constexpr std::int64_t service_jwt_lifetime_any_method_s = 60;
inline constexpr std::int64_t service_jwt_lifetime_one_method_s = 60 * 60;
// The receiver remembers it until the token expires.
inline constexpr std::size_t service_jwt_jti_bytes_max = 256;

// The specification's hard limit of a signed operation in DAG-CBOR; old logs come close to it.
inline constexpr std::size_t plc_operation_bytes_max = 7500;
inline constexpr std::size_t plc_rotation_keys_max = 5;
// A key of any kind as did:key; RSA keys are not written so.
inline constexpr std::size_t plc_key_bytes_max = 256;
// What the directory takes today for a new operation.
inline constexpr std::size_t plc_submitted_bytes_max = 4000;
inline constexpr std::size_t plc_submitted_entries_max = 10;
inline constexpr std::size_t plc_submitted_alias_bytes_max = 258;  // "at://" and a handle
inline constexpr std::size_t plc_submitted_id_bytes_max = 32;
inline constexpr std::size_t plc_submitted_service_type_bytes_max = 96;
inline constexpr std::size_t plc_submitted_endpoint_bytes_max = 256;
// The directory takes ten operations an hour; a log this long is abuse.
inline constexpr std::size_t plc_log_operations_max = 1000;
// A stronger rotation key may undo what a weaker one did this long.
inline constexpr std::int64_t plc_recovery_window_s = 72 * 60 * 60;

// A key is "collection/rkey": 317 bytes of NSID and 512 of record key fit.
inline constexpr std::size_t mst_key_bytes_max = 1024;
// With a fanout of 4 a node holds 3 keys on average, and more than 300 in one of 10^37.
inline constexpr std::size_t mst_node_entries_max = 1024;
// A key of this layer is one of 4^64: nobody finds one. So a path through a tree is short.
inline constexpr int mst_layer_max = 64;
// Records of one commit that a consumer takes, https://atproto.com/specs/sync#commit-events.
inline constexpr std::size_t commit_operations_max = 200;
inline constexpr std::uint64_t commit_blocks_bytes_max = 2'000'000;
// Each operation brings a record and the nodes of three paths, most of them shared.
inline constexpr std::uint64_t commit_blocks_max = 200 * 64;

// Records are at most 1 MiB, and a node of mst_node_entries_max full keys is about as large.
inline constexpr std::size_t car_block_bytes_max = 2 * 1024 * 1024;
// Two roots are rare, more have no meaning yet.
inline constexpr std::size_t car_header_bytes_max = 1024;
inline constexpr std::size_t car_roots_max = 16;

}  // namespace roost::atproto::limits
