// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Bodies of two_bit.hpp.
#pragma once

#include <algorithm>
#include <array>
#include <fstream>
#include <utility>

#include <dnalm/core/error.hpp>
#include <dnalm/io/detail/messages.hpp>
#include <dnalm/io/two_bit.hpp>

DNALM_BEGIN_NAMESPACE
namespace io {

namespace detail {

inline constexpr std::uint64_t two_bit_signature = 0x1A412743U;

/// The four letters of every byte: two bits a base, the first base in the highest bits; T C A G are 0 to 3.
[[nodiscard]] constexpr std::array<std::array<char, 4>, 256> make_two_bit_letters() {
  constexpr std::string_view code = "TCAG";
  std::array<std::array<char, 4>, 256> letters{};
  for (std::size_t byte = 0; byte < 256; ++byte) {
    for (std::size_t i = 0; i < 4; ++i) letters[byte][i] = code[byte >> (6 - 2 * i) & 3U];
  }
  return letters;
}

inline constexpr std::array<std::array<char, 4>, 256> two_bit_letters = make_two_bit_letters();

}  // namespace detail

DNALM_INLINE two_bit_file::two_bit_file(const std::filesystem::path& path, file_access access)
    : file_(path, access) {
  file_.load(file_.place(0, file_.size()));  // a buffered file is read at once
  read_header();
  read_index();
  for (std::size_t i = 0; i < records_.size(); ++i) read_record(i);
}

/// \throws [dnalm.format.201] when fewer than `bytes` follow `position` in the file, [dnalm.format.202] when
/// they run past `limit`.
DNALM_INLINE void two_bit_file::need(std::size_t position, std::uint64_t bytes, std::size_t limit,
                                     const std::string& what) const {
  if (position <= limit && bytes <= limit - position) return;
  const error_details details{
      .where = name().string() + ", " + what,
      .expected = std::to_string(bytes) + " bytes from byte " + std::to_string(position),
      .found = "only " + std::to_string(limit > position ? limit - position : 0)};
  if (position > file_.size() || bytes > file_.size() - position) {
    throw error(error_kind::format, 201, "a 2bit file is cut", details);
  }
  throw error(error_kind::format, 202, "a sequence of a 2bit file overlaps the next", details);
}

DNALM_INLINE std::string two_bit_file::quoted(std::size_t i) const {
  return "sequence '" + detail::excerpt(entries_[i].name, 100) + "'";
}

/// An unsigned number in the file's byte order; the caller has checked the bounds.
DNALM_INLINE std::uint64_t two_bit_file::number(std::size_t offset, std::size_t width) const {
  const auto bytes = file_.place(offset, width);
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < width; ++i) {
    value = value << 8 | std::to_integer<std::uint64_t>(bytes[swapped_ ? i : width - 1 - i]);
  }
  return value;
}

DNALM_INLINE void two_bit_file::read_header() {
  const auto fail = [&](const std::string& what, const std::string& expected, const std::string& found) {
    throw error(error_kind::format, 200, what,
                {.where = name().string(), .expected = expected, .found = found});
  };
  if (file_.size() < 4) fail("not a 2bit file", "0x1A412743", std::to_string(file_.size()) + " bytes");
  if (number(0, 4) != detail::two_bit_signature) {
    swapped_ = true;
    if (number(0, 4) != detail::two_bit_signature) fail("not a 2bit file", "0x1A412743", "other bytes");
  }
  need(0, 16, file_.size(), "header");
  const auto version = number(4, 4);
  if (version > 1) fail("a version of 2bit that is not known", "0 or 1", std::to_string(version));
  if (number(12, 4) != 0) fail("a 2bit header is malformed", "0 in its reserved field", "another number");
  offset_bytes_ = version == 1 ? 8 : 4;
}

DNALM_INLINE void two_bit_file::read_index() {
  const auto count = number(8, 4);
  need(16, count * (1 + offset_bytes_), file_.size(), "index of " + std::to_string(count) + " sequences");
  std::size_t position = 16;
  for (std::uint64_t i = 0; i < count; ++i) position = read_index_entry(position, i + 1);
  set_limits(position);
}

/// Length of the name (one byte), name, offset of the record. Returns where the next entry begins.
DNALM_INLINE std::size_t two_bit_file::read_index_entry(std::size_t position, std::uint64_t entry) {
  const std::string what = "index entry " + std::to_string(entry);
  need(position, 1, file_.size(), what);
  const auto letters = static_cast<std::size_t>(number(position, 1));
  need(position + 1, letters + offset_bytes_, file_.size(), what);
  const auto text = file_.place(position + 1, letters);
  std::string name(reinterpret_cast<const char*>(text.data()), letters);
  if (name.empty() || !index_.emplace(name, entries_.size()).second) {
    throw error(error_kind::input, 203, "a sequence of a 2bit file has no name of its own",
                {.where = this->name().string() + ", " + what,
                 .expected = "unique names that are not empty",
                 .found = name.empty() ? "an empty one" : "'" + detail::excerpt(name, 100) + "' again"});
  }
  const auto offset = number(position + 1 + letters, offset_bytes_);
  entries_.push_back({.name = std::move(name)});
  if (offset > file_.size()) {
    throw error(error_kind::format, 202, "the index of a 2bit file points outside the file",
                {.where = this->name().string() + ", " + quoted(entries_.size() - 1),
                 .expected = "at most " + std::to_string(file_.size()),
                 .found = std::to_string(offset)});
  }
  records_.push_back({.begin = static_cast<std::size_t>(offset)});
  return position + 1 + letters + offset_bytes_;
}

/// Every record ends where the next begins at the latest: none overlaps another, so that a small file cannot
/// name one long record many times and opening a file costs at most its size.
DNALM_INLINE void two_bit_file::set_limits(std::size_t index_end) {
  std::vector<std::size_t> order(records_.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return std::pair(records_[a].begin, a) < std::pair(records_[b].begin, b);
  });
  std::size_t end = index_end;
  for (std::size_t k = 0; k < order.size(); ++k) {
    record& r = records_[order[k]];
    if (r.begin < end || (k > 0 && r.begin == records_[order[k - 1]].begin)) {
      throw error(error_kind::format, 202, "a sequence of a 2bit file overlaps another, or the index",
                  {.where = name().string() + ", " + quoted(order[k])});
    }
    r.limit = k + 1 < order.size() ? records_[order[k + 1]].begin : file_.size();
    end = r.begin;
  }
}

/// dnaSize, N blocks, mask blocks, a reserved number, ceil(dnaSize / 4) bytes of bases.
DNALM_INLINE void two_bit_file::read_record(std::size_t i) {
  record& r = records_[i];
  need(r.begin, 4, r.limit, quoted(i));
  const auto length = static_cast<index_t>(number(r.begin, 4));
  entries_[i].length = length;
  std::size_t position = r.begin + 4;
  r.unknown = read_blocks(position, i, "N block");
  r.masked = read_blocks(position, i, "mask block");
  need(position, 4, r.limit, quoted(i));
  r.bases = position + 4;
  need(r.bases, static_cast<std::uint64_t>((length + 3) / 4), r.limit, quoted(i) + ", bases");
}

/// Reads a count and checks that the blocks lie in the sequence, in order, without overlap.
DNALM_INLINE two_bit_file::block_table two_bit_file::read_blocks(std::size_t& position, std::size_t i,
                                                                 const char* what) const {
  const std::size_t limit = records_[i].limit;
  const index_t length = entries_[i].length;
  need(position, 4, limit, quoted(i));
  block_table table{.offset = position + 4, .count = static_cast<index_t>(number(position, 4))};
  need(table.offset, static_cast<std::uint64_t>(table.count) * 8, limit, quoted(i) + ", " + what + "s");
  position = table.offset + static_cast<std::size_t>(table.count) * 8;
  index_t end = 0;
  for (index_t k = 0; k < table.count; ++k) {
    const base_range range = block(table, k);
    if (range.begin < end || range.end > length) {
      throw error(error_kind::format, 204, "blocks of a 2bit file overlap or leave their sequence",
                  {.where = name().string() + ", " + quoted(i) + ", " + what + " " + std::to_string(k + 1),
                   .expected = "a part of bases " + std::to_string(end) + " to " + std::to_string(length),
                   .found = std::to_string(range.begin) + " to " + std::to_string(range.end)});
    }
    end = range.end;
  }
  return table;
}

DNALM_INLINE std::size_t two_bit_file::find(std::string_view name) const {
  const auto found = index_.find(name);
  if (found == index_.end()) {
    throw error(error_kind::input, 206, "a 2bit file has no such sequence",
                {.where = this->name().string(), .expected = "sequence '" + std::string(name) + "'"});
  }
  return found->second;
}

DNALM_INLINE base_range two_bit_file::block(const block_table& table, index_t i) const {
  const auto at = static_cast<std::size_t>(i) * 4;
  const auto begin = static_cast<index_t>(number(table.offset + at, 4));
  const auto size =
      static_cast<index_t>(number(table.offset + static_cast<std::size_t>(table.count) * 4 + at, 4));
  return {begin, begin + size};
}

DNALM_INLINE std::vector<base_range> two_bit_file::blocks(const block_table& table) const {
  std::vector<base_range> list;
  for (index_t i = 0; i < table.count; ++i) list.push_back(block(table, i));
  return list;
}

DNALM_INLINE std::vector<base_range> two_bit_file::n_blocks(std::string_view name) const {
  return blocks(records_[find(name)].unknown);
}

DNALM_INLINE std::vector<base_range> two_bit_file::mask_blocks(std::string_view name) const {
  return blocks(records_[find(name)].masked);
}

/// Changes the letters of `range` that lie in a block.
template <class Change>
void two_bit_file::change_blocks(const block_table& table, base_range range, std::string& letters,
                                 Change&& change) const {
  index_t low = 0;  // the first block that ends behind range.begin
  for (index_t high = table.count; low < high;) {
    const index_t middle = low + (high - low) / 2;
    if (block(table, middle).end <= range.begin) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  for (index_t i = low; i < table.count; ++i) {
    const base_range found = block(table, i);
    if (found.begin >= range.end) return;
    const index_t begin = std::max(found.begin, range.begin);
    const index_t end = std::min(found.end, range.end);
    for (index_t at = begin; at < end; ++at) {
      char& letter = letters[static_cast<std::size_t>(at - range.begin)];
      letter = change(letter);
    }
  }
}

/// Base i lies in bits 6 - 2 (i mod 4) of byte i / 4.
DNALM_INLINE void two_bit_file::decode(const record& from, base_range range, std::string& letters) const {
  const auto begin = static_cast<std::size_t>(range.begin);
  const auto end = static_cast<std::size_t>(range.end);
  if (begin == end) return;
  const std::size_t first = begin / 4;
  const auto bytes = file_.place(from.bases + first, (end + 3) / 4 - first);
  const auto at = [&](std::size_t byte) { return std::to_integer<std::size_t>(bytes[byte - first]); };
  std::size_t i = begin;
  const auto one = [&] { letters[i - begin] = detail::two_bit_letters[at(i / 4)][i % 4]; };
  for (; i < end && i % 4 != 0; ++i) one();
  for (; i + 4 <= end; i += 4) {
    const auto& four = detail::two_bit_letters[at(i / 4)];
    std::copy(four.begin(), four.end(), letters.begin() + static_cast<std::ptrdiff_t>(i - begin));
  }
  for (; i < end; ++i) one();
}

DNALM_INLINE std::string two_bit_file::slice(std::string_view name, index_t begin, index_t end,
                                             soft_mask mask) const {
  const std::size_t i = find(name);
  if (begin < 0 || begin > end || end > entries_[i].length) {
    throw error(error_kind::usage, 207, "a slice leaves its sequence",
                {.where = this->name().string() + ", sequence '" + entries_[i].name + "'",
                 .expected = "0 <= begin <= end <= " + std::to_string(entries_[i].length),
                 .found = std::to_string(begin) + ", " + std::to_string(end)});
  }
  std::string letters(static_cast<std::size_t>(end - begin), 'N');
  decode(records_[i], {begin, end}, letters);
  change_blocks(records_[i].unknown, {begin, end}, letters, [](char) { return 'N'; });
  if (mask == soft_mask::lower) {
    change_blocks(records_[i].masked, {begin, end}, letters,
                  [](char letter) { return static_cast<char>(letter | 0x20); });
  }
  return letters;
}

DNALM_INLINE std::string two_bit_file::sequence(std::string_view name, soft_mask mask) const {
  return slice(name, 0, length(name), mask);
}

DNALM_INLINE bool is_two_bit(const std::filesystem::path& path) {
  std::error_code failure;
  if (!std::filesystem::is_regular_file(path, failure)) return false;  // a pipe must not lose its bytes
  std::ifstream in(path, std::ios::binary);
  std::array<char, 4> first{};
  if (!in.read(first.data(), 4)) return false;
  const std::string_view bytes(first.data(), 4);
  return bytes == "\x43\x27\x41\x1A" || bytes == "\x1A\x41\x27\x43";
}

}  // namespace io
DNALM_END_NAMESPACE
