// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Body of tokenize/vocabulary_file.hpp.
#pragma once

#include <algorithm>
#include <string_view>

#include <dnalm/core/error.hpp>
#include <dnalm/io/byte_source.hpp>
#include <dnalm/tokenize/detail/vocabulary_index.hpp>
#include <dnalm/tokenize/vocabulary_file.hpp>

DNALM_BEGIN_NAMESPACE

DNALM_INLINE std::vector<std::string> read_vocabulary(const std::filesystem::path& file) {
  constexpr std::size_t limit = std::size_t{1} << 26;
  io::byte_source source(file);
  std::string text(1 << 16, '\0');
  std::size_t size = 0;
  for (std::size_t count = 1; count > 0 && size <= limit; size += count) {
    if (size == text.size()) text.resize(2 * text.size());
    count = source.read({text.data() + size, text.size() - size});
  }
  if (size > limit) {
    throw error(error_kind::io, 314, "a vocabulary is too large",
                {.where = file.string(), .expected = "64 MiB"});
  }
  std::string_view rest(text.data(), size);
  if (rest.starts_with("\xEF\xBB\xBF")) rest.remove_prefix(3);
  std::vector<std::string> tokens;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    const std::size_t first = std::min(line.find_first_not_of(" \t\r"), line.size());
    tokens.emplace_back(line.substr(first, line.find_last_not_of(" \t\r") + 1 - first));
    detail::check_vocabulary_token(tokens.back(), tokens.size(), file.string());
  }
  if (tokens.empty()) {
    throw error(error_kind::config, 310, "the vocabulary is empty", {.where = file.string()});
  }
  return tokens;
}

DNALM_END_NAMESPACE
