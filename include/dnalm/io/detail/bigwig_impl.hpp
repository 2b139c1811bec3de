// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Bodies of io/bigwig.hpp; nothing without libBigWig. They are not part of dnalm::compiled.
#pragma once

#if defined(DNALM_WITH_BIGWIG)

#include <bigWig.h>

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include <dnalm/core/error.hpp>
#include <dnalm/io/bigwig.hpp>
#include <dnalm/io/detail/output.hpp>
#include <dnalm/io/detail/track_order.hpp>
#include <dnalm/io/detail/write_lock.hpp>

DNALM_BEGIN_NAMESPACE
namespace io {
namespace detail {

/// A file that another library writes by its name: it lies beside the target until it is renamed.
class named_beside {
 public:
  explicit named_beside(const std::filesystem::path& path) : path_(path), target_(follow_links(path)) {
    std::error_code failure;
    const auto status = std::filesystem::status(target_, failure);
    if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status)) {
      throw_cannot_create(path, "no regular file");
    }
    while (descriptor_ < 0) {
      temporary_ = std::filesystem::absolute(temporary_beside(target_));
      descriptor_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
      if (descriptor_ < 0 && errno != EEXIST) throw_cannot_create(path, std::strerror(errno));
      if (descriptor_ >= 0 && !lock_as_writer(descriptor_)) ::close(std::exchange(descriptor_, -1));
    }
  }
  named_beside(const named_beside&) = delete;
  named_beside& operator=(const named_beside&) = delete;
  ~named_beside() {
    ::close(descriptor_);
    if (!temporary_.empty()) ::unlink(temporary_.c_str());
  }

  [[nodiscard]] const std::filesystem::path& name() const { return temporary_; }
  void commit() {
    if (::fsync(descriptor_) != 0 || ::rename(temporary_.c_str(), target_.c_str()) != 0) {
      throw error(error_kind::io, 224, "cannot complete the output file",
                  {.where = path_.string(), .found = std::strerror(errno)});
    }
    temporary_.clear();
  }

 private:
  std::filesystem::path path_;
  std::filesystem::path target_;
  std::filesystem::path temporary_;
  int descriptor_ = -1;
};

/// Lengths of all chromosomes in the order of their names; intervals must lie inside.
[[nodiscard]] inline std::map<std::string, std::uint32_t> bigwig_lengths(
    std::span<const track_interval> intervals, const std::map<std::string, index_t>& lengths) {
  std::map<std::string, index_t> all = lengths;
  for (const track_interval& interval : intervals) {
    if (!lengths.contains(interval.chromosome)) all[interval.chromosome] = interval.end;
  }
  const auto refuse = [](const std::string& where, const std::string& expected) {
    throw error(error_kind::usage, 159, "an interval that cannot stand in a track",
                {.where = where, .expected = expected});
  };
  if (intervals.empty()) refuse("a bigWig file", "one interval at least");
  for (const track_interval& interval : intervals) {
    const index_t length = all[interval.chromosome];
    if (interval.end <= length) continue;
    refuse(
        interval.chromosome + ", " + std::to_string(interval.start) + " to " + std::to_string(interval.end),
        "an end within the chromosome's " + std::to_string(length) + " bases");
  }
  std::map<std::string, std::uint32_t> checked;
  for (const auto& [name, length] : all) {
    if (length < 1 || length >= (index_t{1} << 32)) refuse(name, "a length from 1 to 2^32 - 1");
    checked[name] = static_cast<std::uint32_t>(length);
  }
  return checked;
}

/// An open bigWig file of the library.
struct bigwig_closer {
  void operator()(bigWigFile_t* file) const { bwClose(file); }
};
using bigwig_handle = std::unique_ptr<bigWigFile_t, bigwig_closer>;

/// Header and index of chromosomes.
[[nodiscard]] inline bool write_bigwig_head(bigWigFile_t& file,
                                            const std::map<std::string, std::uint32_t>& lengths) {
  std::vector<const char*> names;
  std::vector<std::uint32_t> sizes;
  for (const auto& [name, length] : lengths) {
    names.push_back(name.c_str());
    sizes.push_back(length);
  }
  if (bwCreateHdr(&file, 10) != 0) return false;
  file.cl = bwCreateChromList(names.data(), sizes.data(), static_cast<std::int64_t>(names.size()));
  return file.cl != nullptr && bwWriteHdr(&file) == 0;
}

/// A piece of the intervals of one chromosome.
[[nodiscard]] inline bool write_bigwig_part(bigWigFile_t& file, std::span<const track_interval> part) {
  std::vector<const char*> names;
  std::vector<std::uint32_t> starts;
  std::vector<std::uint32_t> ends;
  std::vector<float> values;
  for (const track_interval& interval : part) {
    names.push_back(part[0].chromosome.c_str());
    starts.push_back(static_cast<std::uint32_t>(interval.start));
    ends.push_back(static_cast<std::uint32_t>(interval.end));
    values.push_back(static_cast<float>(interval.value));
  }
  const auto count = static_cast<std::uint32_t>(part.size());
  return bwAddIntervals(&file, names.data(), starts.data(), ends.data(), values.data(), count) == 0;
}

/// All intervals, chromosomes in the order of their names.
[[nodiscard]] inline bool write_bigwig_body(bigWigFile_t& file, std::span<const track_interval> intervals) {
  std::map<std::string, std::pair<std::size_t, std::size_t>> ranges;
  for (std::size_t i = 0; i < intervals.size(); ++i) {
    auto& range = ranges.try_emplace(intervals[i].chromosome, i, i).first->second;
    range.second = i + 1;
  }
  constexpr std::size_t most = std::size_t{1} << 16;
  for (const auto& [name, range] : ranges) {
    for (std::size_t i = range.first; i < range.second; i += most) {
      if (!write_bigwig_part(file, intervals.subspan(i, std::min(most, range.second - i)))) return false;
    }
  }
  return true;
}

/// Whether the file that was written holds as many bases as it should: the library tells no failed write.
[[nodiscard]] inline bool bigwig_is_whole(const std::filesystem::path& path,
                                          std::span<const track_interval> intervals) {
  std::uint64_t bases = 0;
  for (const track_interval& interval : intervals) {
    bases += static_cast<std::uint64_t>(interval.end - interval.start);
  }
  const bigwig_handle file(bwOpen(path.c_str(), nullptr, "r"));
  return file && file->hdr != nullptr && file->hdr->nBasesCovered == bases;
}

}  // namespace detail

inline void write_bigwig(const std::filesystem::path& path, std::span<const track_interval> intervals,
                         const std::map<std::string, index_t>& lengths) {
  detail::check_track_order(intervals);
  const auto sizes = detail::bigwig_lengths(intervals, lengths);
  static std::mutex library;
  const std::lock_guard<std::mutex> alone(library);
  detail::named_beside target(path);
  bool written = bwInit(std::size_t{1} << 17) == 0;
  if (written) {
    const detail::bigwig_handle file(bwOpen(target.name().c_str(), nullptr, "w"));
    written = file && detail::write_bigwig_head(*file, sizes) && detail::write_bigwig_body(*file, intervals);
  }
  written = written && detail::bigwig_is_whole(target.name(), intervals);
  if (!written) {
    throw error(error_kind::io, 223, "cannot write the output file",
                {.where = path.string(), .found = "libBigWig could not write it whole"});
  }
  target.commit();
}

}  // namespace io
DNALM_END_NAMESPACE

#endif
