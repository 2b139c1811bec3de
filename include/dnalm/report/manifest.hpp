// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief How a result was made: what manifest.json and the last part of the report say.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>

DNALM_BEGIN_NAMESPACE
namespace report {

/// A file that went in, with the hash of its content.
struct hashed_file {
  std::string name = {};    ///< file name without folders
  std::string sha256 = {};  ///< 64 hexadecimal digits, "" when it cannot be hashed (standard input)
};

/// A model or a file of embeddings that was probed.
struct probed_source {
  std::string name = {};         ///< as in results.tsv
  std::string description = {};  ///< architecture and sizes in a line
  index_t parameters = 0;        ///< 0 for embeddings
  std::vector<hashed_file> files = {};
};

/// A setting by its name.
struct setting {
  std::string name = {};
  std::string value = {};
};

/// Everything needed to make the results again. No time and no machine stand in it: equal input gives equal
/// bytes.
struct manifest {
  std::string program = "dnalm-evaluate";
  std::vector<std::string> command = {};
  std::uint64_t seed = 1;
  hashed_file data = {};
  index_t rows = 0;
  index_t train_rows = 0;
  index_t valid_rows = 0;
  index_t test_rows = 0;
  std::string split = {};  ///< where the split comes from, in words
  std::vector<std::string> targets = {};
  std::vector<probed_source> sources = {};
  std::vector<setting> settings = {};
  std::vector<std::string> remarks = {};  ///< what a reader should know
};

/// manifest.json: indented JSON, keys sorted, names that are not UTF-8 repaired.
[[nodiscard]] std::string manifest_json(const manifest& made);

/// Version of dnalm, compiler and instruction set of this build.
[[nodiscard]] std::vector<setting> software_versions();

/// The command as one line that a shell would understand.
[[nodiscard]] std::string command_line(const std::vector<std::string>& command);

}  // namespace report
DNALM_END_NAMESPACE

#if DNALM_WITH_BODIES
#include <dnalm/report/detail/manifest_impl.hpp>
#endif
