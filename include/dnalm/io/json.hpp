// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief JSON from untrusted files: limits on depth and size, no duplicate keys, errors with line and
/// column.
///
/// The only public header that names nlohmann/json. With dnalm::compiled it only declares the type: include
/// <nlohmann/json.hpp> to look into a document.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>

#if defined(DNALM_COMPILED) && !defined(DNALM_COMPILED_SOURCE)
#include <nlohmann/json_fwd.hpp>
#else
#include <nlohmann/json.hpp>
#endif

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>

DNALM_BEGIN_NAMESPACE
namespace io {

/// A JSON value; objects are sorted by key.
using json = nlohmann::json;

/// What to do when an object names a key twice.
enum class duplicate_keys { reject, last_wins };

/// What is read before a document is refused.
struct json_limits {
  int depth = 64;                                      ///< nested arrays and objects
  index_t bytes = index_t{1} << 30;                    ///< length of the text
  duplicate_keys duplicates = duplicate_keys::reject;  ///< published config.json files may need last_wins
};

/// Parses one JSON document (strict JSON, UTF-8; a byte order mark is skipped).
///
/// \param where what the text is called in errors (a file name).
/// \throws error [dnalm.format.226] not JSON or not UTF-8 (line and column), [dnalm.format.227] nested too
/// deeply, [dnalm.format.228] a key twice in one object, [dnalm.format.229] too long. Nothing of nlohmann
/// escapes.
[[nodiscard]] json parse_json(std::string_view text, const std::string& where,
                              const json_limits& limits = {});

/// Reads and parses a file. \throws as parse_json and mapped_file.
[[nodiscard]] json read_json_file(const std::filesystem::path& path, const json_limits& limits = {});

}  // namespace io
DNALM_END_NAMESPACE

#if DNALM_WITH_BODIES
#include <dnalm/io/detail/json_impl.hpp>
#endif
