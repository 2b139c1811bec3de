// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Errors that name the path a user gave instead of the temporary one behind it.
#pragma once

#include <string>
#include <string_view>

#include <dnalm/core/error.hpp>
#include <dnalm/core/platform.hpp>

DNALM_BEGIN_NAMESPACE
namespace report {
namespace detail {

[[nodiscard]] inline std::string replaced(std::string text, std::string_view from, std::string_view to) {
  for (std::size_t at = text.find(from); at != std::string::npos && !from.empty();
       at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
  return text;
}

/// The first sentence of an error: its line without the id in front and the details behind.
[[nodiscard]] inline std::string first_sentence(const error& problem) {
  const error_details& details = problem.details();
  const std::string line = problem.what();
  const std::size_t front = problem.id().size() + 4;  // [id]:
  std::size_t behind = 0;
  if (!details.where.empty()) behind += std::string_view(", in ").size() + details.where.size();
  if (!details.expected.empty()) behind += std::string_view(", expected ").size() + details.expected.size();
  if (!details.found.empty()) behind += std::string_view(", found ").size() + details.found.size();
  return front + behind <= line.size() ? line.substr(front, line.size() - front - behind) : line;
}

/// The same error with another path in its details.
[[nodiscard]] inline error with_path(const error& problem, const std::string& from, const std::string& to) {
  const error_details& details = problem.details();
  return {problem.kind(),
          problem.number(),
          first_sentence(problem),
          {.where = replaced(details.where, from, to),
           .expected = replaced(details.expected, from, to),
           .found = replaced(details.found, from, to)}};
}

}  // namespace detail
}  // namespace report
DNALM_END_NAMESPACE
