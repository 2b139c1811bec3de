// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Bodies of io/byte_source.hpp.
#pragma once

#include <zlib.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string_view>
#include <system_error>

#include <dnalm/core/error.hpp>
#include <dnalm/io/byte_source.hpp>

DNALM_BEGIN_NAMESPACE
namespace io {

/// The open file, what was read ahead of it, and the inflater.
struct byte_source::state {
  state() = default;
  state(const state&) = delete;
  state& operator=(const state&) = delete;
  ~state() {
    if (gzip) inflateEnd(&stream);
    if (file != nullptr && file != stdin) std::fclose(file);
  }

  void open(const std::filesystem::path& path);
  void refill();
  void start_gzip();
  bool start_member();
  std::size_t read_plain(std::span<char> out);
  std::size_t read_gzip(std::span<char> out);
  [[noreturn]] void throw_damaged(const std::string& found) const;

  [[nodiscard]] std::string_view pending() const {
    return {reinterpret_cast<const char*>(input.data()) + begin, end - begin};
  }

  std::string name;
  std::FILE* file = nullptr;
  std::array<unsigned char, 1 << 16> input{};
  std::size_t begin = 0;
  std::size_t end = 0;
  bool at_end = false;
  bool gzip = false;
  bool in_member = false;
  z_stream stream{};
};

DNALM_INLINE void byte_source::state::open(const std::filesystem::path& path) {
  if (path == "-") {
    name = "standard input";
    file = stdin;
    return;
  }
  name = path.string();
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) {
    throw error(error_kind::io, 170, "cannot open a file to read it",
                {.where = name, .expected = "a file", .found = "a folder"});
  }
  file = std::fopen(path.c_str(), "rb");
  if (file == nullptr) {
    throw error(error_kind::io, 170, "cannot open a file to read it",
                {.where = name, .found = std::generic_category().message(errno)});
  }
}

/// Moves what is left to the front and fills the rest of the input.
DNALM_INLINE void byte_source::state::refill() {
  std::copy(input.begin() + static_cast<std::ptrdiff_t>(begin),
            input.begin() + static_cast<std::ptrdiff_t>(end), input.begin());
  end -= begin;
  begin = 0;
  while (!at_end && end < input.size()) {
    errno = 0;
    const std::size_t count = std::fread(input.data() + end, 1, input.size() - end, file);
    end += count;
    if (count > 0) continue;
    if (std::ferror(file) != 0) {
      throw error(error_kind::io, 171, "reading failed",
                  {.where = name, .found = std::generic_category().message(errno)});
    }
    at_end = true;
  }
}

DNALM_INLINE void byte_source::state::throw_damaged(const std::string& found) const {
  throw error(error_kind::format, 172, "damaged gzip data",
              {.where = name, .expected = "complete gzip members and nothing behind them", .found = found});
}

DNALM_INLINE void byte_source::state::start_gzip() {
  if (inflateInit2(&stream, 15 + 16) != Z_OK) {
    throw error(error_kind::memory, 178, "cannot start unpacking gzip", {.where = name});
  }
  gzip = true;
  in_member = true;
}

/// Looks for another member behind the last; zero bytes may fill the rest (tape blocks). False at the end.
DNALM_INLINE bool byte_source::state::start_member() {
  bool padding = false;
  for (;;) {
    if (end - begin < 2) refill();
    if (begin == end) return false;
    if (input[begin] == 0) {
      padding = true;
      ++begin;
      continue;
    }
    if (padding || !pending().starts_with("\x1f\x8b")) throw_damaged("other bytes behind a gzip member");
    if (inflateReset(&stream) != Z_OK) throw_damaged("an inflater that cannot start again");
    in_member = true;
    return true;
  }
}

DNALM_INLINE std::size_t byte_source::state::read_plain(std::span<char> out) {
  if (begin == end) refill();
  const std::size_t count = std::min(out.size(), end - begin);
  std::copy_n(pending().data(), count, out.data());
  begin += count;
  return count;
}

DNALM_INLINE std::size_t byte_source::state::read_gzip(std::span<char> out) {
  constexpr std::size_t step = std::size_t{1} << 30;
  const std::size_t wanted = std::min(out.size(), step);
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(wanted);
  while (stream.avail_out == wanted) {
    if (!in_member && !start_member()) break;
    if (begin == end) refill();
    stream.next_in = input.data() + begin;
    stream.avail_in = static_cast<uInt>(end - begin);
    const bool starved = begin == end;
    const int result = inflate(&stream, Z_NO_FLUSH);
    begin = end - stream.avail_in;
    if (result == Z_STREAM_END) {
      in_member = false;
    } else if (starved && stream.avail_out == wanted) {
      throw_damaged("the end of the file inside a member");
    } else if (result != Z_OK && result != Z_BUF_ERROR) {
      throw_damaged(stream.msg != nullptr ? stream.msg : "zlib error " + std::to_string(result));
    }
  }
  return wanted - stream.avail_out;
}

namespace detail {

/// Name of a compression that is not built in, told by its first bytes; empty for anything else.
[[nodiscard]] inline std::string_view foreign_compression(std::string_view bytes) {
  if (bytes.starts_with("PK\x03\x04")) return "zip";
  if (bytes.starts_with("\x28\xb5\x2f\xfd")) return "zstd";
  if (bytes.starts_with("\xfd"
                        "7zXZ"))
    return "xz";
  if (bytes.starts_with("BZh") && bytes.size() >= 10 && bytes.substr(4).starts_with("1AY&SY")) return "bzip2";
  return {};
}

}  // namespace detail

DNALM_INLINE byte_source::byte_source(const std::filesystem::path& file) : state_(std::make_unique<state>()) {
  state_->open(file);
  state_->refill();
  const std::string_view foreign = detail::foreign_compression(state_->pending());
  if (!foreign.empty()) {
    throw error(error_kind::unsupported, 173, "this compression is not built in",
                {.where = state_->name, .expected = "plain text or gzip", .found = std::string(foreign)});
  }
  if (state_->pending().starts_with("\x1f\x8b")) state_->start_gzip();
}

DNALM_INLINE byte_source::~byte_source() = default;
DNALM_INLINE byte_source::byte_source(byte_source&&) noexcept = default;
DNALM_INLINE byte_source& byte_source::operator=(byte_source&&) noexcept = default;

DNALM_INLINE std::size_t byte_source::read(std::span<char> out) {
  if (out.empty()) return 0;
  return state_->gzip ? state_->read_gzip(out) : state_->read_plain(out);
}

DNALM_INLINE bool byte_source::compressed() const {
  return state_->gzip;
}

DNALM_INLINE const std::string& byte_source::name() const {
  return state_->name;
}

}  // namespace io
DNALM_END_NAMESPACE
