// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Genomes in the 2bit format, mapped: whole sequences or slices, N blocks, soft mask.
///
/// Source: UCSC Genome Browser, "Data File Formats", .2bit format; version 1 has 64-bit offsets.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/io/mapped_file.hpp>

DNALM_BEGIN_NAMESPACE
namespace io {

/// How soft-masked letters (repeats) are written.
enum class soft_mask {
  upper,  ///< as all others: the mask is no information
  lower   ///< in lower case
};

/// A range of bases, from 0, without its end.
struct base_range {
  index_t begin = 0;
  index_t end = 0;

  [[nodiscard]] bool operator==(const base_range&) const = default;
};

/// Name and length of a sequence.
struct two_bit_entry {
  std::string name = {};
  index_t length = 0;
};

/// A mapped 2bit file of either byte order, version 0 or 1. Everything it says is checked when it is opened:
/// records inside the file and not overlapping, blocks inside their sequence, in order and not overlapping.
/// Safe to share between threads.
class two_bit_file {
 public:
  /// \throws error [dnalm.format.200] not 2bit, or a version that is not known, [dnalm.format.201] cut,
  /// [dnalm.format.202] an index or records that contradict the file, [dnalm.input.203] a name twice or
  /// empty, [dnalm.format.204] blocks that leave their sequence or overlap; as mapped_file.
  explicit two_bit_file(const std::filesystem::path& path, file_access access = file_access::mapped);

  /// In the order of the file.
  [[nodiscard]] const std::vector<two_bit_entry>& sequences() const { return entries_; }
  [[nodiscard]] bool contains(std::string_view name) const { return index_.find(name) != index_.end(); }
  /// \throws error [dnalm.input.206] when there is no such sequence.
  [[nodiscard]] index_t length(std::string_view name) const { return entries_[find(name)].length; }
  /// The whole sequence in the letters ACGTN (acgtn where it is masked, with soft_mask::lower).
  /// \throws error [dnalm.input.206].
  [[nodiscard]] std::string sequence(std::string_view name, soft_mask mask = soft_mask::upper) const;
  /// Bases [begin, end), from 0. \throws error [dnalm.input.206], [dnalm.usage.207] when the range leaves
  /// the sequence. Cost: the slice, and a binary search in the blocks.
  [[nodiscard]] std::string slice(std::string_view name, index_t begin, index_t end,
                                  soft_mask mask = soft_mask::upper) const;
  /// Runs of N, in order.
  [[nodiscard]] std::vector<base_range> n_blocks(std::string_view name) const;
  /// Soft-masked runs, in order.
  [[nodiscard]] std::vector<base_range> mask_blocks(std::string_view name) const;
  [[nodiscard]] const std::filesystem::path& name() const { return file_.name(); }

 private:
  /// `count` starts (32 bits each), then as many sizes, from byte `offset` of the file.
  struct block_table {
    std::size_t offset = 0;
    index_t count = 0;
  };
  /// Where the parts of a sequence lie in the file.
  struct record {
    std::size_t begin = 0;
    block_table unknown = {};
    block_table masked = {};
    std::size_t bases = 0;
    std::size_t limit = 0;  // where the next record, or the file's end, is
  };

  [[nodiscard]] std::size_t find(std::string_view name) const;
  [[nodiscard]] std::uint64_t number(std::size_t offset, std::size_t width) const;
  [[nodiscard]] base_range block(const block_table& table, index_t i) const;
  [[nodiscard]] std::vector<base_range> blocks(const block_table& table) const;
  template <class Change>
  void change_blocks(const block_table& table, base_range range, std::string& letters, Change&& change) const;
  void decode(const record& from, base_range range, std::string& letters) const;

  void read_header();
  void read_index();
  [[nodiscard]] std::size_t read_index_entry(std::size_t position, std::uint64_t entry);
  void set_limits(std::size_t index_end);
  void read_record(std::size_t i);
  [[nodiscard]] block_table read_blocks(std::size_t& position, std::size_t i, const char* what) const;
  void need(std::size_t position, std::uint64_t bytes, std::size_t limit, const std::string& what) const;
  [[nodiscard]] std::string quoted(std::size_t i) const;

  mapped_file file_;
  bool swapped_ = false;
  std::size_t offset_bytes_ = 4;  // of an offset in the index
  std::vector<two_bit_entry> entries_;
  std::vector<record> records_;
  std::map<std::string, std::size_t, std::less<>> index_;
};

/// Whether a regular file begins as 2bit does, in either byte order; false for what cannot be read.
[[nodiscard]] bool is_two_bit(const std::filesystem::path& path);

}  // namespace io
DNALM_END_NAMESPACE

#if DNALM_WITH_BODIES
#include <dnalm/io/detail/two_bit_impl.hpp>
#endif
