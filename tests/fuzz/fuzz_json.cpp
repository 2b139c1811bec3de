// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Any bytes as JSON: what is accepted reads back the same after it is written.
#include <algorithm>

#include <nlohmann/json.hpp>

#include <dnalm/io/json.hpp>

#include "fuzz_support.hpp"

namespace {

using namespace dnalm_fuzz;

int depth_of(const dnalm::io::json& value) {
  int depth = 0;
  if (!value.is_structured()) return 0;
  for (const auto& part : value) depth = std::max(depth, depth_of(part));
  return depth + 1;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const dnalm::io::json_limits strict{.depth = 16, .bytes = 1 << 16};
  dnalm::io::json_limits lax = strict;
  lax.duplicates = dnalm::io::duplicate_keys::last_wins;
  const bool accepted = guarded(
      [&] {
        const auto value = dnalm::io::parse_json(text, "a text", strict);
        promise(depth_of(value) <= strict.depth, "the limit of depth holds");
        promise(dnalm::io::parse_json(value.dump(), "again", strict) == value, "a document survives");
        promise(dnalm::io::parse_json(text, "a text", lax) == value, "without duplicates both ways agree");
      },
      "a text");
  if (!accepted) guarded([&] { (void)dnalm::io::parse_json(text, "a text", lax); }, "a text");
  return 0;
}
